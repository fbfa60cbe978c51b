/* depthwise_neon_dot.c -- depthwise 3x3 convolution, int8, with SDOT of AArch64; 8 channels at a time
 *
 * The three cells of a column are woven to one word a channel, of which SDOT adds all products at once.
 * The window then slides: each column is woven once and serves up to three pixels. Rows outside the
 * input are folded into the biases and their weights are masked, columns outside are the zero point.
 * Blocks of channels overlap where the channels are no multiple of 8. */
#include "ek_depthwise_neon_dot.h"
#include "ek_neon.h"

/* A column of a window, eight channels: [4 channels][4 rows], whose last row has no weight. */
typedef struct {
    int8x16_t low;
    int8x16_t high;
} column;

/* A row of outputs. rows: of the windows, which begin at column -pad_left; mask: of the bytes of a word
 * whose rows are missing; first, end: the pixels whose windows lose no column. */
typedef struct {
    const ek_depthwise_neon_dot_params *p;
    const int8_t *rows[3];
    int32_t missing;
    int32_t first;
    int32_t end;
} ek_sdot_depthwise;

/* The weights and numbers of eight channels, in registers. */
typedef struct {
    column w0;
    column w1;
    column w2;
    int32x4_t bias_low;
    int32x4_t bias_high;
    int32x4_t multiplier_low;
    int32x4_t multiplier_high;
    int32x4_t shift_low;
    int32x4_t shift_high;
    ek_neon_range range;
} block;

static inline column weave(const int8_t *a, const int8_t *b, const int8_t *c)
{
    int8x8_t none = vdup_n_s8(0);
    int8x16_t third = vcombine_s8(vld1_s8(c), none);
    int8x16_t ab = vzip1q_s8(vcombine_s8(vld1_s8(a), none), vcombine_s8(vld1_s8(b), none));
    int16x8_t pairs = vreinterpretq_s16_s8(ab);
    int16x8_t thirds = vreinterpretq_s16_s8(vzip1q_s8(third, third));
    column v = {vreinterpretq_s8_s16(vzip1q_s16(pairs, thirds)),
                vreinterpretq_s8_s16(vzip2q_s16(pairs, thirds))};
    return v;
}

/* Weights of a column; `bias` gets what the missing rows of it, all of them the zero point, add. */
static inline column weights_of(const int8_t *w, int32_t missing, int8_t zero, block *b)
{
    int8x16_t zeros = vdupq_n_s8(zero), mask = vreinterpretq_s8_s32(vdupq_n_s32(missing));
    column v = {vld1q_s8(w), vld1q_s8(w + 16)};
    b->bias_low = vdotq_s32(b->bias_low, vandq_s8(v.low, mask), zeros);
    b->bias_high = vdotq_s32(b->bias_high, vandq_s8(v.high, mask), zeros);
    v.low = vbicq_s8(v.low, mask);
    v.high = vbicq_s8(v.high, mask);
    return v;
}

static inline block block_of(const ek_sdot_depthwise *d, const int8_t *w, const int32_t *scales)
{
    const ek_depthwise_neon_dot_params *p = d->p;
    int8_t zero = (int8_t)p->input_zero;
    block b = {
        .bias_low = vld1q_s32(scales),
        .bias_high = vld1q_s32(scales + 4),
        .multiplier_low = vld1q_s32(scales + 8),
        .multiplier_high = vld1q_s32(scales + 12),
        .shift_low = vld1q_s32(scales + 16),
        .shift_high = vld1q_s32(scales + 20),
        .range = ek_neon_output(p->output_zero, p->out_min, p->out_max),
    };
    b.w0 = weights_of(w, d->missing, zero, &b);
    b.w1 = weights_of(w + 32, d->missing, zero, &b);
    b.w2 = weights_of(w + 64, d->missing, zero, &b);
    return b;
}

#define STORE(narrow, rescale, range)                                                              \
    vst1_s8(out, narrow##8(rescale(low, b->multiplier_low, b->shift_low),                          \
                           rescale(high, b->multiplier_high, b->shift_high), range))

static inline void pixel(const block *b, int32_t rescaling, column x0, column x1, column x2,
                         int8_t *out)
{
    int32x4_t low = vdotq_s32(b->bias_low, b->w0.low, x0.low);
    int32x4_t high = vdotq_s32(b->bias_high, b->w0.high, x0.high);
    low = vdotq_s32(vdotq_s32(low, b->w1.low, x1.low), b->w2.low, x2.low);
    high = vdotq_s32(vdotq_s32(high, b->w1.high, x1.high), b->w2.high, x2.high);
    EK_NEON_RESCALED(rescaling, b->range, STORE);
}

/* Column x of the input, or the zero point. */
static inline column column_at(const ek_sdot_depthwise *d, int32_t x, int32_t c)
{
    const ek_depthwise_neon_dot_params *p = d->p;
    int8x16_t zeros = vdupq_n_s8((int8_t)p->input_zero);
    column v = {zeros, zeros};
    if (x >= 0 && x < p->in_w) {
        int32_t at = x * p->in_c + c;
        v = weave(d->rows[0] + at, d->rows[1] + at, d->rows[2] + at);
    }
    return v;
}

/* Pixels begin..end-1, whose windows may lose columns. */
static inline void edge(const ek_sdot_depthwise *d, const block *b, int32_t begin, int32_t end,
                        int32_t c, int8_t *out)
{
    const ek_depthwise_neon_dot_params *p = d->p;
    for (int32_t x = begin; x < end; x++) {
        int32_t left = x * p->stride_w - p->pad_left;
        pixel(b, p->rescaling, column_at(d, left, c), column_at(d, left + 1, c),
              column_at(d, left + 2, c), out + x * p->in_c + c);
    }
}

/* One pixel whose last columns, `to`, are new; leaves the loop behind the last one. */
#define NEXT(to)                                                                                   \
    to = weave(a + at, b_ + at, c_ + at);                                                          \
    at += channels
#define PIXEL(x0, x1, x2)                                                                          \
    pixel(b, rescaling, x0, x1, x2, out);                                                          \
    out += channels;                                                                               \
    if (--left == 0) {                                                                             \
        break;                                                                                     \
    }

/* The pixels whose windows lose no column. */
static inline void middle(const ek_sdot_depthwise *d, const block *b, int32_t c, int8_t *out)
{
    const ek_depthwise_neon_dot_params *p = d->p;
    const int8_t *a = d->rows[0], *b_ = d->rows[1], *c_ = d->rows[2];
    int32_t left = d->end - d->first, rescaling = p->rescaling;
    ptrdiff_t channels = p->in_c, at = (d->first * p->stride_w - p->pad_left) * channels + c;
    if (left <= 0) {
        return;
    }
    out += d->first * channels + c;
    column x0, x1, x2;
    NEXT(x0);
    if (p->stride_w == 1) {
        NEXT(x1);
        for (;;) {
            NEXT(x2);
            PIXEL(x0, x1, x2);
            NEXT(x0);
            PIXEL(x1, x2, x0);
            NEXT(x1);
            PIXEL(x2, x0, x1);
        }
        return;
    }
    for (;;) {
        NEXT(x1);
        NEXT(x2);
        PIXEL(x0, x1, x2);
        NEXT(x1);
        NEXT(x0);
        PIXEL(x2, x1, x0);
    }
}

/* The rows of the windows of output row y. One is there at least, which stands for those that are
 * missing. */
static void find_rows(ek_sdot_depthwise *d, const ek_rows *input, int32_t y)
{
    const ek_depthwise_neon_dot_params *p = d->p;
    int32_t top = y * p->stride_h - p->pad_top, some = top < 0 ? 0 : top;
    d->missing = 0;
    for (int32_t i = 0; i < 3; i++) {
        int there = top + i >= 0 && top + i < p->in_h;
        d->rows[i] = ek_row(input, there ? top + i : some);
        d->missing |= there ? 0 : 0xFF << (8 * i);
    }
}

/* The pixels whose windows lose no column. */
static void find_middle(ek_sdot_depthwise *d)
{
    const ek_depthwise_neon_dot_params *p = d->p;
    int32_t reach = p->in_w - 3 + p->pad_left;
    int32_t end = reach < 0 ? 0 : reach / p->stride_w + 1;
    d->end = end < p->out_w ? end : p->out_w;
    d->first = (p->pad_left + p->stride_w - 1) / p->stride_w;
    d->first = d->first < d->end ? d->first : d->end;
}

void ek_depthwise_s8_neon_dot(const ek_depthwise_neon_dot_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    ek_sdot_depthwise d = {.p = p};
    find_middle(&d);
    for (int32_t y = first; y < first + n; y++) {
        const int8_t *w = p->weights;
        const int32_t *scales = p->scales;
        int8_t *out = ek_row(output, y);
        find_rows(&d, input, y);
        for (int32_t next = 0; next < p->in_c; next += 8) {
            int32_t c = next + 8 <= p->in_c ? next : p->in_c - 8;
            block b = block_of(&d, w, scales);
            edge(&d, &b, 0, d.first, c, out);
            middle(&d, &b, c, out);
            edge(&d, &b, d.end, p->out_w, c, out);
            w += 96;
            scales += 24;
        }
    }
}
