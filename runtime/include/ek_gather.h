/* ek_gather.h -- generated from edgekit/ops/gather.py; do not edit */
#ifndef EK_GATHER_H
#define EK_GATHER_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t outer; /* times that the indices are applied */
    int32_t count; /* indices each time */
    int32_t again; /* 1 where every time has indices of its own */
    int32_t depth; /* numbers of an index */
    int32_t size[4]; /* elements that each can name */
    int32_t step[4]; /* bytes from one to the next */
    int32_t run; /* bytes that an index stands for */
    int32_t whole; /* bytes of the input each time */
} ek_gather_params;

void ek_gather_s8(const ek_gather_params *p, const int8_t *input, const int8_t *indices, int8_t *output);

#endif
