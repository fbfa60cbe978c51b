/* ek_threads.h -- a small pool of POSIX threads that models share; the only file of a bundle that
 * knows of threads
 *
 *     static ek_threads threads;
 *     if (ek_threads_start(&threads, 4) != EK_OK) ...      once
 *     rc = <name>_run_threads(&threads, arena);            as often as needed, from one thread at a time
 *     ek_threads_stop(&threads);
 *
 * The thread that asks for an inference computes, too: a pool of four starts three. Between inferences
 * they sleep. There is no heap; the pool is the caller's. */
#ifndef EK_THREADS_H
#define EK_THREADS_H

#include <pthread.h>
#include <stdint.h>

#include "ek_version.h"

#define EK_THREADS_MOST 64
#define EK_ERROR_THREADS (-5) /* the threads could not be started */

typedef struct ek_threads ek_threads;

/* What each of the threads does, `worker` being 0 for the one that asked. */
typedef void ek_work(ek_threads *threads, const void *argument, int32_t worker);

struct ek_threads {
    int32_t count; /* threads that compute, the one that asks among them */
    pthread_t thread[EK_THREADS_MOST];
    pthread_mutex_t lock;
    pthread_cond_t wake;
    ek_work *work; /* NULL where the threads are to end */
    const void *argument;
    int32_t started; /* threads that have taken a number */
    uint32_t job;    /* counts up with each piece of work */
    int32_t arrived; /* threads that have come to a meeting */
    uint32_t round;  /* counts up when all have */
};

/* EK_OK, or EK_ERROR_THREADS where `count` is not in 1..EK_THREADS_MOST or the system has no more
 * threads; nothing is left running then. */
int ek_threads_start(ek_threads *threads, int32_t count);

/* All threads do `work` and meet once at its end. */
void ek_threads_run(ek_threads *threads, ek_work *work, const void *argument);

/* Returns when all threads have called it; what each wrote before is then seen by all. */
void ek_threads_meet(ek_threads *threads);

/* Ends the threads. */
void ek_threads_stop(ek_threads *threads);

#endif
