/* rescale_s16.c -- two straight lines that meet at 0, any types; semantics in edgekit/ops/rescale_s16.py */
#include "ek_rescale_s16.h"
#include "ek_integers.h"
#include "ek_fixed.h"

void ek_rescale_s16(const ek_rescale_s16_params *p, const int8_t *input, int8_t *output, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        int32_t d = ek_load_integer(p->source, input, i) - p->input_zero;
        int32_t v = d >= 0 ? ek_requantize(d, p->multiplier1, p->shift1)
                           : ek_requantize(p->sign2 * d, p->multiplier2, p->shift2);
        ek_store_integer(p->target, output, i, ek_clamp(v + p->output_zero, p->out_min, p->out_max));
    }
}
