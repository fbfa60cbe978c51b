/* ek_cepstrum.h -- generated from edgekit/ops/cepstrum.py; do not edit */
#ifndef EK_CEPSTRUM_H
#define EK_CEPSTRUM_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t bands; /* numbers of a row of the input */
    int32_t coefficients; /* and of the output */
    int32_t output_zero; /* zero point of the output */
    const int16_t *cosine; /* [coefficients][bands] */
    const int32_t *multiplier; /* [coefficients] */
    const int8_t *shift; /* [coefficients], positive is left */
} ek_cepstrum_params;

void ek_cepstrum_s8(const ek_cepstrum_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
