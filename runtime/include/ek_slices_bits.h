/* ek_slices_bits.h -- convolution of bits with bits, bits out, 32 channels at once; included by the kernels' files,
 * which name the params (EK_PARAMS) and the form of the weights (EK_LINE) */
#ifndef EK_SLICES_BITS_H
#define EK_SLICES_BITS_H

#include "ek_slices_window.h"

/* Which of 32 counts are below as many ends, slice by slice from the lowest: the borrow of their difference. */
static uint32_t below(const uint32_t *slices, const uint32_t *ends, int32_t bits)
{
    uint32_t borrow = 0;
    for (const uint32_t *end = ends + bits; ends != end; ends++) {
        borrow = *ends ^ ((*ends ^ borrow) & ~(*slices++ ^ *ends));
    }
    return borrow;
}

static void convolve(const EK_PARAMS *p, const ek_rows *input, const ek_rows *output, int32_t first,
                     int32_t n, uint8_t *scratch)
{
    uint32_t slices[EK_SLICES];
    int32_t bits = 1;
    while ((p->kernel_h * p->kernel_w * p->in_c + 1) >> bits != 0) {
        bits++;
    }
    for (int32_t y = first; y < first + n; y++) {
        columns c = columns_of(p, y, scratch);
        uint32_t *out = (uint32_t *)(void *)ek_row(output, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            const uint32_t *ends = (const uint32_t *)p->edges;
            const int32_t *weights = p->weights;
            place_window(p, input, &c, x * p->stride_w - p->pad_left);
            for (int32_t channel = 0; channel < p->out_c; channel += 32) {
                count(&c, weights, slices);
                *out++ = below(slices, ends, bits) ^ ends[bits];
                ends += bits + 1;
                weights += p->kernel_w * c.words * 32;
            }
        }
    }
}

#endif
