/* cast.c -- the same numbers in another integer type; semantics in edgekit/ops/cast.py */
#include "ek_cast.h"
#include "ek_integers.h"

void ek_cast_s8(const ek_cast_params *p, const int8_t *input, int8_t *output, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        ek_store_integer(p->target, output, i, ek_load_integer(p->source, input, i));
    }
}
