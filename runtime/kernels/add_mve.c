/* add_mve.c -- a + b or a - b, int8, with MVE: four elements at a time; semantics in
 * edgekit/ops/add.py */
#include "ek_add_mve.h"
#include "ek_elementwise.h"

#if defined(__ARM_FEATURE_MVE)

/* In the order of the registers that they are loaded into, from r0 on. The factors and offsets are
 * halves of the parameters', since VQRDMULH doubles. */
typedef struct {
    const int8_t *input1;
    const int8_t *input2;
    int8_t *output;
    int32_t n;
    int32_t factor1, multiplier1, shift1;
    int32_t factor2, multiplier2, shift2;
    int32_t sign2;
    int32_t multiplier, shift;
    int32_t offset1, offset2, zero, low, high; /* 52 */
} sum_work;

#define RESCALE(q, multiplier, shift)                                                              \
    "vqrdmulh.s32 " q ", " q ", " multiplier "\n"                                                  \
    "vshr.s32 q1, " q ", #31\n"                                                                    \
    "vadd.i32 " q ", " q ", q1\n"                                                                  \
    "vrshl.s32 " q ", " shift "\n"
#define OPERAND(q, from, factor, offset, multiplier, shift)                                        \
    "vldrb.s32 " q ", [" from "], #4\n"                                                            \
    "vmul.i32 " q ", " q ", " factor "\n"                                                          \
    "vadd.i32 " q ", " q ", " offset "\n" RESCALE(q, multiplier, shift)

static __attribute__((naked, noinline)) void add(__attribute__((unused)) const sum_work *work)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "vpush {d8-d15}\n"
        "ldrd r1, r2, [r0, #52]\n vdup.32 q6, r1\n vdup.32 q7, r2\n"
        "ldrd r1, r2, [r0, #60]\n vdup.32 q3, r1\n vdup.32 q4, r2\n"
        "ldr r1, [r0, #68]\n vdup.32 q5, r1\n"
        "ldm r0, {r0-r12}\n"
        "wlstp.32 lr, r3, 2f\n"
        "1:\n" OPERAND("q0", "r0", "r4", "q6", "r5", "r6")
        OPERAND("q2", "r1", "r7", "q7", "r8", "r9")
        "vmla.s32 q0, q2, r10\n" RESCALE("q0", "r11", "r12")
        "vadd.i32 q0, q0, q3\n"
        "vmax.s32 q0, q0, q4\n"
        "vmin.s32 q0, q0, q5\n"
        "vstrb.32 q0, [r2], #4\n"
        "letp lr, 1b\n"
        "2: vpop {d8-d15}\n"
        "pop {r4-r11, pc}\n");
}

void ek_add_s8_mve(const ek_add_mve_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n)
{
    sum_work work = {
        input1, input2, output, n,
        p->factor1 / 2, p->multiplier1, -p->right1,
        p->factor2 / 2, p->multiplier2, -p->right2,
        p->sign2, p->multiplier, -p->right,
        p->offset1 / 2, p->offset2 / 2, p->output_zero, p->out_min, p->out_max,
    };
    add(&work);
}

#else

void ek_add_s8_mve(const ek_add_mve_params *p, const int8_t *input1, const int8_t *input2, int8_t *output, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        output[i] = EK_ADD(*p, input1[i], input2[i]);
    }
}

#endif
