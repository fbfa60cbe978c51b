/* copy.c -- contiguous bytes from one place to another; see edgekit/ops/copy.py */
#include "ek_copy.h"
#include "ek_bytes.h"

void ek_copy_s8(const ek_copy_params *p, const int8_t *input, int8_t *output, int32_t n)
{
    (void)ek_copy(output, input, n * p->width);
}
