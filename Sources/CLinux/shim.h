#pragma once
#include <sys/timex.h>

/* Swift's Glibc leaves sys/timex.h out. 1: the kernel's clock is kept in time; 0: it is not; -1: it may not be asked. */
static inline int perigee_clock_is_synchronised(void)
{
    struct timex state = {0};
    int answer = adjtimex(&state);
    if (answer < 0) return -1;
    return answer != TIME_ERROR && !(state.status & STA_UNSYNC);
}
