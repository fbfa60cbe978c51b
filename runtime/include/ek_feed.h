/* ek_feed.h -- generated from edgekit/ops/feed.py; do not edit */
#ifndef EK_FEED_H
#define EK_FEED_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t row_bytes; /* bytes of a row */
} ek_feed_params;

void ek_feed_s8(const ek_feed_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
