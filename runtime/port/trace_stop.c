/* trace_stop.c -- where an emulator without agent stops between two steps */
void ek_trace(int step);

void ek_trace(int step)
{
    (void)step;
}
