/* ek_gru.h -- generated from edgekit/ops/gru.py; do not edit */
#ifndef EK_GRU_H
#define EK_GRU_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t steps; /* steps of the sequence */
    int32_t in_c; /* elements of a step */
    int32_t units; /* elements of the hidden state */
    int32_t batch; /* sequences */
    int32_t directions; /* 1 or 2 */
    int32_t backward; /* 1 where the first direction begins at the last step */
    int32_t x_step; /* elements of the input from a step to the next */
    int32_t x_batch; /* and from a sequence to the next */
    int32_t y_step; /* elements of the output from a step to the next */
    int32_t y_batch; /* from a sequence to the next */
    int32_t y_direction; /* and from a direction to the next */
    int32_t output_zero; /* zero point of output and hidden state */
    int32_t multiplier_x[6]; /* of the sums over the input, per gate */
    int32_t shift_x[6]; /* and their shifts, positive is left */
    int32_t multiplier_h[6]; /* of the sums over the hidden state */
    int32_t shift_h[6]; /* and their shifts, positive is left */
    int32_t reset_behind; /* 1 where the reset gate multiplies the sum over the hidden state */
    int32_t multiplier_g; /* of the reset gate times the state */
    int32_t shift_g; /* and its shift, positive is left */
    int32_t multiplier_o; /* of the state as an output */
    int32_t shift_o; /* and its shift, positive is left */
    int32_t state_shift; /* fraction bits that the state lacks of 15 */
    const int8_t *weights_x; /* [directions][gates][units][in_c] */
    const int8_t *weights_h; /* [directions][gates][units][units] */
    const int32_t *bias_x; /* [directions][gates][units], zero point of the input folded in */
    const int32_t *bias_h; /* likewise, zero point of the hidden state folded in */
    const int16_t *sigmoid; /* [256], 1 / (1 + exp(-i / 24)) in Q0.16 less one half */
} ek_gru_params;

void ek_gru_s8(const ek_gru_params *p, const int8_t *input, const int8_t *state0, int8_t *output, int8_t *hidden, int8_t *state);

#endif
