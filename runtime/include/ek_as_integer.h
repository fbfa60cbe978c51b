/* ek_as_integer.h -- generated from edgekit/ops/as_integer.py; do not edit */
#ifndef EK_AS_INTEGER_H
#define EK_AS_INTEGER_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int8_t target; /* type of the output: 0 int8, 1 uint8, 2 int16, 3 int32, 4 bool, 5 uint16, 6 uint32 */
    const int32_t *table; /* [256], by the byte of the input */
} ek_as_integer_params;

void ek_as_integer_s8(const ek_as_integer_params *p, const int8_t *input, int8_t *output, int32_t n);

#endif
