/* signal_stacker.c -- the last frames side by side; semantics in edgekit/ops/signal_stacker.py */
#include "ek_bytes.h"
#include "ek_signal_stacker.h"

void ek_signal_stacker_s8(const ek_signal_stacker_params *p, const int8_t *input, int8_t *history, int8_t *count, int8_t *output)
{
    int32_t *state = (int32_t *)(void *)count;
    int32_t frame = 2 * p->channels, came = state[0];
    int8_t *next = ek_copy(history, history + frame, (p->frames - 1) * frame);
    ek_copy(next, input, frame);
    if (came == 0) {
        for (int32_t i = 0; i + 1 < p->frames; i++) {
            ek_copy(history + i * frame, input, frame);
        }
        came = p->left + 1;
    }
    state[1] = came >= p->frames;
    state[0] = came >= p->frames ? came - p->step + 1 : came + 1;
    ek_copy(output, history, p->frames * frame);
}
