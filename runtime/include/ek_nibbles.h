/* ek_nibbles.h -- inner loops on weights of four bits, a tap of two neighbouring channels in a byte */
#ifndef EK_NIBBLES_H
#define EK_NIBBLES_H

#include <stdint.h>

/* The weight of the even channel, that of the odd one. */
static inline int32_t ek_low(int32_t byte)
{
    return (int32_t)((uint32_t)byte << 28) >> 28;
}

static inline int32_t ek_high(int32_t byte)
{
    return byte >> 4;
}

#define EK_NIBBLES_2X2_STEP(i)                                                                     \
    do {                                                                                           \
        int32_t a0 = x0[i], a1 = x1[i], b = w[i], low = ek_low(b);                                 \
        s00 += a0 * low;                                                                           \
        s10 += a1 * low;                                                                           \
        b = ek_high(b);                                                                            \
        s01 += a0 * b;                                                                             \
        s11 += a1 * b;                                                                             \
    } while (0)

/* Two pixels by two channels over k taps; sum = {pixel0 channel0, pixel0 channel1, pixel1 ...} */
static inline void ek_nibbles_2x2(const int8_t *x0, const int8_t *x1, const int8_t *w, int32_t k,
                                  int32_t sum[4])
{
    int32_t s00 = sum[0], s01 = sum[1], s10 = sum[2], s11 = sum[3];
    for (; k >= 4; k -= 4) {
        EK_NIBBLES_2X2_STEP(0);
        EK_NIBBLES_2X2_STEP(1);
        EK_NIBBLES_2X2_STEP(2);
        EK_NIBBLES_2X2_STEP(3);
        x0 += 4;
        x1 += 4;
        w += 4;
    }
    for (; k > 0; k--) {
        EK_NIBBLES_2X2_STEP(0);
        x0++;
        x1++;
        w++;
    }
    sum[0] = s00;
    sum[1] = s01;
    sum[2] = s10;
    sum[3] = s11;
}

/* One pixel by four channels: two pairs of them, whose bytes are `step` apart. */
static inline void ek_nibbles_1x4(const int8_t *x, const int8_t *w, int32_t step, int32_t k,
                                  int32_t sum[4])
{
    const int8_t *v = w + step;
    int32_t s0 = sum[0], s1 = sum[1], s2 = sum[2], s3 = sum[3];
    for (int32_t i = 0; i < k; i++) {
        int32_t a = x[i], b = w[i], c = v[i];
        s0 += a * ek_low(b);
        s1 += a * ek_high(b);
        s2 += a * ek_low(c);
        s3 += a * ek_high(c);
    }
    sum[0] = s0;
    sum[1] = s1;
    sum[2] = s2;
    sum[3] = s3;
}

/* One pixel by one pair of channels. */
static inline void ek_nibbles_1x2(const int8_t *x, const int8_t *w, int32_t k, int32_t sum[2])
{
    int32_t s0 = sum[0], s1 = sum[1];
    for (int32_t i = 0; i < k; i++) {
        s0 += x[i] * ek_low(w[i]);
        s1 += x[i] * ek_high(w[i]);
    }
    sum[0] = s0;
    sum[1] = s1;
}

#endif
