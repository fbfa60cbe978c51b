/* concat.c -- joins tensors along one axis; see edgekit/ops/concat.py */
#include "ek_concat.h"
#include "ek_bytes.h"

void ek_concat_s8(const ek_concat_params *p, const int8_t *const *inputs, int8_t *output)
{
    for (int32_t o = 0; o < p->outer; o++) {
        for (int32_t i = 0; i < p->count; i++) {
            output = ek_copy(output, inputs[i] + o * p->run[i], p->run[i]);
        }
    }
}
