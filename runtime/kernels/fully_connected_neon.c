/* fully_connected_neon.c -- dense layer, int8, with SMULL and SMLAL of AArch64 */
#include "ek_fully_connected_neon.h"
#include "ek_neon_dot.h"
#define EK_PARAMS ek_fully_connected_neon_params
#include "ek_neon_dense.h"

void ek_fully_connected_s8_neon(const ek_fully_connected_neon_params *p, const int8_t *input, int8_t *output)
{
    dense(p, input, output);
}
