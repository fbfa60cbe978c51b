/* ek_integers.h -- elements of plain integer tensors by the number of their type; twin of edgekit/families/integers.py */
#ifndef EK_INTEGERS_H
#define EK_INTEGERS_H

#include <stdint.h>

enum { EK_INT8, EK_UINT8, EK_INT16, EK_INT32, EK_BOOL, EK_UINT16, EK_UINT32 };

/* Element i; one of uint32 as the int32 of the same bits. */
static inline int32_t ek_load_integer(int8_t type, const void *from, int32_t i)
{
    switch (type) {
    case EK_INT8:
        return ((const int8_t *)from)[i];
    case EK_INT16:
        return ((const int16_t *)from)[i];
    case EK_UINT16:
        return ((const uint16_t *)from)[i];
    case EK_INT32:
    case EK_UINT32:
        return ((const int32_t *)from)[i];
    default:
        return ((const uint8_t *)from)[i];
    }
}

/* Drops high bits; anything but 0 is a true boolean. */
static inline void ek_store_integer(int8_t type, void *to, int32_t i, int32_t v)
{
    switch (type) {
    case EK_INT16:
    case EK_UINT16:
        ((uint16_t *)to)[i] = (uint16_t)v;
        break;
    case EK_INT32:
    case EK_UINT32:
        ((int32_t *)to)[i] = v;
        break;
    case EK_BOOL:
        ((uint8_t *)to)[i] = v != 0;
        break;
    default:
        ((uint8_t *)to)[i] = (uint8_t)v;
    }
}

#endif
