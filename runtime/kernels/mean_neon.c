/* mean_neon.c -- mean over everything but the channels, int8, with NEON: eight channels at a time */
#include "ek_mean_neon.h"
#include "ek_neon_pool.h"

void ek_mean_s8_neon(const ek_mean_neon_params *p, const int8_t *input, int8_t *output)
{
    ek_neon_range range = ek_neon_output(p->output_zero, -128, 127);
    int32x4_t offset = vdupq_n_s32(-p->offset), multiplier = vdupq_n_s32(p->multiplier),
              shift = vdupq_n_s32(p->shift);
    for (int32_t i = 0; i < p->channels; i += 8) {
        int32_t c = ek_neon_block(i, 8, p->channels);
        int16x8_t sums = ek_neon_add_cells(vdupq_n_s16(0), input + c, p->channels, p->count);
        int32x4_t low = ek_neon_rescale(vaddw_s16(offset, vget_low_s16(sums)), multiplier, shift);
        int32x4_t high = ek_neon_rescale(vaddw_high_s16(offset, sums), multiplier, shift);
        vst1_s8(output + c, ek_neon_narrow8(low, high, range));
    }
}
