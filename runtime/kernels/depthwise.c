/* depthwise.c -- depthwise convolution, int8; semantics in edgekit/ops/depthwise.py */
#include "ek_depthwise.h"
#include "ek_fixed.h"

/* The taps of a window that lie inside the input: first..last-1 of an axis. */
typedef struct {
    int32_t first;
    int32_t last;
} span;

/* One window: where it starts in the input, and which of its taps are inside. */
typedef struct {
    int32_t top;
    int32_t left;
    span rows;
    span columns;
} window;

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

static int8_t rescale(const ek_depthwise_params *p, int32_t sum, int32_t channel)
{
    int32_t v = ek_requantize(sum, p->multiplier[channel], p->shift[channel]) + p->output_zero;
    return (int8_t)ek_clamp(v, p->out_min, p->out_max);
}

/* Walks the taps of a window row by row: INSIDE where there is an input cell, at x; OUTSIDE where
 * the input's zero point stands for it. w follows the taps. */
#define FOR_TAPS(INSIDE, OUTSIDE)                                                                  \
    for (int32_t i = 0; i < p->kernel_h; i++) {                                                    \
        int32_t begin = p->kernel_w, end = p->kernel_w, j = 0;                                     \
        const int8_t *x = 0;                                                                       \
        if (i >= at->rows.first && i < at->rows.last) {                                            \
            begin = at->columns.first;                                                             \
            end = at->columns.last;                                                                \
            x = ek_row(input, at->top + i * p->dilation_h) +                                       \
                (at->left + begin * p->dilation_w) * p->in_c + channel;                            \
        }                                                                                          \
        for (; j < begin; j++) {                                                                   \
            OUTSIDE;                                                                               \
            w += channels;                                                                         \
        }                                                                                          \
        for (; j < end; j++) {                                                                     \
            INSIDE;                                                                                \
            x += step;                                                                             \
            w += channels;                                                                         \
        }                                                                                          \
        for (; j < p->kernel_w; j++) {                                                             \
            OUTSIDE;                                                                               \
            w += channels;                                                                         \
        }                                                                                          \
    }

/* Four neighbouring channels share the walk; their sums stay in registers. */
static void four_channels(const ek_depthwise_params *p, const ek_rows *input, const window *at,
                          int32_t channel, int8_t *out)
{
    int32_t channels = p->in_c, step = p->dilation_w * p->in_c, zero = p->input_zero;
    const int8_t *w = p->weights + channel;
    const int32_t *bias = p->bias + channel;
    int32_t s0 = bias[0], s1 = bias[1], s2 = bias[2], s3 = bias[3];
    FOR_TAPS(
        {
            s0 += x[0] * w[0];
            s1 += x[1] * w[1];
            s2 += x[2] * w[2];
            s3 += x[3] * w[3];
        },
        {
            s0 += zero * w[0];
            s1 += zero * w[1];
            s2 += zero * w[2];
            s3 += zero * w[3];
        })
    out[0] = rescale(p, s0, channel);
    out[1] = rescale(p, s1, channel + 1);
    out[2] = rescale(p, s2, channel + 2);
    out[3] = rescale(p, s3, channel + 3);
}

static int8_t one_output(const ek_depthwise_params *p, const ek_rows *input, const window *at,
                         int32_t channel, int32_t output)
{
    int32_t channels = p->in_c * p->multiplier_c, step = p->dilation_w * p->in_c;
    const int8_t *w = p->weights + output;
    int32_t sum = p->bias[output];
    FOR_TAPS(sum += *x * *w, sum += p->input_zero * *w)
    return rescale(p, sum, output);
}

static void pixel(const ek_depthwise_params *p, const ek_rows *input, const window *at, int8_t *out)
{
    int32_t channel = 0;
    if (p->multiplier_c == 1) {
        for (; channel + 4 <= p->in_c; channel += 4) {
            four_channels(p, input, at, channel, out);
            out += 4;
        }
    }
    for (; channel < p->in_c; channel++) {
        for (int32_t j = 0; j < p->multiplier_c; j++) {
            *out++ = one_output(p, input, at, channel, channel * p->multiplier_c + j);
        }
    }
}

void ek_depthwise_s8(const ek_depthwise_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    for (int32_t y = first; y < first + n; y++) {
        int8_t *out = ek_row(output, y);
        window at;
        at.top = y * p->stride_h - p->pad_top;
        at.rows = inside(at.top, p->kernel_h, p->dilation_h, p->in_h);
        for (int32_t x = 0; x < p->out_w; x++) {
            at.left = x * p->stride_w - p->pad_left;
            at.columns = inside(at.left, p->kernel_w, p->dilation_w, p->in_w);
            pixel(p, input, &at, out);
            out += p->in_c * p->multiplier_c;
        }
    }
}
