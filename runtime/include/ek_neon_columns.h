/* ek_neon_columns.h -- copying cells of a row to other distances */
#ifndef EK_NEON_COLUMNS_H
#define EK_NEON_COLUMNS_H

#include "ek_neon.h"

/* `count` cells, each moved by `move`(to, from), two at a time. */
#define EK_NEON_CELLS(move)                                                                        \
    for (; count >= 2; count -= 2) {                                                               \
        move(to, from);                                                                            \
        move(to + pitch, from + step);                                                             \
        to += 2 * pitch;                                                                           \
        from += 2 * step;                                                                          \
    }                                                                                              \
    if (count > 0) {                                                                               \
        move(to, from);                                                                            \
    }

/* Two moves that overlap copy a cell of any size from n to 2n bytes; half: where the second begins. */
#define EK_NEON_MOVE1(to, from) (*(to) = *(from))
#define EK_NEON_MOVE2(to, from)                                                                    \
    __builtin_memcpy(to, from, 2);                                                                 \
    (to)[half] = (from)[half]
#define EK_NEON_MOVE4(to, from)                                                                    \
    __builtin_memcpy(to, from, 4);                                                                 \
    __builtin_memcpy((to) + half, (from) + half, 4)
#define EK_NEON_MOVE8(to, from)                                                                    \
    vst1_s8(to, vld1_s8(from));                                                                    \
    vst1_s8((to) + half, vld1_s8((from) + half))
#define EK_NEON_MOVE16(to, from) vst1q_s8(to, vld1q_s8(from))
#define EK_NEON_MOVE32(to, from)                                                                   \
    vst1q_s8(to, vld1q_s8(from));                                                                  \
    vst1q_s8((to) + half, vld1q_s8((from) + half))
#define EK_NEON_MOVE_ANY(to, from) ek_neon_copy(to, from, bytes)

/* `count` cells of `bytes` bytes, `step` bytes apart, to places `pitch` bytes apart. */
static void ek_neon_columns(int8_t *to, int32_t pitch, const int8_t *from, int32_t step,
                            int32_t bytes, int32_t count)
{
    int32_t n = bytes < 4 ? 1 : bytes < 8 ? 4 : bytes < 16 ? 8 : 16, half = bytes - n;
    if (step == bytes && pitch == bytes) {
        ek_neon_copy(to, from, bytes * count);
    } else if (bytes == 1) {
        EK_NEON_CELLS(EK_NEON_MOVE1)
    } else if (bytes < 4) {
        EK_NEON_CELLS(EK_NEON_MOVE2)
    } else if (bytes < 8) {
        EK_NEON_CELLS(EK_NEON_MOVE4)
    } else if (bytes < 16) {
        EK_NEON_CELLS(EK_NEON_MOVE8)
    } else if (bytes == 16) {
        EK_NEON_CELLS(EK_NEON_MOVE16)
    } else if (bytes <= 32) {
        EK_NEON_CELLS(EK_NEON_MOVE32)
    } else {
        EK_NEON_CELLS(EK_NEON_MOVE_ANY)
    }
}

#endif
