/* ek_copy.h -- generated from edgekit/ops/copy.py; do not edit */
#ifndef EK_COPY_H
#define EK_COPY_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t width; /* bytes of an element */
} ek_copy_params;

void ek_copy_s8(const ek_copy_params *p, const int8_t *input, int8_t *output, int32_t n);

#endif
