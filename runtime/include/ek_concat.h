/* ek_concat.h -- generated from edgekit/ops/concat.py; do not edit */
#ifndef EK_CONCAT_H
#define EK_CONCAT_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t outer; /* indices before the axis */
    int32_t count; /* inputs */
    const int32_t *run; /* [count], bytes of each input per outer index */
} ek_concat_params;

void ek_concat_s8(const ek_concat_params *p, const int8_t *const *inputs, int8_t *output);

#endif
