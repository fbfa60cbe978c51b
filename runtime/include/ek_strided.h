/* ek_strided.h -- generated from edgekit/ops/strided.py; do not edit */
#ifndef EK_STRIDED_H
#define EK_STRIDED_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t offset; /* byte of the input that is read first */
    int32_t run; /* contiguous bytes */
    int32_t shape[5]; /* sizes of the walk over the output */
    int32_t stride[5]; /* and its steps in the input, bytes */
} ek_strided_params;

void ek_strided_s8(const ek_strided_params *p, const int8_t *input, int8_t *output);

#endif
