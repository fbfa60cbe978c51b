/* ek_element.h -- elements of a type that only the parameters know */
#ifndef EK_ELEMENT_H
#define EK_ELEMENT_H

#include <stdint.h>

/* type: 0 int8, 1 uint8, 2 int16, 3 int32, 4 boolean */
static inline int32_t ek_load(int8_t type, const void *from, int32_t i)
{
    switch (type) {
    case 0:
        return ((const int8_t *)from)[i];
    case 2:
        return ((const int16_t *)from)[i];
    case 3:
        return ((const int32_t *)from)[i];
    default:
        return ((const uint8_t *)from)[i];
    }
}

/* High bits are dropped; a boolean is 0 or 1. */
static inline void ek_put(int8_t type, void *to, int32_t i, int32_t v)
{
    switch (type) {
    case 2:
        ((int16_t *)to)[i] = (int16_t)v;
        break;
    case 3:
        ((int32_t *)to)[i] = v;
        break;
    case 4:
        ((uint8_t *)to)[i] = v != 0;
        break;
    default:
        ((uint8_t *)to)[i] = (uint8_t)v;
    }
}

#endif
