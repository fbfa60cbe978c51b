/* ek_rv32_dense.h -- one vector by all channels, four at a time, for RISC-V (RV32IM) */
#ifndef EK_RV32_DENSE_H
#define EK_RV32_DENSE_H

#include "ek_rv32.h"

/* x: `taps` values, `step` apart. weights: [groups of four channels][taps][4]; scales: those of each
 * group. Last channels that are no four are computed together with those before them, again. */
EK_RV32_LOOP void ek_rv32_dense(const int8_t *x, int32_t step, int32_t taps, const int8_t *weights,
                                const int32_t *scales, int32_t channels, int32_t low, int32_t high,
                                int8_t *out)
{
    for (int32_t c = 0; c < channels; c += 4) {
        int8_t *to = out + (c + 4 <= channels ? c : channels - 4);
        const int8_t *value = x, *end = weights + 4 * taps;
        int32_t s0 = scales[0], s1 = scales[4], s2 = scales[8], s3 = scales[12];
        for (; weights != end; weights += 4) {
            int32_t a = *value;
            s0 += a * weights[0];
            s1 += a * weights[1];
            s2 += a * weights[2];
            s3 += a * weights[3];
            value += step;
        }
        to[0] = EK_RV32_OUTPUT(s0, scales, low, high);
        to[1] = EK_RV32_OUTPUT(s1, scales + EK_RV32_SCALE, low, high);
        to[2] = EK_RV32_OUTPUT(s2, scales + 2 * EK_RV32_SCALE, low, high);
        to[3] = EK_RV32_OUTPUT(s3, scales + 3 * EK_RV32_SCALE, low, high);
        scales += 4 * EK_RV32_SCALE;
    }
}

#endif
