/* arithmetic.c -- two plain integers, element by element; semantics in edgekit/ops/arithmetic.py */
#include "ek_arithmetic.h"
#include "ek_integers.h"

enum { ADD, SUB, MUL, DIV, MOD, FMOD, POW, MIN, MAX, AND, OR, XOR, LEFT, RIGHT, LESS, LESS_EQUAL, EQUAL };

static uint32_t power(uint32_t a, uint32_t b)
{
    uint32_t made = 1;
    for (; b != 0; b >>= 1) {
        made = b & 1 ? made * a : made;
        a *= a;
    }
    return made;
}

/* What does not look at the sign; a sum of bits is the same for both. */
static uint32_t either(int8_t function, uint32_t a, uint32_t b)
{
    switch (function) {
    case ADD:
        return a + b;
    case SUB:
        return a - b;
    case MUL:
        return a * b;
    case AND:
        return a & b;
    case OR:
        return a | b;
    case XOR:
        return a ^ b;
    case LEFT: /* a negative shift is a large one */
        return b < 32 ? a << b : 0;
    default:
        return a == b;
    }
}

static uint32_t with_sign(int8_t function, int32_t a, int32_t b)
{
    int32_t rest;
    switch (function) {
    case DIV:
        return b == -1 ? 0u - (uint32_t)a : b == 0 ? 0u : (uint32_t)(a / b);
    case MOD:
    case FMOD:
        rest = b == 0 || b == -1 ? 0 : a % b;
        return (uint32_t)(function == MOD && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
    case POW:
        if (b < 0) {
            return a == 1 ? 1u : a == -1 ? (b & 1 ? UINT32_MAX : 1u) : 0u;
        }
        return power((uint32_t)a, (uint32_t)b);
    case RIGHT:
        b = b < 0 || b > 31 ? 31 : b;
        return (uint32_t)(a < 0 ? ~(~a >> b) : a >> b);
    case MIN:
        return (uint32_t)(a < b ? a : b);
    case MAX:
        return (uint32_t)(a > b ? a : b);
    case LESS:
        return a < b;
    case LESS_EQUAL:
        return a <= b;
    default:
        return either(function, (uint32_t)a, (uint32_t)b);
    }
}

static uint32_t without_sign(int8_t function, uint32_t a, uint32_t b)
{
    switch (function) {
    case DIV:
        return b == 0 ? 0 : a / b;
    case MOD:
    case FMOD:
        return b == 0 ? 0 : a % b;
    case POW:
        return power(a, b);
    case MIN:
        return a < b ? a : b;
    case MAX:
        return a > b ? a : b;
    case RIGHT:
        return b < 32 ? a >> b : 0;
    case LESS:
        return a < b;
    case LESS_EQUAL:
        return a <= b;
    default:
        return either(function, a, b);
    }
}

void ek_arithmetic_s8(const ek_arithmetic_params *p, const int8_t *input1, const int8_t *input2,
                      int8_t *output)
{
    const int32_t *size = p->shape, *s1 = p->stride1, *s2 = p->stride2;
    int32_t unsigned_type = p->source == EK_UINT8 || p->source == EK_BOOL || p->source == EK_UINT16 ||
                            p->source == EK_UINT32;
    int32_t at = 0;
    for (int32_t i = 0; i < size[0]; i++) {
        for (int32_t j = 0; j < size[1]; j++) {
            for (int32_t k = 0; k < size[2]; k++) {
                int32_t first = i * s1[0] + j * s1[1] + k * s1[2];
                int32_t second = i * s2[0] + j * s2[1] + k * s2[2];
                for (int32_t c = 0; c < size[3]; c++) {
                    int32_t a = ek_load_integer(p->source, input1, first + c * s1[3]);
                    int32_t b = ek_load_integer(p->source, input2, second + c * s2[3]);
                    uint32_t made = unsigned_type ? without_sign(p->function, (uint32_t)a, (uint32_t)b)
                                                  : with_sign(p->function, a, b);
                    ek_store_integer(p->target, output, at++, (int32_t)made);
                }
            }
        }
    }
}
