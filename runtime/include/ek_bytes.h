/* ek_bytes.h -- copying and filling bytes; both return the byte after the last one written */
#ifndef EK_BYTES_H
#define EK_BYTES_H

#include <stdint.h>

static inline int8_t *ek_copy(int8_t *to, const int8_t *from, int32_t bytes)
{
    for (; bytes >= 4; bytes -= 4) {
        to[0] = from[0];
        to[1] = from[1];
        to[2] = from[2];
        to[3] = from[3];
        to += 4;
        from += 4;
    }
    for (; bytes > 0; bytes--) {
        *to++ = *from++;
    }
    return to;
}

static inline int8_t *ek_fill(int8_t *to, int32_t bytes, int8_t value)
{
    for (int32_t i = 0; i < bytes; i++) {
        to[i] = value;
    }
    return to + bytes;
}

#endif
