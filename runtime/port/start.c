/* start.c -- memory as C expects it, then main(); the linker script bare.ld has the symbols */
#include "start.h"

extern uint32_t ek_data_load[], ek_data_start[], ek_data_end[], ek_bss_start[], ek_bss_end[];

void ek_start(void)
{
    const uint32_t *from = ek_data_load;
    /* volatile: the loops stay loops of words. */
    for (volatile uint32_t *to = ek_data_start; to < ek_data_end; to++)
        *to = *from++;
    for (volatile uint32_t *to = ek_bss_start; to < ek_bss_end; to++)
        *to = 0;
    (void)main();
    for (;;) {
    }
}
