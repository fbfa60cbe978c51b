/* ek_log_bands.h -- generated from edgekit/ops/log_bands.py; do not edit */
#ifndef EK_LOG_BANDS_H
#define EK_LOG_BANDS_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t channels; /* numbers of a row */
    int32_t wide; /* 1 where the output is int16, 0 where it is int8 */
    int32_t offset; /* added to the input, Q.12 */
    int32_t origin; /* added to the logarithm, Q24 */
    int32_t multiplier; /* of the sum */
    int32_t shift; /* of the sum, positive is left */
    int32_t output_zero; /* zero point of the output */
    const int32_t *table; /* [65], logarithms from 1 to 2, Q24 */
} ek_log_bands_params;

void ek_log_bands_s8(const ek_log_bands_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
