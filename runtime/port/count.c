/* count.c -- one inference for an emulator that logs what it executes; then says how it went */
#include "count.h"

#include "agent.h"
#include "port.h"
#include "start.h"

#if defined(__riscv)
#define STACK_POINTER "mv %0, sp"
#else
#define STACK_POINTER "mov %0, sp"
#endif

enum { PAINT = 0xA5, PAINTED = 0x4000 };

/* Kind 1: executed, its result and bytes of stack; 2: a fault and its address. */
static void tell(uint8_t kind, uint32_t a, uint32_t b)
{
    port_write(kind);
    for (int i = 0; i < 32; i += 8)
        port_write((uint8_t)(a >> i));
    for (int i = 0; i < 32; i += 8)
        port_write((uint8_t)(b >> i));
    port_flush();
}

void ek_agent_fault(uint32_t pc)
{
    tell(2, pc, 0);
    for (;;) {
    }
}

/* volatile: the loops stay loops, so none calls a function of the model's. */
static void copy(volatile uint8_t *to, const volatile uint8_t *from, uint32_t bytes)
{
    while (bytes-- > 0)
        *to++ = *from++;
}

int main(void)
{
    volatile uint8_t *top, *low;
    uint32_t result;
    port_open();
    ek_model_reset();
    for (uint32_t i = 0; i < ek_inputs; i++)
        copy(ek_input[i].to, ek_input[i].from, ek_input[i].bytes);
    __asm volatile(STACK_POINTER : "=r"(top));
    for (low = top - PAINTED; low < top; low++)
        *low = PAINT;
    result = (uint32_t)ek_model_run();
    for (low = top - PAINTED; low < top && *low == PAINT; low++) {
    }
    tell(1, result, (uint32_t)(top - low));
    for (;;) {
    }
}
