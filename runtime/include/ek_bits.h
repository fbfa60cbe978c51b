/* ek_bits.h -- words of 32 bits against words of 32 bits: how many differ */
#ifndef EK_BITS_H
#define EK_BITS_H

#include <stdint.h>

/* Counts of ones in each four bits of a word. */
static inline uint32_t ek_ones_of_nibbles(uint32_t x)
{
    x -= (x >> 1) & 0x55555555u;
    return (x & 0x33333333u) + ((x >> 2) & 0x33333333u);
}

/* Differing bits of n words. Three words are added by nibbles, which hold 12, then by bytes. */
static inline int32_t ek_differing(const uint32_t *x, const uint32_t *w, int32_t n)
{
    uint32_t sum = 0;
    for (; n >= 3; n -= 3) {
        uint32_t four = ek_ones_of_nibbles(x[0] ^ w[0]) + ek_ones_of_nibbles(x[1] ^ w[1]) +
                        ek_ones_of_nibbles(x[2] ^ w[2]);
        four = (four & 0x0F0F0F0Fu) + ((four >> 4) & 0x0F0F0F0Fu);
        sum += (four * 0x01010101u) >> 24;
        x += 3;
        w += 3;
    }
    for (; n > 0; n--) {
        uint32_t four = ek_ones_of_nibbles(*x++ ^ *w++);
        sum += (((four + (four >> 4)) & 0x0F0F0F0Fu) * 0x01010101u) >> 24;
    }
    return (int32_t)sum;
}

#endif
