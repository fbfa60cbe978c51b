/* ek_rnn.h -- generated from edgekit/ops/rnn.py; do not edit */
#ifndef EK_RNN_H
#define EK_RNN_H

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
    int32_t multiplier_x[2]; /* of the sums over the input, per direction */
    int32_t shift_x[2]; /* and their shifts, positive is left */
    int32_t multiplier_h[2]; /* of the sums over the hidden state */
    int32_t shift_h[2]; /* and their shifts, positive is left */
    int32_t rectify; /* 1 for a rectifier, 0 for tanh */
    int32_t multiplier_o; /* of what tanh or the rectifier gives */
    int32_t shift_o; /* and its shift, positive is left */
    const int8_t *weights_x; /* [directions][gates][units][in_c] */
    const int8_t *weights_h; /* [directions][gates][units][units] */
    const int32_t *bias_x; /* [directions][gates][units], zero point of the input folded in */
    const int32_t *bias_h; /* likewise, zero point of the hidden state folded in */
    const int16_t *sigmoid; /* [256], 1 / (1 + exp(-i / 24)) in Q0.16 less one half */
} ek_rnn_params;

void ek_rnn_s8(const ek_rnn_params *p, const int8_t *input, const int8_t *hidden0, int8_t *output, int8_t *hidden);

#endif
