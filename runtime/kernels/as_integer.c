/* as_integer.c -- real numbers without their fraction; semantics in edgekit/ops/as_integer.py */
#include "ek_as_integer.h"
#include "ek_integers.h"

void ek_as_integer_s8(const ek_as_integer_params *p, const int8_t *input, int8_t *output, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        ek_store_integer(p->target, output, i, p->table[(uint8_t)input[i]]);
    }
}
