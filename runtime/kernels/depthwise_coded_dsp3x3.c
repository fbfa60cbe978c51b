/* depthwise_coded_dsp3x3.c -- depthwise convolution with a 3x3 window, int8, weights from a stream of bits, with DSP
 *
 * The weights of a tile of channels are decoded into words, then serve all rows of the call. */
#include "ek_depthwise_coded_dsp3x3.h"
#define EK_PARAMS ek_depthwise_coded_dsp3x3_params
#define EK_CODED
#include "ek_code.h"
#include "ek_dsp_depthwise3x3.h"

/* Neighbouring taps of each row, doubled, two a word: see edgekit/isa/dsp.py. */
static int32_t *words_of(const int8_t *w, int32_t *to)
{
    for (int32_t i = 0; i < 3; i++) {
        uint32_t left = (uint32_t)(2 * w[0]), middle = (uint32_t)(2 * w[1]), right = (uint32_t)(2 * w[2]);
        *to++ = (int32_t)ek_lower(left, middle);
        *to++ = (int32_t)ek_lower(middle, right);
        w += 3;
    }
    return to;
}

static void decode(const EK_PARAMS *p, ek_code *code, int8_t *taps, int32_t *to, int32_t channels)
{
    for (int32_t c = 0; c < channels; c++) {
        if (p->sparse) {
            ek_code_clear(taps, 12);
        }
        ek_code_row(p, code, taps, taps + 9);
        to = words_of(taps, to);
    }
}

void ek_depthwise_coded_s8_dsp3x3(const ek_depthwise_coded_dsp3x3_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    planes at = planes_of(p, scratch);
    uint8_t *table = scratch + 48 * at.words;
    int8_t *taps = (int8_t *)table + (2 << p->window);
    int32_t *words = (int32_t *)(void *)(taps + 12);
    ek_code code = ek_code_begin(p, (uint16_t *)(void *)table);
    blank(&at, 0, at.begin, 0, 3);
    blank(&at, at.end, at.words, 0, 3);
    at.weights = words;
    for (; at.first < p->in_c; at.first = at.stop) {
        int32_t rest = p->in_c - at.first;
        at.stop = at.first + (rest <= p->tile + 3 ? rest : p->tile);
        decode(p, &code, taps, words, at.stop - at.first);
        for (int32_t y = first; y < first + n; y++) {
            EK_ROW_OF(p, &at, input, output, y);
        }
    }
    for (int32_t y = first; y < first + n; y++) {
        ek_dsp_clamp(ek_row(output, y), p->out_w * p->in_c, p->out_min, p->out_max);
    }
}
