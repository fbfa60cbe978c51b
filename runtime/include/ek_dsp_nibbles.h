/* ek_dsp_nibbles.h -- weights of four bits with DSP: a word has four taps of two channels, the even one in
 * the low bits of its bytes
 *
 * A nibble in the upper half of a byte is sixteen times its number. So channels are told apart by one mask
 * each, are widened like any bytes, and their sums come times sixteen. */
#ifndef EK_DSP_NIBBLES_H
#define EK_DSP_NIBBLES_H

#include "ek_dsp.h"

#define EK_DSP_LOW(word) ((word) << 4 & 0xF0F0F0F0u)
#define EK_DSP_HIGH(word) ((word) & 0xF0F0F0F0u)

/* One output; scale: multiplier, rounding, shift. */
static inline int8_t ek_dsp_sixteenth(int32_t sum, const int32_t *scale)
{
    return (int8_t)ek_dsp_rescale_by_ties(sum >> 3, scale[0], scale[1], scale[2]);
}

#endif
