/* start_cortex_m.c -- vector table and reset of any Cortex-M; faults are told to the host */
#include "agent.h"
#include "start.h"

void ek_fault(const uint32_t *stacked);

#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
/* Before any other function: its prologue may already save a floating-point register. */
#define ENABLE_COPROCESSORS                                                                        \
    "ldr r0, =0xE000ED88\n" /* CPACR: full access to CP10 and CP11 */                              \
    "ldr r1, [r0]\n"                                                                               \
    "orr r1, r1, #0xF00000\n"                                                                      \
    "str r1, [r0]\n"                                                                               \
    "dsb\n"                                                                                        \
    "isb\n"
#else
#define ENABLE_COPROCESSORS
#endif

__attribute__((naked, noreturn)) void ek_reset(void)
{
    __asm volatile(ENABLE_COPROCESSORS "bl ek_start\n");
}

__attribute__((used)) void ek_fault(const uint32_t *stacked)
{
    ek_agent_fault(stacked[6]);
}

static __attribute__((naked, noreturn)) void handler(void)
{
    __asm volatile("mov r0, sp\n"
                   "bl ek_fault\n");
}

typedef union {
    uint32_t *stack;
    void (*code)(void);
} vector;

/* Stack, reset, then NMI and every fault; interrupts stay disabled. */
__attribute__((section(".ek_start"), used)) static const vector vectors[16] = {
    {ek_stack_top},    {.code = ek_reset}, {.code = handler},
    {.code = handler}, {.code = handler},  {.code = handler},
    {.code = handler}, {.code = handler},
};
