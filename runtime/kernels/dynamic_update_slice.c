/* dynamic_update_slice.c -- a part replaced; semantics in edgekit/ops/dynamic_update_slice.py */
#include "ek_bytes.h"
#include "ek_dynamic_update_slice.h"
#include "ek_fixed.h"

void ek_dynamic_update_slice_s8(const ek_dynamic_update_slice_params *p, const int8_t *input, const int8_t *update, const int8_t *start, int8_t *output)
{
    const int32_t *first = (const int32_t *)(const void *)start;
    const int32_t *step = p->step + (4 - p->rank), *size = p->size;
    if (input != output) {
        (void)ek_copy(output, input, p->total);
    }
    for (int32_t k = 0; k < p->rank; k++) {
        output += ek_clamp(first[k], 0, p->room[k]) * step[k];
    }
    for (int32_t a = 0; a < size[0]; a++) {
        for (int32_t b = 0; b < size[1]; b++) {
            for (int32_t c = 0; c < size[2]; c++) {
                int8_t *to = output + a * p->step[0] + b * p->step[1] + c * p->step[2];
                (void)ek_copy(to, update, size[3]);
                update += size[3];
            }
        }
    }
}
