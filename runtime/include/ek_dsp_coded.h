/* ek_dsp_coded.h -- the weights of a convolution as ek_dsp_conv2d.h multiplies them, decoded from a stream
 * for some channels at a time */
#ifndef EK_DSP_CODED_H
#define EK_DSP_CODED_H

#include "ek_code.h"
#include "ek_dsp.h"

/* weights: pairs of the channels first..first+channels-1, in the order of that file; an odd last one is
 * paired with the one before it, again. rows: room for two channels as they are decoded, each `bytes`. */
typedef struct {
    ek_code code;
    int8_t *rows;
    int32_t bytes;
    int32_t *weights;
    int32_t first;
    int32_t channels;
} ek_dsp_coded;

static ek_dsp_coded ek_dsp_coded_begin(const EK_PARAMS *p, uint8_t *scratch)
{
    int32_t bytes = ((p->kernel_h * p->kernel_w * p->in_c + 3) & ~3) + 4;
    uint8_t *rows = scratch + (2 << p->window);
    ek_dsp_coded d = {ek_code_begin(p, (uint16_t *)(void *)scratch), (int8_t *)rows, bytes,
                      (int32_t *)(void *)(rows + 2 * bytes), 0, 0};
    return d;
}

static int8_t *ek_dsp_coded_row(const EK_PARAMS *p, ek_dsp_coded *d, int32_t odd)
{
    int8_t *row = d->rows + odd * d->bytes;
    if (p->sparse) {
        ek_code_clear(row, d->bytes);
    }
    ek_code_row(p, &d->code, row, row + p->kernel_h * p->kernel_w * p->in_c);
    return row;
}

/* Two channels as 16-bit lanes, rows of the window filled up with 0. */
static int32_t *ek_dsp_coded_pair(const EK_PARAMS *p, const int8_t *low, const int8_t *high, int32_t *to)
{
    int32_t bytes = p->kernel_w * p->in_c;
    for (int32_t i = 0; i < p->kernel_h; i++) {
        for (int32_t left = bytes; left > 0; left -= 4) {
            uint32_t a = ek_load4(low), b = ek_load4(high), mask = 0x00FF00FFu;
            if (left < 4) {
                uint32_t there = (UINT32_C(1) << 8 * left) - 1;
                a &= there;
                b &= there;
            }
#if EK_MIXED
            *to++ = (int32_t)ek_add_even((b & mask) << 8, a);
            *to++ = (int32_t)ek_add_odd(b & ~mask, a);
#else
            *to++ = (int32_t)((a & mask) | (b & mask) << 8);
            *to++ = (int32_t)((a >> 8 & mask) | (b & ~mask));
#endif
            low += left < 4 ? left : 4;
            high += left < 4 ? left : 4;
        }
    }
    return to;
}

/* The next tile of channels; 0 behind the last. A single channel that is left joins the last tile. */
static int ek_dsp_decode(const EK_PARAMS *p, ek_dsp_coded *d)
{
    d->first += d->channels;
    int32_t left = p->out_c - d->first;
    d->channels = left <= p->tile + 1 ? left : p->tile;
    int32_t *to = d->weights;
    const int8_t *low = d->rows, *high = d->rows;
    for (int32_t i = 0; i + 2 <= d->channels; i += 2) {
        low = ek_dsp_coded_row(p, d, 0);
        high = ek_dsp_coded_row(p, d, 1);
        to = ek_dsp_coded_pair(p, low, high, to);
    }
    if (d->channels & 1) {
        low = ek_dsp_coded_row(p, d, 0);
        ek_dsp_coded_pair(p, high, low, to);
    }
    return d->channels > 0;
}

#endif
