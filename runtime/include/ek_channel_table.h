/* ek_channel_table.h -- generated from edgekit/ops/channel_table.py; do not edit */
#ifndef EK_CHANNEL_TABLE_H
#define EK_CHANNEL_TABLE_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t channels; /* tables */
    int32_t width; /* pixels of a row */
    const int8_t *table; /* [channels][256], from input -128 on */
} ek_channel_table_params;

void ek_channel_table_s8(const ek_channel_table_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
