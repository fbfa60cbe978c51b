/* ek_dsp_depthwise3x3.h -- depthwise convolution with a 3x3 window, with DSP; included by the kernels' files,
 * which name the params (EK_PARAMS) and say whether weights are decoded for some channels at a time
 * (EK_CODED)
 *
 * Row by row, four channels at a time: three rows of the input are taken apart into rows of 16-bit
 * values, and the window slides along them with its weights in registers. */
#ifndef EK_DSP_DEPTHWISE3X3_H
#define EK_DSP_DEPTHWISE3X3_H

#include "ek_dsp_planes.h"
#include "ek_dsp_slide.h"
#include "ek_rows.h"

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
#ifdef EK_CODED
    const int32_t *weights; /* of the channels first..stop-1 */
    int32_t first;
    int32_t stop;
#endif
} planes;

#ifdef EK_CODED
#define EK_WEIGHTS(p, at) (at)->weights
#define EK_FIRST(at) (at)->first
#define EK_STOP(p, at) (at)->stop
#else
#define EK_WEIGHTS(p, at) (p)->weights
#define EK_FIRST(at) 0
#define EK_STOP(p, at) (p)->in_c
#endif

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static planes planes_of(const EK_PARAMS *p, uint8_t *scratch)
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
    planes at = {x, x + 3 * pairs, x + 3 * (words - 1), words, begin, end, inside
#ifdef EK_CODED
                 , NULL, 0, 0
#endif
    };
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
static void row_of(const EK_PARAMS *p, const planes *at, const int8_t *const rows[3],
                   const int32_t outside[3], int8_t *out)
{
    for (int32_t c = EK_FIRST(at); c < EK_STOP(p, at); c += 4) {
        /* Last channels that are no four are computed together with those before them, again. */
        int32_t channel = least(c, p->in_c - 4);
        ek_dsp_widen_planes(rows, channel, &at->inside);
        for (int32_t i = 0; outside[0] + outside[1] + outside[2] > 0 && i < 3; i++) {
            if (outside[i]) {
                blank(at, at->begin, at->end, i, 1);
            }
        }
        ek_dsp_slide(at->x, at->x_pairs, at->x_end, EK_WEIGHTS(p, at) + 6 * (channel - EK_FIRST(at)),
                     p->scales + 4 * channel, out + channel, p->in_c);
    }
}

/* Row y of the output: the rows of its windows, and which of them are outside the input. Written out in
 * each kernel, where the compiler has fewer registers to keep than in a function. */
#define EK_ROW_OF(p, at, input, output, y)                                                         \
    do {                                                                                           \
        const int8_t *rows[3];                                                                     \
        int32_t outside[3];                                                                        \
        for (int32_t i = 0; i < 3; i++) {                                                          \
            int32_t row = (y) * (p)->stride_h - (p)->pad_top + i;                                  \
            outside[i] = row < 0 || row >= (p)->in_h;                                              \
            rows[i] = ek_row((input), row < 0 ? 0 : least(row, (p)->in_h - 1));                    \
        }                                                                                          \
        row_of((p), (at), rows, outside, ek_row((output), (y)));                                   \
    } while (0)

#endif
