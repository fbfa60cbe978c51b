/* conv2d_rv32.c -- 2-D convolution, int8, for RISC-V (RV32IM): four pixels by four channels, whose
 * sums fill sixteen registers; then lone pixels */
#include "ek_conv2d_rv32.h"
#include "ek_rv32_dense.h"

typedef ek_conv2d_rv32_params params;

/* The windows of four pixels side by side, [taps][4], and where their outputs go. */
typedef struct {
    int8_t *x;
    int32_t taps;
    int8_t *out[4];
} tile;

static int8_t *fill(int8_t *to, int32_t n, int8_t value)
{
    for (; n > 0; n--) {
        *to = value;
        to += 4;
    }
    return to;
}

static int8_t *copy(int8_t *to, const int8_t *from, int32_t n)
{
    for (; n >= 4; n -= 4) {
        to[0] = from[0];
        to[4] = from[1];
        to[8] = from[2];
        to[12] = from[3];
        to += 16;
        from += 4;
    }
    for (; n > 0; n--) {
        *to = *from++;
        to += 4;
    }
    return to;
}

/* The window of one pixel, [kernel_h][kernel_w][in_c], with the zero point outside the input. */
static void gather(const params *p, const ek_rows *input, int32_t y, int32_t x, int8_t *to)
{
    int8_t zero = (int8_t)p->input_zero;
    int32_t left = x * p->stride_w - p->pad_left;
    for (int32_t i = 0; i < p->kernel_h; i++) {
        int32_t row = y * p->stride_h - p->pad_top + i * p->dilation_h;
        if (row < 0 || row >= p->in_h) {
            to = fill(to, p->kernel_w * p->in_c, zero);
            continue;
        }
        const int8_t *from = ek_row(input, row);
        if (p->dilation_w == 1 && left >= 0 && left + p->kernel_w <= p->in_w) {
            to = copy(to, from + left * p->in_c, p->kernel_w * p->in_c);
            continue;
        }
        for (int32_t j = 0; j < p->kernel_w; j++) {
            int32_t column = left + j * p->dilation_w;
            to = column < 0 || column >= p->in_w ? fill(to, p->in_c, zero)
                                                 : copy(to, from + column * p->in_c, p->in_c);
        }
    }
}

#define ADD_CHANNEL(i)                                                                             \
    do {                                                                                           \
        int32_t b = w[i];                                                                          \
        s##i##0 += a0 * b;                                                                         \
        s##i##1 += a1 * b;                                                                         \
        s##i##2 += a2 * b;                                                                         \
        s##i##3 += a3 * b;                                                                         \
    } while (0)

#define BEGIN_CHANNEL(i)                                                                           \
    int32_t s##i##0 = scales[4 * i], s##i##1 = s##i##0, s##i##2 = s##i##0, s##i##3 = s##i##0

#define END_CHANNEL(i)                                                                             \
    do {                                                                                           \
        int32_t m = scales[4 * i + 1], rounding = scales[4 * i + 2], shift = scales[4 * i + 3];    \
        out0[c + i] = ek_rv32_output(s##i##0, m, rounding, shift, low, high);                      \
        out1[c + i] = ek_rv32_output(s##i##1, m, rounding, shift, low, high);                      \
        out2[c + i] = ek_rv32_output(s##i##2, m, rounding, shift, low, high);                      \
        out3[c + i] = ek_rv32_output(s##i##3, m, rounding, shift, low, high);                      \
    } while (0)

/* All channels of four pixels. Last channels that are no four are computed together with those
 * before them, again. */
EK_RV32_LOOP void multiply(const params *p, const tile *t)
{
    const int8_t *w = p->weights;
    const int32_t *scales = p->scales;
    for (int32_t group = 0; group < p->out_c; group += 4) {
        int32_t c = group + 4 <= p->out_c ? group : p->out_c - 4;
        const int8_t *x = t->x, *end = x + 4 * t->taps;
        BEGIN_CHANNEL(0);
        BEGIN_CHANNEL(1);
        BEGIN_CHANNEL(2);
        BEGIN_CHANNEL(3);
        for (; x != end; x += 4) {
            int32_t a0 = x[0], a1 = x[1], a2 = x[2], a3 = x[3];
            ADD_CHANNEL(0);
            ADD_CHANNEL(1);
            ADD_CHANNEL(2);
            ADD_CHANNEL(3);
            w += 4;
        }
        int8_t *out0 = t->out[0], *out1 = t->out[1], *out2 = t->out[2], *out3 = t->out[3];
        int32_t low = p->out_min, high = p->out_max;
        END_CHANNEL(0);
        END_CHANNEL(1);
        END_CHANNEL(2);
        END_CHANNEL(3);
        scales += 4 * EK_RV32_SCALE;
    }
}

void ek_conv2d_s8_rv32(const ek_conv2d_rv32_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    tile t = {(int8_t *)scratch, p->kernel_h * p->kernel_w * p->in_c, {0}};
    int32_t filled = 0;
    for (int32_t y = first; y < first + n; y++) {
        int8_t *out = ek_row(output, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            gather(p, input, y, x, t.x + filled);
            t.out[filled] = out;
            out += p->out_c;
            filled++;
            if (filled == 4) {
                multiply(p, &t);
                filled = 0;
            }
        }
    }
    for (int32_t i = 0; i < filled; i++) {
        ek_rv32_dense(t.x + i, 4, t.taps, p->weights, p->scales, p->out_c, p->out_min, p->out_max,
                      t.out[i]);
    }
}
