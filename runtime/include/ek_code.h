/* ek_code.h -- weights from a stream of bits, channel by channel; the format is that of
 * edgekit/families/coding.py. Included by the kernels' files, which name the params (EK_PARAMS) and say
 * with EK_CODE_SUM whether weights are multiplied with a vector at once or written down.
 *
 * The stream ends in a word more than its tokens need, so reading ahead stays inside; a channel's tokens end
 * where its taps do. Both hold because the encoder made them so. */
#ifndef EK_CODE_H
#define EK_CODE_H

#include <stdint.h>

#define EK_CODE_ENTRIES 128 /* of the largest table, MOST_WINDOW in coding.py */

/* at: the stream's next word; bits: those before it, the first of them the highest, then a one that
 * says where they end, then zeros; code: the symbols of the next code; rows: channels until it begins;
 * table: the present code's. */
typedef struct {
    const uint16_t *at;
    uint32_t bits;
    const uint16_t *code;
    int32_t rows;
    uint16_t *table;
} ek_code;

#ifdef EK_CODE_SUM
#define EK_CODE_PUT(to, value) sum += (to) * (int8_t)(value)
#define EK_CODE_PLACE const int8_t *
#else
#define EK_CODE_PUT(to, value) (to) = (int8_t)(value)
#define EK_CODE_PLACE int8_t *
#endif

static ek_code ek_code_begin(const EK_PARAMS *p, uint16_t *table)
{
    ek_code c = {p->stream, UINT32_C(1) << 31, p->code, 0, table};
    return c;
}

/* The next code as a table: each symbol stands wherever the stream's bits may begin with its word. */
static void ek_code_table(const EK_PARAMS *p, ek_code *c)
{
    uint16_t *to = c->table, *end = to + (1 << p->window);
    while (to < end) {
        uint32_t symbol = *c->code++;
        for (int32_t n = 1 << (p->window - (int32_t)(symbol >> 8 & 15)); n > 0; n--) {
            *to++ = (uint16_t)symbol;
        }
    }
    c->rows = p->span;
}

/* Words of zeros, where tokens write only what is not 0. */
static inline void ek_code_clear(int8_t *to, int32_t bytes)
{
    uint32_t *word = (uint32_t *)(void *)to;
    for (; bytes > 0; bytes -= 4) {
        *word++ = 0;
    }
}

/* The steps of a token on local copies of the stream; 16 bits are enough for one. There are fewer where
 * the one behind them is in the upper half: the next word takes its place, with a new one behind. */
#define EK_CODE_FILL                                                                               \
    if (__builtin_expect((bits & 0xFFFFu) == 0, 0)) {                                              \
        uint32_t end_bit = bits & (0u - bits);                                                     \
        bits += *at++ * (end_bit >> 15) - end_bit + (end_bit >> 16);                               \
    }
#define EK_CODE_SKIP(n) bits <<= (n)
#define EK_CODE_SYMBOL                                                                             \
    uint32_t symbol = table[bits >> look];                                                         \
    EK_CODE_SKIP(symbol >> 8 & 15)

/* The taps of the next channel, from `to` to `end`; returns the sum of their products with what stands
 * there (EK_CODE_SUM), or writes those that may not be 0. Not inlined, because a caller that has the table on
 * its stack has no register left for its address. */
static __attribute__((noinline)) int32_t ek_code_row(const EK_PARAMS *p, ek_code *c,
                                                     EK_CODE_PLACE to, EK_CODE_PLACE end)
{
    if (c->rows == 0) {
        ek_code_table(p, c);
    }
    c->rows--;
    const uint16_t *at = c->at, *table = c->table;
    uint32_t bits = c->bits, look = (uint32_t)(32 - p->window), low = (uint32_t)p->low;
    int32_t sum = 0;
    if (p->group > 0) {
        for (uint32_t first = 32 - (uint32_t)p->place_bits; to < end; to += p->group) {
            for (int32_t k = p->kept; k > 0; k--) {
                EK_CODE_FILL
                EK_CODE_PLACE place = to + (bits >> first);
                EK_CODE_SKIP((uint32_t)p->place_bits);
                EK_CODE_SYMBOL;
                EK_CODE_PUT(*place, symbol | bits >> 1 >> (31 - low));
                EK_CODE_SKIP(low);
            }
        }
    } else if (low > 0) {
        while (to < end) {
            EK_CODE_FILL
            EK_CODE_SYMBOL;
            to += symbol >> 12;
            EK_CODE_PUT(*to++, symbol | bits >> (32 - low));
            EK_CODE_SKIP(low);
        }
    } else {
        while (to < end) {
            EK_CODE_FILL
            EK_CODE_SYMBOL;
            to += symbol >> 12;
            EK_CODE_PUT(*to++, symbol);
        }
    }
    c->at = at;
    c->bits = bits;
    return sum;
}

#endif
