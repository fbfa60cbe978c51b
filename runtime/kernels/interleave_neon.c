/* interleave_neon.c -- three planes to pixels with NEON, 16 pixels at a time; the last ones overlap */
#include "ek_interleave_neon.h"
#include "ek_neon.h"

static void sixteen(const int8_t *a, const int8_t *b, const int8_t *c, int8_t *out)
{
    int8x16x3_t pixels = {{vld1q_s8(a), vld1q_s8(b), vld1q_s8(c)}};
    vst3q_s8(out, pixels);
}

void ek_interleave_s8_neon(const ek_interleave_neon_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    int32_t last = p->width - 16;
    for (int32_t y = first; y < first + n; y++) {
        const int8_t *a = ek_row(input, 0) + y * p->width, *b = ek_row(input, 1) + y * p->width,
                     *c = ek_row(input, 2) + y * p->width;
        int8_t *out = ek_row(output, y);
        for (int32_t x = 0; x < last; x += 16) {
            sixteen(a + x, b + x, c + x, out + 3 * x);
        }
        sixteen(a + last, b + last, c + last, out + 3 * last);
    }
}
