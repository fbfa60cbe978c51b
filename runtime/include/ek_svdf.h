/* ek_svdf.h -- generated from edgekit/ops/svdf.py; do not edit */
#ifndef EK_SVDF_H
#define EK_SVDF_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t in_c; /* elements of the input */
    int32_t units; /* elements of the output */
    int32_t rank; /* filters of a unit */
    int32_t memory; /* steps that a filter keeps */
    int32_t wide; /* 1 where the state is int16, 0 where it is int8 */
    int32_t state_zero; /* zero point of the state */
    int32_t multiplier1; /* of the sums over the input */
    int32_t shift1; /* and its shift, positive is left */
    int32_t multiplier2; /* of the sums over time */
    int32_t shift2; /* and its shift, positive is left */
    int32_t output_zero; /* zero point of the output */
    const int8_t *feature; /* [units * rank][in_c] */
    const int32_t *feature_bias; /* [units * rank], zero point of the input folded in */
    const int16_t *time; /* [units * rank][memory] */
    const int32_t *bias; /* [units] */
} ek_svdf_params;

void ek_svdf_s8(const ek_svdf_params *p, const int8_t *input, int8_t *state, int8_t *output);

#endif
