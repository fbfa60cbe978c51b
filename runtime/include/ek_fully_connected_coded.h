/* ek_fully_connected_coded.h -- generated from edgekit/ops/fully_connected_coded.py; do not edit */
#ifndef EK_FULLY_CONNECTED_CODED_H
#define EK_FULLY_CONNECTED_CODED_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t batch; /* input vectors */
    int32_t in_c; /* elements of an input vector */
    int32_t out_c; /* elements of an output vector */
    int32_t output_zero; /* zero point of the output */
    int32_t out_min; /* lower clamp */
    int32_t out_max; /* upper clamp */
    int32_t window; /* bits that a code's longest word has */
    int32_t low; /* bits of a value behind its word */
    int32_t group; /* taps that share places, 0 where tokens have none */
    int32_t place_bits; /* bits of a place */
    int32_t kept; /* tokens of a group */
    int32_t span; /* channels that share a code */
    int32_t sparse; /* whether tokens leave out zeros */
    int32_t tile; /* channels that are decoded together */
    const uint16_t *stream; /* weights, channel by channel, see ek_code.h */
    const uint16_t *code; /* symbols of each code, see ek_code.h */
    const int32_t *bias; /* [out_c], input zero point folded in */
    const int32_t *multiplier; /* [out_c] */
    const int8_t *shift; /* [out_c], positive is left */
} ek_fully_connected_coded_params;

void ek_fully_connected_coded_s8(const ek_fully_connected_coded_params *p, const int8_t *input, int8_t *output);

#endif
