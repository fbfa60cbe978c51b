/* ek_log_softmax.h -- generated from edgekit/ops/log_softmax.py; do not edit */
#ifndef EK_LOG_SOFTMAX_H
#define EK_LOG_SOFTMAX_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t rows; /* independent rows */
    int32_t depth; /* elements of each */
    int32_t multiplier; /* from a difference to Q5.26 */
    int32_t shift; /* and its shift, positive is left */
    int32_t back; /* multiplier from Q5.26 to a difference */
    int32_t back_shift; /* and its shift, positive is left */
    int32_t radius; /* largest difference within Q5.26 */
    const int32_t *exps; /* [256], exp(-difference) in Q0.31 */
} ek_log_softmax_params;

void ek_log_softmax_s8(const ek_log_softmax_params *p, const int8_t *input, int8_t *output);

#endif
