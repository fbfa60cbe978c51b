/* batch_matmul.c -- products of computed matrices, int8; semantics in edgekit/ops/batch_matmul.py */
#include "ek_batch_matmul.h"
#include "ek_fixed.h"

/* One product of two matrices. */
static int8_t *product(const ek_batch_matmul_params *p, const int8_t *x, const int8_t *y, int8_t *out)
{
    for (int32_t m = 0; m < p->rows; m++) {
        for (int32_t n = 0; n < p->columns; n++) {
            const int8_t *a = x + m * p->row1, *b = y + n * p->column2;
            int32_t sum = 0;
            for (int32_t k = 0; k < p->depth; k++) {
                sum += (*a - p->zero1) * (*b - p->zero2);
                a += p->step1;
                b += p->step2;
            }
            int32_t v = ek_requantize(sum, p->multiplier, p->shift) + p->output_zero;
            *out++ = (int8_t)ek_clamp(v, -128, 127);
        }
    }
    return out;
}

void ek_batch_matmul_s8(const ek_batch_matmul_params *p, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    const int32_t *size = p->shape, *s1 = p->stride1, *s2 = p->stride2;
    int32_t bytes1 = p->rows * p->depth, bytes2 = p->depth * p->columns;
    for (int32_t i = 0; i < size[0]; i++) {
        for (int32_t j = 0; j < size[1]; j++) {
            for (int32_t k = 0; k < size[2]; k++) {
                for (int32_t l = 0; l < size[3]; l++) {
                    int32_t at1 = i * s1[0] + j * s1[1] + k * s1[2] + l * s1[3];
                    int32_t at2 = i * s2[0] + j * s2[1] + k * s2[2] + l * s2[3];
                    output = product(p, input1 + at1 * bytes1, input2 + at2 * bytes2, output);
                }
            }
        }
    }
}
