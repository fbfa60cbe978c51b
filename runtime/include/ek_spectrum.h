/* ek_spectrum.h -- generated from edgekit/ops/spectrum.py; do not edit */
#ifndef EK_SPECTRUM_H
#define EK_SPECTRUM_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t piece; /* samples of a row of the input */
    int32_t step; /* rows of the input from one frame to the next */
    int32_t frame; /* samples of a frame */
    int32_t length; /* of the transform, a power of two */
    int32_t first; /* first bin */
    int32_t bins; /* number of bins */
    const int16_t *window; /* [frame], Q0.15 */
    const int32_t *twiddle; /* [length / 4][2], cosines and sines of a quarter, Q0.31 */
} ek_spectrum_params;

void ek_spectrum_s8(const ek_spectrum_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
