/* select.c -- one of two elements by a condition; semantics in edgekit/ops/select.py */
#include "ek_select.h"
#include "ek_bytes.h"

void ek_select_s8(const ek_select_params *p, const int8_t *condition, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n)
{
    int32_t width = p->width;
    for (int32_t i = 0; i < n; i++) {
        output = ek_copy(output, (condition[i] ? input1 : input2) + i * width, width);
    }
}
