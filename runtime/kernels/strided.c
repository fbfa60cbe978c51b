/* strided.c -- runs of bytes, read along up to five strides; see edgekit/ops/strided.py */
#include "ek_strided.h"
#include "ek_bytes.h"

/* The runs along the last axis. Lone bytes, as a transposition moves them, have a loop of their own. */
static int8_t *line(const ek_strided_params *p, const int8_t *from, int8_t *to)
{
    int32_t count = p->shape[4], step = p->stride[4];
    if (p->run == 1) {
        for (int32_t i = 0; i < count; i++) {
            *to++ = from[i * step];
        }
        return to;
    }
    for (int32_t i = 0; i < count; i++) {
        to = ek_copy(to, from + i * step, p->run);
    }
    return to;
}

void ek_strided_s8(const ek_strided_params *p, const int8_t *input, int8_t *output)
{
    const int32_t *shape = p->shape, *stride = p->stride;
    for (int32_t a = 0; a < shape[0]; a++) {
        for (int32_t b = 0; b < shape[1]; b++) {
            for (int32_t c = 0; c < shape[2]; c++) {
                for (int32_t d = 0; d < shape[3]; d++) {
                    int32_t at = p->offset + a * stride[0] + b * stride[1] + c * stride[2] + d * stride[3];
                    output = line(p, input + at, output);
                }
            }
        }
    }
}
