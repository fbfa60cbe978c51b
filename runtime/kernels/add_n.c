/* add_n.c -- sum of any number of tensors, int8; semantics in edgekit/ops/add_n.py */
#include "ek_add_n.h"
#include "ek_running.h"

void ek_add_n_s8(const ek_add_n_params *p, const int8_t *const *inputs, int8_t *output)
{
    for (int32_t i = 0; i < p->elements; i++) {
        int32_t total = p->start - p->count * p->input_zero;
        for (int32_t k = 0; k < p->count; k++) {
            total += inputs[k][i];
        }
        output[i] = ek_from_total(total, p->multiplier, p->right, p->output_zero);
    }
}
