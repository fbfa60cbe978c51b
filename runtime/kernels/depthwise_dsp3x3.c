/* depthwise_dsp3x3.c -- depthwise convolution with a 3x3 window, int8, with DSP
 *
 * Four channels at a time are taken apart into rows of 16-bit values, three rows in turn, and the
 * window slides along them with its weights in registers. */
#include "ek_depthwise_dsp3x3.h"
#include "ek_dsp_slide.h"
#include "ek_fixed.h"

typedef ek_depthwise_dsp3x3_params params;

/* The rows of four channels: x is [4 channels][words][3 slots], weights [4][5 rows][2]. */
typedef struct {
    uint32_t *x;
    uint32_t *weights;
    int32_t words;
} planes;

/* Rows 0 1 2 0 1 of each channel, so that three from any row on are a rotation. */
static void load_weights(const params *p, int32_t channel, uint32_t *to)
{
    const int32_t *w = p->weights + 3 * channel;
    for (int32_t c = 0; c < 4; c++) {
        for (int32_t row = 0; row < 3; row++) {
            uint32_t even = ek_even((uint32_t)*w), odd = ek_odd((uint32_t)*w);
            uint32_t w01 = ek_twice16(ek_lower(even, odd));
            uint32_t w12 = ek_twice16((odd & 0xFFFFu) | (even & 0xFFFF0000u));
            to[2 * row] = w01;
            to[2 * row + 1] = w12;
            if (row < 2) {
                to[2 * row + 6] = w01;
                to[2 * row + 7] = w12;
            }
            w++;
        }
        to += 10;
    }
}

/* Two columns of four channels, a word each, to the four planes. */
static inline void spread(uint32_t a, uint32_t b, uint32_t *to, int32_t plane)
{
    uint32_t a02 = ek_even(a), a13 = ek_odd(a), b02 = ek_even(b), b13 = ek_odd(b);
    to[0] = ek_lower(a02, b02);
    to[plane] = ek_lower(a13, b13);
    to[2 * plane] = ek_upper(a02, b02);
    to[3 * plane] = ek_upper(a13, b13);
}

/* One row of the input, four channels from `channel` on, into a slot of the planes. */
static void load_row(const params *p, const ek_rows *input, int32_t y, int32_t channel,
                     const planes *at, int32_t slot)
{
    uint32_t zeros = (uint32_t)(uint8_t)p->input_zero * 0x01010101u, *to = at->x + slot;
    /* Outside the input a row has no columns. */
    int32_t pixel = p->in_c, plane = 3 * at->words, columns = y >= 0 && y < p->in_h ? p->in_w : 0;
    const int8_t *row = columns > 0 ? ek_row(input, y) + channel : 0;
    int32_t x = -p->pad_left;
    for (int32_t i = 0; i < at->words; i++) {
        int32_t left = x >= 0 && x < columns, right = x >= -1 && x + 1 < columns;
        spread(left ? ek_load4(row + x * pixel) : zeros,
               right ? ek_load4(row + (x + 1) * pixel) : zeros, to, plane);
        x += 2;
        to += 3;
    }
}

/* A row of outputs of four channels; `turn` is the slot of the window's first row. */
static void four_channels(const params *p, const planes *at, int32_t channel, int32_t turn,
                          int8_t *out)
{
    const uint32_t *x = at->x, *w = at->weights + 2 * (turn == 0 ? 0 : 3 - turn);
    const int32_t *scale = p->scales + 4 * channel;
    int32_t pairs = p->stride_w == 1 ? p->out_w / 2 : 0;
    int32_t singles = p->stride_w == 1 ? p->out_w & 1 : p->out_w;
    for (int32_t c = 0; c < 4; c++) {
        ek_dsp_slide(x, x + 3 * pairs, x + 3 * (pairs + singles), w, scale, out + c, p->in_c);
        x += 3 * at->words;
        w += 10;
        scale += 4;
    }
}

/* Tighter bounds than int8's own, which the instructions keep. */
static void clamp(const params *p, int8_t *out)
{
    if (p->out_min > -128 || p->out_max < 127) {
        for (int32_t i = 0; i < p->out_w * p->in_c; i++) {
            out[i] = (int8_t)ek_clamp(out[i], p->out_min, p->out_max);
        }
    }
}

void ek_depthwise_s8_dsp3x3(const ek_depthwise_dsp3x3_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int32_t words = p->stride_w == 2 ? p->out_w + 1 : (p->out_w - 1) / 2 + 2;
    planes at = {(uint32_t *)(void *)scratch, (uint32_t *)(void *)scratch + 12 * words, words};
    /* Rows of the window that the row of outputs before has left. */
    int32_t kept = p->stride_h < 3 ? 3 - p->stride_h : 0;
    for (int32_t c = 0; c < p->in_c; c += 4) {
        /* Last channels that are no four are computed together with those before them, again. */
        int32_t channel = c + 4 <= p->in_c ? c : p->in_c - 4, turn = 0;
        load_weights(p, channel, at.weights);
        for (int32_t y = first; y < first + n; y++) {
            int32_t top = y * p->stride_h - p->pad_top;
            for (int32_t i = y == first ? 0 : kept; i < 3; i++) {
                load_row(p, input, top + i, channel, &at, turn + i < 3 ? turn + i : turn + i - 3);
            }
            four_channels(p, &at, channel, turn, ek_row(output, y) + channel);
            turn = turn + p->stride_h < 3 ? turn + p->stride_h : turn + p->stride_h - 3;
        }
    }
    for (int32_t y = first; y < first + n; y++) {
        clamp(p, ek_row(output, y));
    }
}
