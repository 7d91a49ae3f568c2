#pragma once
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>

/* MHD_start_daemon is variadic. `socket` listens already; it is closed with the daemon. It has no thread: see perigee_http_turn. */
static inline struct MHD_Daemon *perigee_http_start(
    int socket, MHD_AccessHandlerCallback handler, void *context, unsigned connections, size_t memory, unsigned seconds)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, handler, context,
        MHD_OPTION_LISTEN_SOCKET, socket, MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        memory, MHD_OPTION_CONNECTION_TIMEOUT, seconds, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP,
        1, MHD_OPTION_END);
}

/* What ends the turning; -1 where there is none to be had. */
static inline int perigee_http_bell(void) { return eventfd(0, EFD_CLOEXEC); }

static inline void perigee_http_ring(int bell) { eventfd_write(bell, 1); }

/* Waits for something to do, at most so long, and does it. 0 once the bell was rung. */
static inline int perigee_http_turn(struct MHD_Daemon *daemon, int bell, int milliseconds)
{
    MHD_UNSIGNED_LONG_LONG wanted;
    if (MHD_get_timeout(daemon, &wanted) == MHD_YES && wanted < (MHD_UNSIGNED_LONG_LONG)milliseconds)
        milliseconds = (int)wanted;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct pollfd places[] = {{info->epoll_fd, POLLIN, 0}, {bell, POLLIN, 0}};
    poll(places, 2, milliseconds);
    if (places[1].revents != 0) return 0;
    MHD_run(daemon);
    return 1;
}

/* The library marks its enums so that Swift renames their cases, differently from version to version. */
static inline const char *perigee_http_header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static inline const char *perigee_http_query(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
}

/* Copies the octets. */
static inline struct MHD_Response *perigee_http_response(const void *octets, size_t size)
{
    return MHD_create_response_from_buffer(size, (void *)octets, MHD_RESPMEM_MUST_COPY);
}

static inline enum MHD_Result perigee_http_result(int is_good) { return is_good ? MHD_YES : MHD_NO; }
