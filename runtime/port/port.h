/* port.h -- what a board gives the agent: a stream of bytes */
#ifndef EK_PORT_H
#define EK_PORT_H

#include <stdint.h>

void port_open(void);
int port_read(void); /* waits for the next byte; negative: the link is closed */
void port_write(uint8_t byte);
void port_flush(void); /* everything written has to leave now */

#endif
