#pragma once
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdint.h>

/* MHD_start_daemon is variadic. `socket` listens already; it is closed with the daemon. */
static inline struct MHD_Daemon *perigee_http_start(
    int socket, MHD_AccessHandlerCallback handler, void *context, unsigned connections, size_t memory, unsigned seconds)
{
    return MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC, 0, NULL, NULL, handler, context,
        MHD_OPTION_LISTEN_SOCKET, socket, MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        memory, MHD_OPTION_CONNECTION_TIMEOUT, seconds, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP,
        1, MHD_OPTION_END);
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
