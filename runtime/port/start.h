/* start.h -- from reset to main() */
#ifndef EK_START_H
#define EK_START_H

#include <stdint.h>

extern uint32_t ek_stack_top[]; /* of the linker script bare.ld */

void ek_reset(void); /* the first instruction: sets the stack, if the core does not, and calls */
void ek_start(void);
int main(void);

#endif
