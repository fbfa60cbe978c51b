/* extremum.c -- the larger or the smaller of two elements; semantics in edgekit/ops/extremum.py */
#include "ek_extremum.h"

void ek_extremum_s8(const ek_extremum_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n)
{
    int32_t sign = p->sign;
    for (int32_t i = 0; i < n; i++) {
        int8_t a = input1[i], b = input2[i];
        output[i] = sign * a > sign * b ? a : b;
    }
}
