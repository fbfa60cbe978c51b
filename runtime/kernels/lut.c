/* lut.c -- a table of 256 bytes in place of a unary operator; see edgekit/ops/lut.py */
#include "ek_lut.h"

void ek_lut_s8(const ek_lut_params *p, const int8_t *input, int8_t *output, int32_t n)
{
    const int8_t *table = p->table;
    for (; n >= 4; n -= 4) {
        int8_t a = table[(uint8_t)input[0]], b = table[(uint8_t)input[1]];
        int8_t c = table[(uint8_t)input[2]], d = table[(uint8_t)input[3]];
        output[0] = a;
        output[1] = b;
        output[2] = c;
        output[3] = d;
        input += 4;
        output += 4;
    }
    for (; n > 0; n--) {
        *output++ = table[(uint8_t)*input++];
    }
}
