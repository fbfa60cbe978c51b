/* cast.c -- the same numbers in another integer type; semantics in edgekit/ops/cast.py */
#include "ek_cast.h"

static int32_t load(int8_t type, const void *from, int32_t i)
{
    switch (type) {
    case 0:
        return ((const int8_t *)from)[i];
    case 2:
        return ((const int16_t *)from)[i];
    case 3:
        return ((const int32_t *)from)[i];
    default:
        return ((const uint8_t *)from)[i];
    }
}

static void store(int8_t type, void *to, int32_t i, int32_t v)
{
    switch (type) {
    case 2:
        ((int16_t *)to)[i] = (int16_t)v;
        break;
    case 3:
        ((int32_t *)to)[i] = v;
        break;
    case 4:
        ((uint8_t *)to)[i] = v != 0;
        break;
    default:
        ((uint8_t *)to)[i] = (uint8_t)v;
    }
}

void ek_cast_s8(const ek_cast_params *p, const int8_t *input, int8_t *output, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        store(p->target, output, i, load(p->source, input, i));
    }
}
