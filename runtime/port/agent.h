/* agent.h -- what the agent needs to know of a model; the glue file defines it */
#ifndef EK_AGENT_H
#define EK_AGENT_H

#include <stdint.h>

typedef struct {
    uint8_t *base;
    uint32_t bytes;
} ek_space;

extern const ek_space ek_spaces[3]; /* arena, state, caller's buffers */
extern const uint8_t ek_model_hash[8];
int ek_model_run(void);
void ek_model_reset(void);

/* For fault handlers: reports the program counter in the answer to RUN; does not return. */
void ek_agent_fault(uint32_t pc);

#endif
