/* ek_binarize_bits.h -- generated from edgekit/ops/binarize_bits.py; do not edit */
#ifndef EK_BINARIZE_BITS_H
#define EK_BINARIZE_BITS_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t channels; /* channels of the input */
    int32_t width; /* pixels of a row */
    const int16_t *edges; /* [channels], 128 where nothing reaches it */
    const int8_t *turned; /* [channels], 1 where the step falls */
} ek_binarize_bits_params;

void ek_binarize_bits_s8(const ek_binarize_bits_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
