/* ek_share.h -- which rows of a layer are whose, where several threads make them */
#ifndef EK_SHARE_H
#define EK_SHARE_H

#include <stdint.h>

/* The first row of thread number `worker`; its last is the one before the next thread's first. */
static inline int32_t ek_share(int32_t rows, int32_t worker, int32_t workers)
{
    return rows * worker / workers;
}

#endif
