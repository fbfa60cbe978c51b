/* port_stdio.c -- a program of an operating system: standard input and output */
#include <stdio.h>

#include "port.h"

void port_open(void)
{
}

int port_read(void)
{
    return getchar();
}

void port_write(uint8_t byte)
{
    (void)putchar(byte);
}

void port_flush(void)
{
    (void)fflush(stdout);
}
