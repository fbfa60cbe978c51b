/* ek_binary_window.h -- windows over maps of bits; included by the kernels' files, which name the params
 * (EK_PARAMS). Semantics in edgekit/families/binary.py */
#ifndef EK_BINARY_WINDOW_H
#define EK_BINARY_WINDOW_H

#include "ek_rows.h"

/* Taps begin..end-1 of one axis lie inside the input. */
typedef struct {
    int32_t begin;
    int32_t end;
} ek_taps;

static ek_taps taps_inside(int32_t origin, int32_t taps, int32_t dilation, int32_t size)
{
    ek_taps t = {0, taps};
    while (t.begin < taps && origin + t.begin * dilation < 0) {
        t.begin++;
    }
    while (t.end > t.begin && origin + (t.end - 1) * dilation >= size) {
        t.end--;
    }
    return t;
}

static inline int32_t words_of(int32_t channels)
{
    return (channels + 31) / 32;
}

static inline const uint32_t *bits_of(const ek_rows *input, int32_t row)
{
    return (const uint32_t *)(const void *)ek_row(input, row);
}

#endif
