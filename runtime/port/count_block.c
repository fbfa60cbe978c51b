/* count_block.c -- called by unicorn before every block it executes; on the host, not in firmware.
 * edgekit/validate/runners/_count.py has the same in Python, for machines without a compiler. */
#include <stdint.h>

typedef struct {
    uint64_t code;         /* address of the first entry of a row */
    uint64_t unit;         /* bytes of code an entry stands for */
    uint64_t row;          /* entries of a row */
    uint64_t run, run_end; /* <name>_run, which calls one kernel after the other */
    uint64_t calls;
    const uint64_t *kernels; /* entry of each call's kernel */
    const uint64_t *layers;  /* the layer it belongs to */
    int64_t *difference;     /* [layers][row]: +1 where a block begins, -1 behind its end */
    int64_t *taken;          /* [layers][row]: jumps by the instruction that ends there */
    uint64_t done;    /* calls */
    uint64_t entered; /* the next call's kernel */
    uint64_t end;     /* of the last block */
} ek_counter;

void ek_count_block(void *engine, uint64_t address, uint32_t size, void *user);

static uint64_t place(const ek_counter *c, uint64_t address)
{
    /* What `run` does behind the last kernel belongs to its layer. */
    uint64_t call = c->done < c->calls ? c->done : c->calls - 1;
    return c->layers[call] * c->row + (address - c->code) / c->unit;
}

void ek_count_block(void *engine, uint64_t address, uint32_t size, void *user)
{
    ek_counter *c = user;
    (void)engine;
    if (c->end != 0 && c->end != address)
        c->taken[place(c, c->end)]++;
    if (c->done < c->calls && address == c->kernels[c->done]) {
        c->entered = 1;
    } else if (c->entered && address >= c->run && address < c->run_end) {
        c->entered = 0;
        c->done++;
    }
    c->end = address + size;
    c->difference[place(c, address)]++;
    c->difference[place(c, c->end)]--;
}
