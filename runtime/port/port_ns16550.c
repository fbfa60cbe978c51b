/* port_ns16550.c -- the 16550 UART of QEMU's RISC-V virt machine, at EK_UART_BASE */
#include "port.h"

#define UART ((volatile uint8_t *)EK_UART_BASE)

enum { DATA = 0, LINE_STATUS = 5, READY_IN = 0x01, EMPTY_OUT = 0x20 };

void port_open(void)
{
}

int port_read(void)
{
    while ((UART[LINE_STATUS] & READY_IN) == 0) {
    }
    return UART[DATA];
}

void port_write(uint8_t byte)
{
    while ((UART[LINE_STATUS] & EMPTY_OUT) == 0) {
    }
    UART[DATA] = byte;
}

void port_flush(void)
{
}
