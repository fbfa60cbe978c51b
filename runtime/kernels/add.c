/* add.c -- a + b or a - b, int8; semantics in edgekit/ops/add.py */
#include "ek_add.h"
#include "ek_elementwise.h"

void ek_add_s8(const ek_add_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n)
{
    const ek_add_params q = *p; /* a store through output might change *p, for all GCC knows */
    for (int32_t i = 0; i < n; i++) {
        output[i] = EK_ADD(q, input1[i], input2[i]);
    }
}
