/* mul.c -- a * b, int8; semantics in edgekit/ops/mul.py */
#include "ek_mul.h"
#include "ek_elementwise.h"

void ek_mul_s8(const ek_mul_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n)
{
    const ek_mul_params q = *p; /* a store through output might change *p, for all GCC knows */
    for (int32_t i = 0; i < n; i++) {
        output[i] = EK_MUL(q, input1[i], input2[i]);
    }
}
