/* ek_add_s16.h -- generated from edgekit/ops/add_s16.py; do not edit */
#ifndef EK_ADD_S16_H
#define EK_ADD_S16_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
    int32_t shape[4]; /* sizes of the walk over the output */
    int32_t stride1[4]; /* steps of the first input, 0 repeats */
    int32_t stride2[4]; /* steps of the second input, 0 repeats */
    int32_t multiplier1; /* rescaling of the first input */
    int32_t shift1; /* and its shift, at most 0 */
    int32_t multiplier2; /* rescaling of the second input */
    int32_t shift2; /* and its shift, at most 0 */
    int32_t sign2; /* 1 to add the second input, -1 to subtract it */
    int32_t multiplier; /* rescaling of the sum */
    int32_t shift; /* and its shift, negative */
} ek_add_s16_params;

void ek_add_s16(const ek_add_s16_params *p, const int8_t *input1, const int8_t *input2, int8_t *output);

#endif
