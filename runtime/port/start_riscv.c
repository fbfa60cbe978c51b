/* start_riscv.c -- first instruction, reset and trap of a RISC-V core in machine mode */
#include "agent.h"
#include "start.h"

/* The model's code is compiled without the extension for control registers. */
#define CONTROL(instruction) ".option push\n.option arch, +zicsr\n" instruction "\n.option pop\n"

void ek_trap(void);

__attribute__((section(".ek_start"), naked, noreturn, used)) void ek_reset(void)
{
    __asm volatile("la sp, ek_stack_top\n"
                   "la t0, ek_trap\n" CONTROL("csrw mtvec, t0") "j ek_start\n");
}

/* The low two bits of mtvec select its mode. */
__attribute__((aligned(4), used)) void ek_trap(void)
{
    uint32_t pc;
    __asm volatile(CONTROL("csrr %0, mepc") : "=r"(pc));
    ek_agent_fault(pc);
}
