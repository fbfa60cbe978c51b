/* ek_batch_matmul.h -- generated from edgekit/ops/batch_matmul.py; do not edit */
#ifndef EK_BATCH_MATMUL_H
#define EK_BATCH_MATMUL_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t rows; /* rows of the product */
    int32_t columns; /* columns of the product */
    int32_t depth; /* terms of each sum */
    int32_t row1; /* elements from a row of the first matrix to the next */
    int32_t step1; /* and from a term to the next */
    int32_t column2; /* elements from a column of the second matrix to the next */
    int32_t step2; /* and from a term to the next */
    int32_t shape[4]; /* sizes of the walk over the batch */
    int32_t stride1[4]; /* matrices of the first input along it, 0 repeats */
    int32_t stride2[4]; /* matrices of the second input, likewise */
    int32_t zero1; /* zero point of the first input */
    int32_t zero2; /* zero point of the second input */
    int32_t multiplier; /* rescaling of the sums */
    int32_t shift; /* and its shift, positive is left */
    int32_t output_zero; /* zero point of the output */
} ek_batch_matmul_params;

void ek_batch_matmul_s8(const ek_batch_matmul_params *p, const int8_t *input1, const int8_t *input2, int8_t *output);

#endif
