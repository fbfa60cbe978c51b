/* depthwise_dsp3x3.c -- depthwise convolution with a 3x3 window, int8, with DSP
 *
 * Row by row, four channels at a time: three rows of the input are taken apart into rows of 16-bit
 * values, and the window slides along them with its weights in registers. */
#include "ek_depthwise_dsp3x3.h"
#include "ek_dsp_planes.h"
#include "ek_dsp_slide.h"

typedef ek_depthwise_dsp3x3_params params;

/* What all rows of a call share: planes of `words` words from x on, whose words before `begin` and from
 * `end` on have both columns outside; windows begin in words as far as x_end, two in each as far as
 * x_pairs. */
typedef struct {
    uint32_t *x;
    const uint32_t *x_pairs;
    const uint32_t *x_end;
    int32_t words;
    int32_t begin;
    int32_t end;
    ek_dsp_planes inside;
} planes;

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static planes planes_of(const params *p, uint8_t *scratch)
{
    uint32_t *x = (uint32_t *)(void *)scratch;
    int32_t pairs = p->stride_w == 1 ? p->out_w / 2 : 0;
    int32_t words = p->stride_w == 1 ? (p->out_w - 1) / 2 + 2 : p->out_w + 1;
    int32_t columns = p->pad_left + p->in_w, begin = least(p->pad_left / 2, words);
    int32_t pairs_begin = least((p->pad_left + 1) / 2, words), pairs_end = least(columns / 2, words);
    int32_t end = least((columns + 1) / 2, words);
    ek_dsp_planes inside = {
        p->in_c, x + 3 * begin, x + 3 * begin + 6 * words, 12 * words, x + 3 * pairs_end,
        ek_even((uint32_t)(uint8_t)p->input_zero * 0x01010101u), pairs_begin - begin,
        end - pairs_end};
    planes at = {x, x + 3 * pairs, x + 3 * (words - 1), words, begin, end, inside};
    return at;
}

/* Words from..to-1 of `rows` rows from `first` on, outside the input. */
static void blank(const planes *at, int32_t from, int32_t to, int32_t first, int32_t rows)
{
    for (int32_t c = 0; c < 4; c++) {
        uint32_t *x = at->x + 3 * c * at->words;
        for (int32_t i = from; i < to; i++) {
            for (int32_t row = first; row < first + rows; row++) {
                x[3 * i + row] = at->inside.zero;
            }
        }
    }
}

/* One row of outputs. Instead of rows outside the input there are others, to be blanked. */
static void row_of(const params *p, const planes *at, const int8_t *const rows[3],
                   const int32_t outside[3], int8_t *out)
{
    for (int32_t c = 0; c < p->in_c; c += 4) {
        /* Last channels that are no four are computed together with those before them, again. */
        int32_t channel = least(c, p->in_c - 4);
        ek_dsp_widen_planes(rows, channel, &at->inside);
        for (int32_t i = 0; outside[0] + outside[1] + outside[2] > 0 && i < 3; i++) {
            if (outside[i]) {
                blank(at, at->begin, at->end, i, 1);
            }
        }
        ek_dsp_slide(at->x, at->x_pairs, at->x_end, p->weights + 6 * channel,
                     p->scales + 4 * channel, out + channel, p->in_c);
    }
}

void ek_depthwise_s8_dsp3x3(const ek_depthwise_dsp3x3_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    planes at = planes_of(p, scratch);
    blank(&at, 0, at.begin, 0, 3);
    blank(&at, at.end, at.words, 0, 3);
    for (int32_t y = first; y < first + n; y++) {
        const int8_t *rows[3];
        int32_t outside[3];
        for (int32_t i = 0; i < 3; i++) {
            int32_t row = y * p->stride_h - p->pad_top + i;
            outside[i] = row < 0 || row >= p->in_h;
            rows[i] = ek_row(input, row < 0 ? 0 : least(row, p->in_h - 1));
        }
        row_of(p, &at, rows, outside, ek_row(output, y));
        ek_dsp_clamp(ek_row(output, y), p->out_w * p->in_c, p->out_min, p->out_max);
    }
}
