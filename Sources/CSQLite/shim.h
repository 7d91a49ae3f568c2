#pragma once
#include <sqlite3.h>
#include <stddef.h>

// Variadic, which Swift cannot call.
static inline int perigee_sqlite_keep_wal(sqlite3 *database) {
    return sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

// SQLITE_TRANSIENT is a cast macro that Swift cannot import.
static inline int perigee_sqlite_bind_blob_copy(sqlite3_stmt *statement, int index, const void *bytes, int count) {
    return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_TRANSIENT);
}
static inline int perigee_sqlite_bind_text_copy(sqlite3_stmt *statement, int index, const char *text, int count) {
    return sqlite3_bind_text(statement, index, text, count, SQLITE_TRANSIENT);
}
