/* ek_pixels.h -- generated from edgekit/ops/pixels.py; do not edit */
#ifndef EK_PIXELS_H
#define EK_PIXELS_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t format; /* 0 rgb888, 1 bgr888, 2 rgb565, 3 swapped, 4 yuyv, 5 uyvy, 6 grey */
    int32_t in_w; /* pixels of a row of the input */
    int32_t top; /* first row of the part */
    int32_t left; /* first column of the part */
    int32_t width; /* columns of the part */
    int32_t channels; /* 1 or 3 */
    int32_t y_gain; /* of YUV, Q14 */
    int32_t y_black; /* of YUV */
    int32_t v_red; /* of YUV, Q14, and so on */
    int32_t u_green; /* taken from green */
    int32_t v_green; /* taken from green */
    int32_t u_blue; /* added to blue */
} ek_pixels_params;

void ek_pixels_s8(const ek_pixels_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
