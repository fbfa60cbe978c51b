/* add_dsp_plane.c -- a + b or a - b, int8, as one plane, with DSP: four elements at a time; see
 * edgekit/families/plane.py */
#include "ek_add_dsp_plane.h"
#include "ek_dsp.h"

static inline int8_t sum(const ek_add_dsp_plane_params *p, int32_t a, int32_t b)
{
    return (int8_t)ek_shift22_saturate8(p->factor1 * a + p->factor2 * b + p->offset);
}

void ek_add_s8_dsp_plane(const ek_add_dsp_plane_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n)
{
    const ek_add_dsp_plane_params q = *p; /* a store might change *p, for all GCC knows */
    int32_t i = 0;
    for (; i + 4 <= n; i += 4) {
        uint32_t a = ek_load4(input1 + i), b = ek_load4(input2 + i);
        output[i] = sum(&q, (int8_t)a, (int8_t)b);
        output[i + 1] = sum(&q, (int8_t)(a >> 8), (int8_t)(b >> 8));
        output[i + 2] = sum(&q, (int8_t)(a >> 16), (int8_t)(b >> 16));
        output[i + 3] = sum(&q, (int8_t)(a >> 24), (int8_t)(b >> 24));
    }
    for (; i < n; i++) {
        output[i] = sum(&q, input1[i], input2[i]);
    }
    ek_dsp_clamp(output, n, q.out_min, q.out_max);
}
