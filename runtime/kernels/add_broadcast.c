/* add_broadcast.c -- operands that repeat along an axis; semantics in edgekit/ops/add_broadcast.py */
#include "ek_add_broadcast.h"
#include "ek_elementwise.h"

void ek_add_broadcast_s8(const ek_add_broadcast_params *p, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    const int32_t *size = p->shape, *s1 = p->stride1, *s2 = p->stride2;
    for (int32_t i = 0; i < size[0]; i++) {
        for (int32_t j = 0; j < size[1]; j++) {
            for (int32_t k = 0; k < size[2]; k++) {
                const int8_t *a = input1 + i * s1[0] + j * s1[1] + k * s1[2];
                const int8_t *b = input2 + i * s2[0] + j * s2[1] + k * s2[2];
                for (int32_t c = 0; c < size[3]; c++) {
                    *output++ = EK_ADD(*p, a[c * s1[3]], b[c * s2[3]]);
                }
            }
        }
    }
}
