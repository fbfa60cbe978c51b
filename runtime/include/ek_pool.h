/* ek_pool.h -- the part of a pooling window that lies inside the input */
#ifndef EK_POOL_H
#define EK_POOL_H

#include <stdint.h>

/* Cells begin..end-1 of one axis. */
typedef struct {
    int32_t begin;
    int32_t end;
} ek_pool_span;

static inline ek_pool_span ek_pool_inside(int32_t origin, int32_t taps, int32_t size)
{
    ek_pool_span s;
    s.begin = origin < 0 ? 0 : origin;
    s.end = origin + taps > size ? size : origin + taps;
    return s;
}

#endif
