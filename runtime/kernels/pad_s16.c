/* pad_s16.c -- surrounds a tensor of int16 with one value; see edgekit/ops/pad_s16.py */
#include "ek_pad_s16.h"
#include "ek_wide.h"

static int16_t *fill(int16_t *to, int32_t n, int32_t value)
{
    for (int32_t i = 0; i < n; i++) {
        to[i] = (int16_t)value;
    }
    return to + n;
}

static int16_t *gap(const ek_pad_s16_params *p, int16_t *to, const int16_t *end, int32_t axis)
{
    int32_t left = (int32_t)(end - to);
    return fill(to, p->gap[axis] < left ? p->gap[axis] : left, p->value);
}

/* A gap holds what follows one run and what precedes the next; after the last run the output ends
 * inside it. */
void ek_pad_s16(const ek_pad_s16_params *p, const int8_t *input, int8_t *output)
{
    const int32_t *shape = p->shape;
    const int16_t *x = ek_halves(input);
    int16_t *out = (int16_t *)(void *)output;
    const int16_t *end = out + p->total;
    out = fill(out, p->lead, p->value);
    for (int32_t a = 0; a < shape[0]; a++) {
        for (int32_t b = 0; b < shape[1]; b++) {
            for (int32_t c = 0; c < shape[2]; c++) {
                for (int32_t d = 0; d < shape[3]; d++) {
                    for (int32_t i = 0; i < p->run; i++) {
                        *out++ = *x++;
                    }
                    out = gap(p, out, end, 3);
                }
                out = gap(p, out, end, 2);
            }
            out = gap(p, out, end, 1);
        }
        out = gap(p, out, end, 0);
    }
    (void)fill(out, (int32_t)(end - out), p->value);
}
