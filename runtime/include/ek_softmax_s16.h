/* ek_softmax_s16.h -- generated from edgekit/ops/softmax_s16.py; do not edit */
#ifndef EK_SOFTMAX_S16_H
#define EK_SOFTMAX_S16_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t rows; /* rows */
    int32_t depth; /* elements of a row */
    int32_t multiplier; /* of the distances, 65535 of which are 10 */
    int32_t shift; /* and its shift, positive is left */
    const int16_t *exps; /* [513], exp from -10 to 0 in Q0.15 */
    const int16_t *inverses; /* [513], 1 / (1 + x) from 0 to 1 in Q0.15 */
} ek_softmax_s16_params;

void ek_softmax_s16(const ek_softmax_s16_params *p, const int8_t *input, int8_t *output);

#endif
