/* ek_dot.h -- inner loops of the kernels that multiply and accumulate */
#ifndef EK_DOT_H
#define EK_DOT_H

#include <stdint.h>

/* Two pixels by two channels over k: four sums for four loads a step, and no array of sums,
 * so that everything stays in registers. sum = {channel0 pixel0, channel0 pixel1, channel1 ...} */
#define EK_DOT_2X2_STEP(i)                                                                         \
    do {                                                                                           \
        int32_t a0 = x0[i], a1 = x1[i], b = w0[i];                                                 \
        s00 += a0 * b;                                                                             \
        s10 += a1 * b;                                                                             \
        b = w1[i];                                                                                 \
        s01 += a0 * b;                                                                             \
        s11 += a1 * b;                                                                             \
    } while (0)

static inline void ek_dot_2x2(const int8_t *x0, const int8_t *x1, const int8_t *w0,
                              const int8_t *w1, int32_t k, int32_t sum[4])
{
    int32_t s00 = sum[0], s10 = sum[1], s01 = sum[2], s11 = sum[3];
    for (; k >= 8; k -= 8) {
        EK_DOT_2X2_STEP(0);
        EK_DOT_2X2_STEP(1);
        EK_DOT_2X2_STEP(2);
        EK_DOT_2X2_STEP(3);
        EK_DOT_2X2_STEP(4);
        EK_DOT_2X2_STEP(5);
        EK_DOT_2X2_STEP(6);
        EK_DOT_2X2_STEP(7);
        x0 += 8;
        x1 += 8;
        w0 += 8;
        w1 += 8;
    }
    for (; k > 0; k--) {
        EK_DOT_2X2_STEP(0);
        x0++;
        x1++;
        w0++;
        w1++;
    }
    sum[0] = s00;
    sum[1] = s10;
    sum[2] = s01;
    sum[3] = s11;
}

#define EK_DOT_1X4_STEP(i)                                                                         \
    do {                                                                                           \
        int32_t a = x[i];                                                                          \
        s0 += a * w0[i];                                                                           \
        s1 += a * w1[i];                                                                           \
        s2 += a * w2[i];                                                                           \
        s3 += a * w3[i];                                                                           \
    } while (0)

/* A vector of k elements by four rows of weights, `step` apart. Sums and pointers fill the registers
 * of a Cortex-M exactly. */
static inline void ek_dot_1x4(const int8_t *x, const int8_t *w0, int32_t step, int32_t k,
                              int32_t sum[4])
{
    const int8_t *w1 = w0 + step, *w2 = w1 + step, *w3 = w2 + step;
    int32_t s0 = sum[0], s1 = sum[1], s2 = sum[2], s3 = sum[3];
    for (; k >= 8; k -= 8) {
        EK_DOT_1X4_STEP(0);
        EK_DOT_1X4_STEP(1);
        EK_DOT_1X4_STEP(2);
        EK_DOT_1X4_STEP(3);
        EK_DOT_1X4_STEP(4);
        EK_DOT_1X4_STEP(5);
        EK_DOT_1X4_STEP(6);
        EK_DOT_1X4_STEP(7);
        x += 8;
        w0 += 8;
        w1 += 8;
        w2 += 8;
        w3 += 8;
    }
    for (; k > 0; k--) {
        EK_DOT_1X4_STEP(0);
        x++;
        w0++;
        w1++;
        w2++;
        w3++;
    }
    sum[0] = s0;
    sum[1] = s1;
    sum[2] = s2;
    sum[3] = s3;
}

#endif
