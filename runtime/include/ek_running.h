/* ek_running.h -- totals without weights as outputs; twin of edgekit/families/running.py */
#ifndef EK_RUNNING_H
#define EK_RUNNING_H

#include "ek_fixed.h"

/* ek_requantize of 2^19 * total, which need not fit int32 */
static inline int8_t ek_from_total(int32_t total, int32_t multiplier, int32_t right, int32_t zero)
{
    int64_t high = ((int64_t)total * multiplier + 2048) >> 12;
    high = high > INT32_MAX ? INT32_MAX : high < INT32_MIN ? INT32_MIN : high;
    int32_t v = ek_clamp(ek_rounding_shift((int32_t)high, right), -512, 512);
    return (int8_t)ek_clamp(v + zero, -128, 127);
}

#endif
