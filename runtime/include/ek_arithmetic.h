/* ek_arithmetic.h -- generated from edgekit/ops/arithmetic.py; do not edit */
#ifndef EK_ARITHMETIC_H
#define EK_ARITHMETIC_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int8_t function; /* 0 add, 1 sub, 2 mul, 3 div, 4 mod, 5 fmod, 6 pow, 7 min, 8 max, 9 and, 10 or, 11 xor, 12 left, 13 right, 14 less, 15 less_equal, 16 equal */
    int8_t source; /* type of the inputs: 0 int8, 1 uint8, 2 int16, 3 int32, 4 bool, 5 uint16, 6 uint32 */
    int8_t target; /* type of the output, likewise */
    int32_t shape[4]; /* sizes of the walk over the output */
    int32_t stride1[4]; /* steps of the first input, 0 repeats */
    int32_t stride2[4]; /* steps of the second input, 0 repeats */
} ek_arithmetic_params;

void ek_arithmetic_s8(const ek_arithmetic_params *p, const int8_t *input1, const int8_t *input2, int8_t *output);

#endif
