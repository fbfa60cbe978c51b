/* compare.c -- the order of two elements as 0 or 1; semantics in edgekit/ops/compare.py */
#include "ek_compare.h"
#include "ek_fixed.h"

void ek_compare_s8(const ek_compare_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n)
{
    const ek_compare_params q = *p; /* a store through output might change *p, for all GCC knows */
    for (int32_t i = 0; i < n; i++) {
        int32_t a = ek_requantize((input1[i] - q.zero1) * 256, q.multiplier1, -q.right1);
        int32_t b = ek_requantize((input2[i] - q.zero2) * 256, q.multiplier2, -q.right2);
        output[i] = q.truth[a < b ? 0 : a == b ? 1 : 2];
    }
}
