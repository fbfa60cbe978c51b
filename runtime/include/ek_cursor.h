/* ek_cursor.h -- how far an inference has come whose input is fed row by row */
#ifndef EK_CURSOR_H
#define EK_CURSOR_H

#include <stdint.h>

/* In `mark` from <name>_start to the end of an inference; memory that was never begun holds it by
 * chance only. */
#define EK_CURSOR_MARK 0x464b4545u

/* Lives in the arena. Between two calls `turn` is that of the next row of the input. */
typedef struct {
    uint32_t mark;
    uint32_t turn;
} ek_cursor;

#endif
