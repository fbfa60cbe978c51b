/* ek_lstm_s16.h -- generated from edgekit/ops/lstm_s16.py; do not edit */
#ifndef EK_LSTM_S16_H
#define EK_LSTM_S16_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t steps; /* steps of the sequence */
    int32_t in_c; /* elements of a step */
    int32_t units; /* elements of the hidden state and of the cell */
    int32_t multiplier_x[4]; /* of the sums over the input, per gate */
    int32_t shift_x[4]; /* and their shifts, positive is left */
    int32_t multiplier_h[4]; /* of the sums over the hidden state */
    int32_t shift_h[4]; /* and their shifts, positive is left */
    int32_t multiplier_f; /* of the forget gate times the cell */
    int32_t shift_f; /* and its shift, positive is left */
    int32_t multiplier_i; /* of the input gate times the cell gate */
    int32_t shift_i; /* and its shift, positive is left */
    int32_t multiplier_o; /* of the output gate times tanh of the cell */
    int32_t shift_o; /* and its shift, positive is left */
    int32_t cell_shift; /* fraction bits that the cell lacks of 12 */
    int32_t clip; /* largest magnitude of the cell */
    int32_t output_zero; /* zero point of the hidden state */
    const int8_t *weights_x; /* [4][units][in_c] */
    const int8_t *weights_h; /* [4][units][units] */
    const int64_t *bias_x; /* [4][units] */
    const int64_t *bias_h; /* [4][units], zeros */
    const int16_t *sigmoid; /* [256], 1 / (1 + exp(-i / 24)) in Q0.16 less one half */
} ek_lstm_s16_params;

void ek_lstm_s16(const ek_lstm_s16_params *p, const int8_t *input, int8_t *hidden, int8_t *cell, int8_t *output);

#endif
