/* l2_norm.c -- vectors of length 1, int8; semantics in edgekit/ops/l2_norm.py */
#include "ek_l2_norm.h"
#include "ek_roots.h"

void ek_l2_norm_s8(const ek_l2_norm_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        int32_t total = 0, right;
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t d = input[i] - p->input_zero;
            total += d * d;
        }
        int32_t root = ek_inverse_sqrt(total, &right);
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t v = ek_requantize(input[i] - p->input_zero, root, 7 - right);
            output[i] = (int8_t)ek_clamp(v, -128, 127);
        }
        input += p->depth;
        output += p->depth;
    }
}
