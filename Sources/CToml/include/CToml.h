// Reads TOML 1.0 through toml++ (C++17), and says what it found in one walk. No C++ type and no exception leaves.
#ifndef PERIGEE_CTOML_H
#define PERIGEE_CTOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Octets of a text that may be given, and of one of its lines. 16 levels of nesting are walked.
#define PERIGEE_TOML_SIZE_LIMIT (1u << 20)
#define PERIGEE_TOML_LINE_LIMIT 1024u

typedef enum {
    PERIGEE_TOML_TABLE_BEGIN = 0,
    PERIGEE_TOML_TABLE_END = 1,
    PERIGEE_TOML_ARRAY_BEGIN = 2,
    PERIGEE_TOML_ARRAY_END = 3,
    PERIGEE_TOML_STRING = 4,
    PERIGEE_TOML_INTEGER = 5,
    PERIGEE_TOML_NUMBER = 6,
    PERIGEE_TOML_BOOLEAN = 7,
    // a date or time
    PERIGEE_TOML_OTHER = 8
} perigee_toml_kind;

typedef struct {
    perigee_toml_kind kind;
    // Name inside of a table; NULL for members of arrays and for the root. Not terminated. Lent for the call.
    const char *key;
    size_t key_size;
    // Of PERIGEE_TOML_STRING. Not terminated. Lent for the call.
    const char *text;
    size_t text_size;
    // Of PERIGEE_TOML_INTEGER and PERIGEE_TOML_BOOLEAN (0 or 1).
    int64_t integer;
    // Of PERIGEE_TOML_NUMBER.
    double number;
    // Counted from 1; 0 where there is none.
    uint32_t line;
} perigee_toml_event;

// Walks the document in `text` in the order of its keys. False where it is no TOML: `error` then holds a terminated text of
// less than `error_size` octets, and `error_line` where it went wrong (0 where that is unknown).
bool perigee_toml_walk(
    const char *text, size_t size, void (*on_event)(void *context, const perigee_toml_event *event), void *context,
    char *error, size_t error_size, uint32_t *error_line);

#ifdef __cplusplus
}
#endif

#endif
