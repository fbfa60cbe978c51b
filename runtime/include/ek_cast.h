/* ek_cast.h -- generated from edgekit/ops/cast.py; do not edit */
#ifndef EK_CAST_H
#define EK_CAST_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int8_t source; /* type of the input: 0 int8, 1 uint8, 2 int16, 3 int32, 4 bool, 5 uint16, 6 uint32 */
    int8_t target; /* type of the output, likewise */
} ek_cast_params;

void ek_cast_s8(const ek_cast_params *p, const int8_t *input, int8_t *output, int32_t n);

#endif
