/* depthwise_s16.c -- depthwise convolution, int16 by int8; semantics in edgekit/ops/depthwise_s16.py */
#include "ek_depthwise_s16.h"
#include "ek_wide.h"

/* The taps of an axis that lie inside the input: first..last-1. */
typedef struct {
    int32_t first;
    int32_t last;
} span;

static span inside(int32_t origin, int32_t taps, int32_t dilation, int32_t size)
{
    span s = {0, taps};
    while (s.first < taps && origin + s.first * dilation < 0) {
        s.first++;
    }
    while (s.last > s.first && origin + (s.last - 1) * dilation >= size) {
        s.last--;
    }
    return s;
}

/* One output of a pixel whose window begins at (top, left); taps outside the input add nothing. */
static int64_t sum_of(const ek_depthwise_s16_params *p, const ek_rows *input, int32_t top,
                      int32_t left, span rows, span columns, int32_t channel)
{
    int32_t outputs = p->in_c * p->multiplier_c;
    int64_t sum = p->bias[channel];
    for (int32_t i = rows.first; i < rows.last; i++) {
        const int16_t *x = ek_row_halves(input, top + i * p->dilation_h) + channel / p->multiplier_c;
        const int8_t *w = p->weights + i * p->kernel_w * outputs + channel;
        for (int32_t j = columns.first; j < columns.last; j++) {
            sum += x[(left + j * p->dilation_w) * p->in_c] * w[j * outputs];
        }
    }
    return sum;
}

void ek_depthwise_s16(const ek_depthwise_s16_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    for (int32_t y = first; y < first + n; y++) {
        int16_t *out = ek_row_halves(output, y);
        int32_t top = y * p->stride_h - p->pad_top;
        span rows = inside(top, p->kernel_h, p->dilation_h, p->in_h);
        for (int32_t x = 0; x < p->out_w; x++) {
            int32_t left = x * p->stride_w - p->pad_left;
            span columns = inside(left, p->kernel_w, p->dilation_w, p->in_w);
            for (int32_t c = 0; c < p->in_c * p->multiplier_c; c++) {
                int64_t sum = sum_of(p, input, top, left, rows, columns, c);
                EK_WIDE_STORE(p, &sum, 1, c, out++);
            }
        }
    }
}
