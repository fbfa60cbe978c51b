/* count.h -- what the generated file beside count.c gives: bytes of the inputs and their places */
#ifndef EK_COUNT_H
#define EK_COUNT_H

#include <stdint.h>

typedef struct {
    uint8_t *to;
    const uint8_t *from;
    uint32_t bytes;
} ek_placed_input;

extern const ek_placed_input ek_input[];
extern const uint32_t ek_inputs;

#endif
