/* ek_neon_dense.h -- dense layer with NEON; included by the kernels' files, which name the params
 * (EK_PARAMS) and include the products (ek_neon_four, ek_neon_one) */
#ifndef EK_NEON_DENSE_H
#define EK_NEON_DENSE_H

static void dense(const EK_PARAMS *p, const int8_t *input, int8_t *output)
{
    ek_neon_matrix m = {p->weights, p->scales, p->in_c, p->out_c, p->rescaling,
                        ek_neon_output(p->output_zero, p->out_min, p->out_max)};
    int32_t b = 0;
    for (; b + 4 <= p->batch; b += 4) {
        ek_neon_four(&m, input, p->in_c, output);
        input += 4 * p->in_c;
        output += 4 * p->out_c;
    }
    for (; b < p->batch; b++) {
        ek_neon_one(&m, input, output);
        input += p->in_c;
        output += p->out_c;
    }
}

#endif
