/* ek_dynamic_update_slice.h -- generated from edgekit/ops/dynamic_update_slice.py; do not edit */
#ifndef EK_DYNAMIC_UPDATE_SLICE_H
#define EK_DYNAMIC_UPDATE_SLICE_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t total; /* bytes of the input */
    int32_t rank; /* axes */
    int32_t room[4]; /* largest start per axis */
    int32_t step[4]; /* bytes per index of an axis */
    int32_t size[4]; /* indices of the update, the last axis' in bytes */
} ek_dynamic_update_slice_params;

void ek_dynamic_update_slice_s8(const ek_dynamic_update_slice_params *p, const int8_t *input, const int8_t *update, const int8_t *start, int8_t *output);

#endif
