/* ek_rows.h -- how a strip kernel sees a tensor: as rows that it asks for one by one */
#ifndef EK_ROWS_H
#define EK_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "ek_version.h"

/* Row r exists for first <= r < first + count. It lies at base + (r - first) * row_bytes, or where
 * `at` says so: at base + at[r - first] * row_bytes, row_bytes then being the unit of that table.
 * Where rows lie is known here alone, so a kernel serves a whole tensor and rows apart alike. */
typedef struct {
    uint8_t *base;
    const uint16_t *at;
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
    int32_t i = r - rows->first;
    return (int8_t *)(rows->base + (rows->at != NULL ? rows->at[i] : i) * rows->row_bytes);
}

/* Whether the rows of `bytes` bytes follow one another. */
static inline int ek_one_run(const ek_rows *rows, int32_t bytes)
{
    return rows->at == NULL && rows->row_bytes == bytes;
}

#endif
