#pragma once
#include <sys/eventfd.h>
#include <zmq.h>

// The flags are an anonymous enum in one libc and macros in another, and Swift sees eventfd only through this header.
static inline int perigee_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
