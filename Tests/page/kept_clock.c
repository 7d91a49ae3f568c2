// For pictures (LD_PRELOAD): the kernel says that a time service keeps its clock, as at a station it should. Who makes pictures
// works in a container, where nobody keeps it, and must not change the machine's clock.
#include <errno.h>
#include <string.h>
#include <sys/timex.h>

int adjtimex(struct timex *state) {
    if (state->modes != 0) {
        errno = EPERM;
        return -1;
    }
    memset(state, 0, sizeof *state);
    return TIME_OK;
}
