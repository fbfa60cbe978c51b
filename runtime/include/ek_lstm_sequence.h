/* ek_lstm_sequence.h -- generated from edgekit/ops/lstm_sequence.py; do not edit */
#ifndef EK_LSTM_SEQUENCE_H
#define EK_LSTM_SEQUENCE_H

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
    int32_t multiplier_x[8]; /* of the sums over the input, per gate */
    int32_t shift_x[8]; /* and their shifts, positive is left */
    int32_t multiplier_h[8]; /* of the sums over the hidden state */
    int32_t shift_h[8]; /* and their shifts, positive is left */
    int32_t multiplier_f; /* of the forget gate times the cell */
    int32_t shift_f; /* and its shift, positive is left */
    int32_t multiplier_i; /* of the input gate times the cell gate */
    int32_t shift_i; /* and its shift, positive is left */
    int32_t multiplier_o; /* of the output gate times tanh of the cell */
    int32_t shift_o; /* and its shift, positive is left */
    int32_t cell_shift; /* fraction bits that the cell lacks of 12 */
    int32_t clip; /* largest magnitude of the cell */
    const int8_t *weights_x; /* [directions][gates][units][in_c] */
    const int8_t *weights_h; /* [directions][gates][units][units] */
    const int32_t *bias_x; /* [directions][gates][units], zero point of the input folded in */
    const int32_t *bias_h; /* likewise, zero point of the hidden state folded in */
    const int16_t *sigmoid; /* [256], 1 / (1 + exp(-i / 24)) in Q0.16 less one half */
} ek_lstm_sequence_params;

void ek_lstm_sequence_s8(const ek_lstm_sequence_params *p, const int8_t *input, const int8_t *hidden0, const int8_t *cell0, int8_t *output, int8_t *hidden, int8_t *cell);

#endif
