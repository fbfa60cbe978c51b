/* batch_matmul_s16.c -- products of computed matrices, int16; see edgekit/ops/batch_matmul_s16.py */
#include "ek_batch_matmul_s16.h"
#include "ek_wide.h"

/* One product of two matrices. */
static int16_t *product(const ek_batch_matmul_s16_params *p, const int16_t *x, const int16_t *y,
                        int16_t *out)
{
    for (int32_t m = 0; m < p->rows; m++) {
        for (int32_t n = 0; n < p->columns; n++) {
            const int16_t *a = x + m * p->row1, *b = y + n * p->column2;
            int64_t sum = 0;
            for (int32_t k = 0; k < p->depth; k++) {
                sum += *a * *b;
                a += p->step1;
                b += p->step2;
            }
            int32_t v = ek_requantize_wide(sum, p->multiplier, p->right);
            *out++ = (int16_t)ek_clamp(v, -32768, 32767);
        }
    }
    return out;
}

void ek_batch_matmul_s16(const ek_batch_matmul_s16_params *p, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    const int32_t *size = p->shape, *s1 = p->stride1, *s2 = p->stride2;
    int32_t elements1 = p->rows * p->depth, elements2 = p->depth * p->columns;
    const int16_t *x = ek_halves(input1), *y = ek_halves(input2);
    int16_t *out = (int16_t *)(void *)output;
    for (int32_t i = 0; i < size[0]; i++) {
        for (int32_t j = 0; j < size[1]; j++) {
            for (int32_t k = 0; k < size[2]; k++) {
                for (int32_t l = 0; l < size[3]; l++) {
                    int32_t at1 = i * s1[0] + j * s1[1] + k * s1[2] + l * s1[3];
                    int32_t at2 = i * s2[0] + j * s2[1] + k * s2[2] + l * s2[3];
                    out = product(p, x + at1 * elements1, y + at2 * elements2, out);
                }
            }
        }
    }
}
