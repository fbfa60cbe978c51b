/* ek_select.h -- generated from edgekit/ops/select.py; do not edit */
#ifndef EK_SELECT_H
#define EK_SELECT_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t width; /* bytes of an element */
} ek_select_params;

void ek_select_s8(const ek_select_params *p, const int8_t *condition, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n);

#endif
