/* ek_store.h -- how the kernels with weights turn sums into outputs */
#ifndef EK_STORE_H
#define EK_STORE_H

#include "ek_fixed.h"

/* n neighbouring channels: rescale, add the zero point, clamp, store. As a loop over an array of
 * sums, because what all channels share then stays in registers. p: the kernel's params. */
#define EK_STORE(p, sum, n, channel, out)                                                          \
    ek_store((sum), (n), (p)->multiplier + (channel), (p)->shift + (channel), (p)->output_zero,    \
             (p)->out_min, (p)->out_max, (out))

static inline void ek_store(const int32_t *sum, int32_t n, const int32_t *multiplier,
                            const int8_t *shift, int32_t zero, int32_t low, int32_t high,
                            int8_t *out)
{
    for (int32_t i = 0; i < n; i++) {
        int32_t v = ek_requantize(sum[i], multiplier[i], shift[i]) + zero;
        out[i] = (int8_t)ek_clamp(v, low, high);
    }
}

#endif
