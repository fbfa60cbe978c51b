/* ek_string.c -- the C library's part in a bare image: compilers call these for struct copies */
#include <stddef.h>
#include <stdint.h>

/* A word that may overlay any object; compiled alone, without built-in functions, so that the
 * loops below do not become calls of themselves. */
typedef uint32_t __attribute__((may_alias)) ek_word;

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    uint8_t *t = to;
    const uint8_t *f = from;
    if ((((uintptr_t)t | (uintptr_t)f) & 3u) == 0) {
        ek_word *tw = to;
        const ek_word *fw = from;
        for (; n >= 4; n -= 4)
            *tw++ = *fw++;
        t = (uint8_t *)tw;
        f = (const uint8_t *)fw;
    }
    for (; n > 0; n--)
        *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    uint8_t *t = to;
    const uint8_t *f = from;
    if ((uintptr_t)t <= (uintptr_t)f)
        return memcpy(to, from, n);
    while (n > 0) {
        n--;
        t[n] = f[n];
    }
    return to;
}

void *memset(void *to, int value, size_t n)
{
    uint8_t *t = to, byte = (uint8_t)value;
    if (((uintptr_t)t & 3u) == 0) {
        ek_word *tw = to, word = 0x01010101u * byte;
        for (; n >= 4; n -= 4)
            *tw++ = word;
        t = (uint8_t *)tw;
    }
    for (; n > 0; n--)
        *t++ = byte;
    return to;
}
