// Holds one thread for ever, as a hang would: a library for LD_PRELOAD. Once the file $PERIGEE_HOLD_FILE is there, the thread
// whose name is in it stops in the next of these calls, which every loop makes when it waits.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void hold(void) {
    const char *path = getenv("PERIGEE_HOLD_FILE");
    if (!path) return;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    char wanted[64] = {0}, name[64] = {0};
    ssize_t size = read(file, wanted, sizeof wanted - 1);
    close(file);
    if (size <= 0 || pthread_getname_np(pthread_self(), name, sizeof name) != 0) return;
    while (strcmp(wanted, name) == 0) pause();
}

#define NEXT(name) \
    static __typeof__(&name) next; \
    if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int poll(struct pollfd *descriptors, nfds_t count, int timeout) {
    NEXT(poll);
    hold();
    return next(descriptors, count, timeout);
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until) {
    NEXT(pthread_cond_timedwait);
    // without the lock: who waits for work holds nobody up
    pthread_mutex_unlock(mutex);
    hold();
    pthread_mutex_lock(mutex);
    return next(condition, mutex, until);
}

int sigtimedwait(const sigset_t *set, siginfo_t *information, const struct timespec *time) {
    NEXT(sigtimedwait);
    hold();
    return next(set, information, time);
}
