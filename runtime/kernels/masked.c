/* masked.c -- the lowest step where a mask does not hold; semantics in edgekit/ops/masked.py */
#include "ek_masked.h"

void ek_masked_s8(const ek_masked_params *p, const int8_t *input, const int8_t *mask, int8_t *output, int32_t n)
{
    const int8_t lowest = p->lowest; /* a store through output might change *p, for all GCC knows */
    for (int32_t i = 0; i < n; i++) {
        output[i] = mask[i] ? input[i] : lowest;
    }
}
