/* ek_rows.h -- how a strip kernel sees a tensor: as rows that it asks for one by one */
#ifndef EK_ROWS_H
#define EK_ROWS_H

#include <stdint.h>

#include "ek_version.h"

/* Row r lies at base + (r - first) * row_bytes and exists for first <= r < first + count.
 * Where rows lie is known here alone, so a kernel serves a whole tensor and a strip of it alike. */
typedef struct {
    uint8_t *base;
    int32_t row_bytes;
    int32_t first;
    int32_t count;
} ek_rows;

static inline int ek_has_row(const ek_rows *rows, int32_t r)
{
    return r >= rows->first && r < rows->first + rows->count;
}

static inline int8_t *ek_row(const ek_rows *rows, int32_t r)
{
    return (int8_t *)(rows->base + (r - rows->first) * rows->row_bytes);
}

#endif
