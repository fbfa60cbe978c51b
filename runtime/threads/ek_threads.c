/* ek_threads.c -- see ek_threads.h */
#define _POSIX_C_SOURCE 200809L

#include "ek_threads.h"

#include <sched.h>
#include <stddef.h>

/* How often a thread looks before it gives its core away: threads of one inference mostly arrive within
 * microseconds, and sleeping costs tens of them. */
#define LOOKS 2000

static uint32_t now(const uint32_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

void ek_threads_meet(ek_threads *threads)
{
    uint32_t round = now(&threads->round);
    if (__atomic_add_fetch(&threads->arrived, 1, __ATOMIC_ACQ_REL) == threads->count) {
        __atomic_store_n(&threads->arrived, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&threads->round, round + 1, __ATOMIC_RELEASE);
        return;
    }
    for (int32_t looks = 0; now(&threads->round) == round; looks++) {
        if (looks >= LOOKS) {
            (void)sched_yield();
        }
    }
}

/* Waits for work beyond number `done`: a little with open eyes, then asleep. */
static void wait_for_work(ek_threads *threads, uint32_t done)
{
    for (int32_t looks = 0; looks < LOOKS; looks++) {
        if (now(&threads->job) != done) {
            return;
        }
    }
    (void)pthread_mutex_lock(&threads->lock);
    while (now(&threads->job) == done) {
        (void)pthread_cond_wait(&threads->wake, &threads->lock);
    }
    (void)pthread_mutex_unlock(&threads->lock);
}

static void *body(void *pool)
{
    ek_threads *threads = pool;
    int32_t worker = __atomic_add_fetch(&threads->started, 1, __ATOMIC_RELAXED);
    for (uint32_t done = 0;; done++) {
        wait_for_work(threads, done);
        if (threads->work == NULL) {
            return NULL;
        }
        threads->work(threads, threads->argument, worker);
        ek_threads_meet(threads);
    }
}

static void announce(ek_threads *threads, ek_work *work, const void *argument)
{
    (void)pthread_mutex_lock(&threads->lock);
    threads->work = work;
    threads->argument = argument;
    __atomic_store_n(&threads->job, threads->job + 1, __ATOMIC_RELEASE);
    (void)pthread_cond_broadcast(&threads->wake);
    (void)pthread_mutex_unlock(&threads->lock);
}

void ek_threads_run(ek_threads *threads, ek_work *work, const void *argument)
{
    if (threads->count > 1) {
        announce(threads, work, argument);
    }
    work(threads, argument, 0);
    ek_threads_meet(threads);
}

int ek_threads_start(ek_threads *threads, int32_t count)
{
    const ek_threads none = {0};
    if (threads == NULL || count < 1 || count > EK_THREADS_MOST) {
        return EK_ERROR_THREADS;
    }
    *threads = none;
    if (pthread_mutex_init(&threads->lock, NULL) != 0) {
        return EK_ERROR_THREADS;
    }
    if (pthread_cond_init(&threads->wake, NULL) != 0) {
        (void)pthread_mutex_destroy(&threads->lock);
        return EK_ERROR_THREADS;
    }
    for (threads->count = 1; threads->count < count; threads->count++) {
        if (pthread_create(&threads->thread[threads->count], NULL, body, threads) != 0) {
            ek_threads_stop(threads);
            return EK_ERROR_THREADS;
        }
    }
    return EK_OK;
}

void ek_threads_stop(ek_threads *threads)
{
    announce(threads, NULL, NULL);
    for (int32_t i = 1; i < threads->count; i++) {
        (void)pthread_join(threads->thread[i], NULL);
    }
    (void)pthread_cond_destroy(&threads->wake);
    (void)pthread_mutex_destroy(&threads->lock);
}
