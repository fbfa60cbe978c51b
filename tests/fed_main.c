/* Feeds a model from standard input: per inference a number of portions, then each portion as its
 * number of rows and the rows; -1 is one row that is put into its place. Writes the outputs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "m.h"

enum { GUARD = 64 };
static uint8_t memory[GUARD + M_ARENA_BYTES + GUARD] M_ALIGN;
static uint8_t state[M_STATE_BYTES + 16] M_ALIGN;
OUTPUT_BUFFERS

static int guards_stand(void)
{
    for (int i = 0; i < GUARD; i++) {
        if (memory[i] != 0x5A || memory[GUARD + M_ARENA_BYTES + i] != 0x5A) {
            return 0;
        }
    }
    return state[M_STATE_BYTES] == 0x5A;
}

int main(void)
{
    uint8_t *arena = memory + GUARD;
    int32_t portions, n;
    memset(memory, 0x5A, sizeof memory);
    memset(state, 0x5A, sizeof state);
    while (fread(&portions, sizeof portions, 1, stdin) == 1) {
        RESET;
        if (m_start(arena) != EK_OK) {
            return 2;
        }
        while (portions-- > 0) {
            if (fread(&n, sizeof n, 1, stdin) != 1) {
                return 3;
            }
            size_t bytes = (size_t)(n < 0 ? 1 : n) * ROW_BYTES;
            TYPE *rows = malloc(bytes + (n == 0));
            TYPE *given = rows;
            if (fread(rows, 1, bytes, stdin) != bytes) {
                return 4;
            }
            if (n < 0) {
                given = m_next_row(arena);
                memcpy(given, rows, bytes);
                n = 1;
            }
            if (FEED(given, n) != (portions ? EK_MORE : EK_OK)) {
                return 5;
            }
            free(rows);
        }
        if (m_next_row(arena) != NULL || FEED(NULL, 0) != EK_ERROR_START) {
            return 6;
        }
        WRITE_OUTPUTS
    }
    return guards_stand() ? 0 : 7;
}
