/* ek_rescale_s16.h -- generated from edgekit/ops/rescale_s16.py; do not edit */
#ifndef EK_RESCALE_S16_H
#define EK_RESCALE_S16_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int8_t source; /* type of the input: 0 int8, 1 uint8, 2 int16, 3 int32 */
    int8_t target; /* type of the output, likewise */
    int32_t sign2; /* -1 where the line falls below 0, else 1 */
    int32_t input_zero; /* zero point of the input */
    int32_t multiplier1; /* slope from 0 on */
    int32_t shift1; /* and its shift, positive is left */
    int32_t multiplier2; /* magnitude of the slope below 0 */
    int32_t shift2; /* and its shift, positive is left */
    int32_t output_zero; /* zero point of the output */
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
} ek_rescale_s16_params;

void ek_rescale_s16(const ek_rescale_s16_params *p, const int8_t *input, int8_t *output, int32_t n);

#endif
