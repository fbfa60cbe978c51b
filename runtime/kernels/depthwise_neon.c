/* depthwise_neon.c -- depthwise convolution, int8, with NEON; 16 channels at a time, or 8
 *
 * As in ek_neon_dot.h two products share a 16-bit lane. Taps outside the input read a pixel of the
 * zero point. Blocks of channels overlap where the channels are no multiple of 8. */
#include "ek_depthwise_neon.h"
#include "ek_neon_taps.h"

/* Row i of the windows: column x is at base + x * step, and everywhere the zero point where there is
 * no such row. */
typedef struct {
    const int8_t *base;
    int32_t step;
} line;

/* What all blocks of a row share. first, end: the pixels whose windows lose no column; lines: of a
 * window of three rows. */
typedef struct {
    const ek_depthwise_neon_params *p;
    const ek_rows *input;
    const int8_t *zeros;
    ek_neon_range range;
    int32_t first;
    int32_t end;
    int32_t top;
    line lines[3];
} ek_neon_depthwise;

static line line_of(const ek_neon_depthwise *d, int32_t i)
{
    int32_t row = d->top + i * d->p->dilation_h;
    line l = {d->zeros, 0};
    if (row >= 0 && row < d->p->in_h) {
        l.base = ek_row(d->input, row);
        l.step = d->p->in_c;
    }
    return l;
}

static int has_column(const ek_depthwise_neon_params *p, int32_t x)
{
    return x >= 0 && x < p->in_w;
}

/* The pixels whose windows lose no column. */
static void find_middle(ek_neon_depthwise *d)
{
    const ek_depthwise_neon_params *p = d->p;
    int32_t reach = p->in_w - (p->kernel_w - 1) * p->dilation_w - 1 + p->pad_left;
    int32_t end = reach < 0 ? 0 : reach / p->stride_w + 1;
    d->first = (p->pad_left + p->stride_w - 1) / p->stride_w;
    d->end = end < p->out_w ? end : p->out_w;
}

/* One 3x3 window; at(l, j) loads column j of line l. */
#define WINDOW(n, at)                                                                              \
    EK_NEON_SUMS##n(scales);                                                                       \
    EK_NEON_TAPS##n(at(n, a, 0), w0, at(n, a, 1), w1);                                             \
    EK_NEON_TAPS##n(at(n, a, 2), w2, at(n, b, 0), w3);                                             \
    EK_NEON_TAPS##n(at(n, b, 1), w4, at(n, b, 2), w5);                                             \
    EK_NEON_TAPS##n(at(n, e, 0), w6, at(n, e, 1), w7);                                             \
    EK_NEON_TAP##n(at(n, e, 2), w8);                                                               \
    EK_NEON_RESCALED(p->rescaling, d->range, EK_NEON_STORE_OUT##n)

#define INSIDE(n, l, j) EK_NEON_LOAD##n(l##x + (j) * l##d)
#define EDGE(n, l, j) EK_NEON_LOAD##n(l##j)

/* Where column j of the three lines is. */
#define COLUMN(j)                                                                                  \
    const int8_t *a##j = d->zeros + c, *b##j = a##j, *e##j = a##j;                                 \
    if (has_column(p, left + (j) * dilation)) {                                                    \
        a##j = a.base + (left + (j) * dilation) * a.step;                                          \
        b##j = b.base + (left + (j) * dilation) * b.step;                                          \
        e##j = e.base + (left + (j) * dilation) * e.step;                                          \
    }

/* A row of n channels from c on with a 3x3 window, whose weights stay in registers. */
#define ROW_3X3(n, vector)                                                                         \
    static void row##n##_3x3(const ek_neon_depthwise *d, const int8_t *w, const int32_t *scales,   \
                             int32_t c, int8_t *out)                                               \
    {                                                                                              \
        const ek_depthwise_neon_params *p = d->p;                                                  \
        line a = d->lines[0], b = d->lines[1], e = d->lines[2];                                    \
        vector w0 = EK_NEON_LOAD##n(w), w1 = EK_NEON_LOAD##n(w + n),                               \
               w2 = EK_NEON_LOAD##n(w + 2 * n), w3 = EK_NEON_LOAD##n(w + 3 * n),                   \
               w4 = EK_NEON_LOAD##n(w + 4 * n), w5 = EK_NEON_LOAD##n(w + 5 * n),                   \
               w6 = EK_NEON_LOAD##n(w + 6 * n), w7 = EK_NEON_LOAD##n(w + 7 * n),                   \
               w8 = EK_NEON_LOAD##n(w + 8 * n);                                                    \
        int32_t channels = p->in_c, dilation = p->dilation_w, stride = p->stride_w;                \
        int32_t first = d->first, end = d->end;                                                    \
        a.base += c;                                                                               \
        b.base += c;                                                                               \
        e.base += c;                                                                               \
        for (int32_t x = 0; x < p->out_w; x++) {                                                   \
            int32_t left = x * stride - p->pad_left;                                               \
            if (x < first || x >= end) {                                                           \
                COLUMN(0)                                                                          \
                COLUMN(1)                                                                          \
                COLUMN(2)                                                                          \
                WINDOW(n, EDGE);                                                                   \
                out += channels;                                                                   \
                continue;                                                                          \
            }                                                                                      \
            const int8_t *ax = a.base + left * a.step, *bx = b.base + left * b.step,               \
                         *ex = e.base + left * e.step;                                             \
            int32_t ad = dilation * a.step, bd = dilation * b.step, ed = dilation * e.step;        \
            int32_t as = stride * a.step, bs = stride * b.step, es = stride * e.step;              \
            for (; x < end; x++) {                                                                 \
                WINDOW(n, INSIDE);                                                                 \
                ax += as;                                                                          \
                bx += bs;                                                                          \
                ex += es;                                                                          \
                out += channels;                                                                   \
            }                                                                                      \
            x--;                                                                                   \
        }                                                                                          \
    }

ROW_3X3(16, int8x16_t)
ROW_3X3(8, int8x8_t)

/* Where channel c of column x of a line is; the zero point where there is no such column. */
static inline const int8_t *cell(const ek_neon_depthwise *d, line l, int32_t x, int32_t c)
{
    return (has_column(d->p, x) ? l.base + x * l.step : d->zeros) + c;
}

/* A row of n channels from c on with any window; the taps of a row of the window go in pairs. */
#define ROW_ANY(n)                                                                                 \
    static void row##n##_any(const ek_neon_depthwise *d, const int8_t *w, const int32_t *scales,   \
                             int32_t c, int8_t *out)                                               \
    {                                                                                              \
        const ek_depthwise_neon_params *p = d->p;                                                  \
        int32_t last = p->kernel_w - 1, dilation = p->dilation_w;                                  \
        for (int32_t x = 0; x < p->out_w; x++) {                                                   \
            const int8_t *at = w;                                                                  \
            EK_NEON_SUMS##n(scales);                                                               \
            for (int32_t i = 0; i < p->kernel_h; i++) {                                            \
                line l = line_of(d, i);                                                            \
                int32_t column = x * p->stride_w - p->pad_left, j = 0;                             \
                for (; j < last; j += 2) {                                                         \
                    const int8_t *next = cell(d, l, column + dilation, c);                         \
                    EK_NEON_TAPS##n(EK_NEON_LOAD##n(cell(d, l, column, c)), EK_NEON_LOAD##n(at),   \
                                    EK_NEON_LOAD##n(next), EK_NEON_LOAD##n(at + n));               \
                    column += 2 * dilation;                                                        \
                    at += 2 * n;                                                                   \
                }                                                                                  \
                if (j == last) {                                                                   \
                    EK_NEON_TAP##n(EK_NEON_LOAD##n(cell(d, l, column, c)), EK_NEON_LOAD##n(at));   \
                    at += n;                                                                       \
                }                                                                                  \
            }                                                                                      \
            EK_NEON_RESCALED(p->rescaling, d->range, EK_NEON_STORE_OUT##n);                        \
            out += p->in_c;                                                                        \
        }                                                                                          \
    }

ROW_ANY(16)
ROW_ANY(8)

/* Blocks of 16 channels, then what is left in one or two of 8, or one of 16 where it is more. */
static void row(const ek_neon_depthwise *d, int8_t *out)
{
    const ek_depthwise_neon_params *p = d->p;
    const int8_t *w = p->weights;
    const int32_t *scales = p->scales;
    int32_t taps = p->kernel_h * p->kernel_w;
    int small = p->kernel_h == 3 && p->kernel_w == 3;
    for (int32_t c = 0; c < p->in_c;) {
        int32_t left = p->in_c - c;
        if (left > 8 && p->in_c >= 16) {
            int32_t from = left < 16 ? p->in_c - 16 : c;
            if (small) {
                row16_3x3(d, w, scales, from, out + from);
            } else {
                row16_any(d, w, scales, from, out + from);
            }
            w += 16 * taps;
            scales += 48;
            c = from + 16;
        } else {
            int32_t from = left < 8 ? p->in_c - 8 : c;
            if (small) {
                row8_3x3(d, w, scales, from, out + from);
            } else {
                row8_any(d, w, scales, from, out + from);
            }
            w += 8 * taps;
            scales += 24;
            c = from + 8;
        }
    }
}

void ek_depthwise_s8_neon(const ek_depthwise_neon_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    ek_neon_depthwise d = {
        .p = p,
        .input = input,
        .zeros = (const int8_t *)scratch,
        .range = ek_neon_output(p->output_zero, p->out_min, p->out_max),
    };
    find_middle(&d);
    ek_neon_fill((int8_t *)scratch, p->in_c, (int8_t)p->input_zero);
    for (int32_t y = first; y < first + n; y++) {
        d.top = y * p->stride_h - p->pad_top;
        for (int32_t i = 0; i < 3; i++) {
            d.lines[i] = line_of(&d, i);
        }
        row(&d, ek_row(output, y));
    }
}
