/* top_k.c -- indices of the largest or smallest elements in order; semantics in edgekit/ops/top_k.py */
#include "ek_integers.h"
#include "ek_top_k.h"

/* Whether element i comes before element j: it is larger, or as large and further in front. */
static int before(const ek_top_k_params *p, const int8_t *input, int32_t first, int32_t i, int32_t j)
{
    int32_t a = ek_load_integer(p->source, input, first + i * p->inner);
    int32_t b = ek_load_integer(p->source, input, first + j * p->inner);
    return a == b ? i < j : (p->sign > 0) == (a > b);
}

/* Of each place the best of the elements that come behind the one before it: no memory is needed. */
void ek_top_k_s8(const ek_top_k_params *p, const int8_t *input, int8_t *output)
{
    int32_t *out = (int32_t *)(void *)output;
    for (int32_t a = 0; a < p->outer; a++) {
        for (int32_t b = 0; b < p->inner; b++) {
            int32_t first = a * p->axis * p->inner + b, last = -1;
            for (int32_t k = 0; k < p->k; k++) {
                int32_t best = -1;
                for (int32_t i = 0; i < p->axis; i++) {
                    int behind = last < 0 || before(p, input, first, last, i);
                    if (behind && i != last && (best < 0 || before(p, input, first, i, best))) {
                        best = i;
                    }
                }
                out[(a * p->k + k) * p->inner + b] = last = best;
            }
        }
    }
}
