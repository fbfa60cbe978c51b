/* ek_trace.h -- the test firmware's view between two steps; nothing at all in the product */
#ifndef EK_TRACE_H
#define EK_TRACE_H

#ifdef EK_TRACE_HOOK
void ek_trace(int step);
#define EK_TRACE(step) ek_trace(step)
#else
#define EK_TRACE(step) ((void)0)
#endif

#endif
