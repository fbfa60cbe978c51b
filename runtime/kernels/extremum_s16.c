/* extremum_s16.c -- the larger or the smaller of two int16; semantics in edgekit/ops/extremum_s16.py */
#include "ek_extremum_s16.h"
#include "ek_wide.h"

static inline int32_t extreme(const ek_extremum_s16_params *p, int32_t a, int32_t b)
{
    return p->sign * a > p->sign * b ? a : b;
}

void ek_extremum_s16(const ek_extremum_s16_params *p, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    EK_WIDE_WALK(p, input1, input2, output, extreme);
}
