/* depthwise_dsp3x3.c -- depthwise convolution with a 3x3 window, int8, with DSP */
#include "ek_depthwise_dsp3x3.h"
#define EK_PARAMS ek_depthwise_dsp3x3_params
#include "ek_dsp_depthwise3x3.h"

void ek_depthwise_s8_dsp3x3(const ek_depthwise_dsp3x3_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    planes at = planes_of(p, scratch);
    blank(&at, 0, at.begin, 0, 3);
    blank(&at, at.end, at.words, 0, 3);
    for (int32_t y = first; y < first + n; y++) {
        EK_ROW_OF(p, &at, input, output, y);
        ek_dsp_clamp(ek_row(output, y), p->out_w * p->in_c, p->out_min, p->out_max);
    }
}
