/* pixels.c -- pixels of a camera to colour channels; semantics in edgekit/ops/pixels.py */
#include "ek_pixels.h"
#include "ek_fixed.h"

/* One pixel's channels, 0..255, to its place: three, or one that stands for them. */
static int8_t *store(int8_t *out, int32_t channels, int32_t r, int32_t g, int32_t b)
{
    if (channels == 1) {
        *out++ = (int8_t)(((77 * r + 150 * g + 29 * b + 128) >> 8) - 128);
        return out;
    }
    out[0] = (int8_t)(r - 128);
    out[1] = (int8_t)(g - 128);
    out[2] = (int8_t)(b - 128);
    return out + 3;
}

/* Rows of three bytes a pixel, red first or last. */
static void from_888(const ek_pixels_params *p, const uint8_t *x, int8_t *out)
{
    int32_t red = p->format == 1 ? 2 : 0;
    x += 3 * p->left;
    for (int32_t i = 0; i < p->width; i++, x += 3) {
        out = store(out, p->channels, x[red], x[1], x[2 - red]);
    }
}

static void from_565(const ek_pixels_params *p, const uint8_t *x, int8_t *out)
{
    int32_t low = p->format == 3 ? 1 : 0;
    x += 2 * p->left;
    for (int32_t i = 0; i < p->width; i++, x += 2) {
        int32_t word = x[low] | x[1 - low] << 8;
        int32_t r = word >> 11, g = (word >> 5) & 63, b = word & 31;
        out = store(out, p->channels, r << 3 | r >> 2, g << 2 | g >> 4, b << 3 | b >> 2);
    }
}

static int32_t byte_of(int32_t v)
{
    return ek_clamp(v >> 14, 0, 255);
}

/* Two pixels are four bytes: Y U Y V, or U Y V Y. */
static void from_yuv(const ek_pixels_params *p, const uint8_t *row, int8_t *out)
{
    int32_t first = p->format == 5 ? 1 : 0;
    for (int32_t i = p->left; i < p->left + p->width; i++) {
        const uint8_t *pair = row + 4 * (i >> 1);
        int32_t y = p->y_gain * (pair[first + 2 * (i & 1)] - p->y_black) + (1 << 13);
        if (p->channels == 1) {
            *out++ = (int8_t)(byte_of(y) - 128);
            continue;
        }
        int32_t u = pair[1 - first] - 128, v = pair[3 - first] - 128;
        int32_t green = y - p->u_green * u - p->v_green * v;
        out = store(out, 3, byte_of(y + p->v_red * v), byte_of(green), byte_of(y + p->u_blue * u));
    }
}

static void from_grey(const ek_pixels_params *p, const uint8_t *x, int8_t *out)
{
    x += p->left;
    for (int32_t i = 0; i < p->width; i++) {
        for (int32_t c = 0; c < p->channels; c++) {
            *out++ = (int8_t)(x[i] - 128);
        }
    }
}

void ek_pixels_s8(const ek_pixels_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    for (int32_t y = first; y < first + n; y++) {
        const uint8_t *x = (const uint8_t *)ek_row(input, p->top + y);
        int8_t *out = ek_row(output, y);
        if (p->format < 2) {
            from_888(p, x, out);
        } else if (p->format < 4) {
            from_565(p, x, out);
        } else if (p->format < 6) {
            from_yuv(p, x, out);
        } else {
            from_grey(p, x, out);
        }
    }
}
