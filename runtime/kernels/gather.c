/* gather.c -- elements by indices; semantics in edgekit/ops/gather.py */
#include "ek_bytes.h"
#include "ek_fixed.h"
#include "ek_gather.h"

void ek_gather_s8(const ek_gather_params *p, const int8_t *input, const int8_t *indices, int8_t *output)
{
    const int32_t *first = (const int32_t *)(const void *)indices;
    for (int32_t o = 0; o < p->outer; o++) {
        const int32_t *index = first + (p->again ? o * p->count * p->depth : 0);
        for (int32_t i = 0; i < p->count; i++) {
            int32_t at = 0;
            for (int32_t k = 0; k < p->depth; k++) {
                at += ek_clamp(*index++, 0, p->size[k] - 1) * p->step[k];
            }
            output = ek_copy(output, input + at, p->run);
        }
        input += p->whole;
    }
}
