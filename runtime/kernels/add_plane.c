/* add_plane.c -- a + b or a - b, int8, as one plane; see edgekit/families/plane.py */
#include "ek_add_plane.h"
#include "ek_fixed.h"

void ek_add_s8_plane(const ek_add_plane_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n)
{
    const ek_add_plane_params q = *p; /* a store through output might change *p, for all GCC knows */
    for (int32_t i = 0; i < n; i++) {
        int32_t sum = (q.factor1 * input1[i] + q.factor2 * input2[i] + q.offset) >> 22;
        output[i] = (int8_t)ek_clamp(sum, q.out_min, q.out_max);
    }
}
