/* fully_connected_neon_dot.c -- dense layer, int8, with SDOT of AArch64 */
#include "ek_fully_connected_neon_dot.h"
#include "ek_neon_sdot.h"
#define EK_PARAMS ek_fully_connected_neon_dot_params
#include "ek_neon_dense.h"

void ek_fully_connected_s8_neon_dot(const ek_fully_connected_neon_dot_params *p, const int8_t *input, int8_t *output)
{
    dense(p, input, output);
}
