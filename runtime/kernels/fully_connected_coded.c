/* fully_connected_coded.c -- dense layer, int8, weights from a stream of bits; semantics in
 * edgekit/ops/fully_connected_coded.py
 *
 * A weight is multiplied as it is decoded: none is needed twice, but by the next vector. */
#include "ek_fully_connected_coded.h"
#define EK_PARAMS ek_fully_connected_coded_params
#define EK_CODE_SUM
#include "ek_code.h"
#include "ek_store.h"

void ek_fully_connected_coded_s8(const ek_fully_connected_coded_params *p, const int8_t *input, int8_t *output)
{
    uint16_t table[EK_CODE_ENTRIES];
    ek_code code = ek_code_begin(p, table);
    for (int32_t c = 0; c < p->out_c; c++) {
        ek_code next = code;
        for (int32_t b = 0; b < p->batch; b++) {
            const int8_t *x = input + b * p->in_c;
            next = code;
            int32_t sum = p->bias[c] + ek_code_row(p, &next, x, x + p->in_c);
            EK_STORE(p, &sum, 1, c, output + b * p->out_c + c);
        }
        code = next;
    }
}
