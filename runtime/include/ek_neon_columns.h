/* ek_neon_columns.h -- copying cells of a row to other distances */
#ifndef EK_NEON_COLUMNS_H
#define EK_NEON_COLUMNS_H

#include "ek_neon.h"

/* `count` cells, each copied by `copy`. */
#define EK_NEON_CELLS(copy)                                                                        \
    for (; count > 0; count--) {                                                                   \
        copy;                                                                                      \
        to += pitch;                                                                               \
        from += step;                                                                              \
    }

/* `count` cells of `bytes` bytes, `step` bytes apart, to places `pitch` bytes apart. Two overlapping
 * moves copy a cell of any size from n to 2n bytes. */
static void ek_neon_columns(int8_t *to, int32_t pitch, const int8_t *from, int32_t step,
                            int32_t bytes, int32_t count)
{
    int32_t half = bytes < 4 ? bytes - 1 : bytes < 8 ? bytes - 4 : bytes - 8;
    if (bytes == 1) {
        EK_NEON_CELLS(*to = *from)
    } else if (bytes < 4) {
        EK_NEON_CELLS(__builtin_memcpy(to, from, 2); to[half] = from[half])
    } else if (bytes < 8) {
        EK_NEON_CELLS(__builtin_memcpy(to, from, 4); __builtin_memcpy(to + half, from + half, 4))
    } else if (bytes < 16) {
        EK_NEON_CELLS(vst1_s8(to, vld1_s8(from)); vst1_s8(to + half, vld1_s8(from + half)))
    } else if (bytes == 16) {
        EK_NEON_CELLS(vst1q_s8(to, vld1q_s8(from)))
    } else {
        EK_NEON_CELLS(ek_neon_copy(to, from, bytes))
    }
}

#endif
