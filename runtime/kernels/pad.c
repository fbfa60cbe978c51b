/* pad.c -- surrounds a tensor with one value; see edgekit/ops/pad.py */
#include "ek_pad.h"
#include "ek_bytes.h"

static int8_t *gap(const ek_pad_params *p, int8_t *to, const int8_t *end, int32_t axis)
{
    int32_t left = (int32_t)(end - to);
    return ek_fill(to, p->gap[axis] < left ? p->gap[axis] : left, (int8_t)p->value);
}

/* A gap holds what follows one run and what precedes the next; after the last run the output ends
 * inside it. */
void ek_pad_s8(const ek_pad_params *p, const int8_t *input, int8_t *output)
{
    const int32_t *shape = p->shape;
    const int8_t *end = output + p->total;
    output = ek_fill(output, p->lead, (int8_t)p->value);
    for (int32_t a = 0; a < shape[0]; a++) {
        for (int32_t b = 0; b < shape[1]; b++) {
            for (int32_t c = 0; c < shape[2]; c++) {
                for (int32_t d = 0; d < shape[3]; d++) {
                    output = ek_copy(output, input, p->run);
                    input += p->run;
                    output = gap(p, output, end, 3);
                }
                output = gap(p, output, end, 2);
            }
            output = gap(p, output, end, 1);
        }
        output = gap(p, output, end, 0);
    }
    (void)ek_fill(output, (int32_t)(end - output), (int8_t)p->value);
}
