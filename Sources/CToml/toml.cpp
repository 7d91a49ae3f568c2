#include "CToml.h"

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string_view>

// toml++ 3.3 asserts on some malformed keys, such as a comma at the end of an inline table with a stray octet behind it. A wrong
// file must be an error: its assertions throw, and the walk below catches.
namespace {
[[noreturn]] void refuse() { throw std::runtime_error("a key or value that cannot be read"); }
}  // namespace
#undef NDEBUG
#define TOML_ASSERT(expr) ((expr) ? static_cast<void>(0) : refuse())

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#define TOML_MAX_NESTED_VALUES 16
#include <toml++/toml.h>

namespace {

struct Walker {
    void (*on_event)(void *, const perigee_toml_event *);
    void *context;

    perigee_toml_event event(perigee_toml_kind kind, std::string_view key, bool has_key, const toml::node &node) const {
        perigee_toml_event event = {};
        event.kind = kind;
        event.key = has_key ? key.data() : nullptr;
        event.key_size = key.size();
        event.line = static_cast<uint32_t>(node.source().begin.line);
        return event;
    }

    void walk(const toml::node &node, std::string_view key, bool has_key, int depth) const {
        if (depth > TOML_MAX_NESTED_VALUES) throw std::runtime_error("tables within tables beyond 16 levels");
        if (const toml::table *table = node.as_table()) {
            perigee_toml_event begin = event(PERIGEE_TOML_TABLE_BEGIN, key, has_key, node);
            on_event(context, &begin);
            for (auto &&[name, value] : *table) walk(value, name.str(), true, depth + 1);
            perigee_toml_event end = event(PERIGEE_TOML_TABLE_END, key, has_key, node);
            on_event(context, &end);
        } else if (const toml::array *array = node.as_array()) {
            perigee_toml_event begin = event(PERIGEE_TOML_ARRAY_BEGIN, key, has_key, node);
            on_event(context, &begin);
            for (auto &&value : *array) walk(value, {}, false, depth + 1);
            perigee_toml_event end = event(PERIGEE_TOML_ARRAY_END, key, has_key, node);
            on_event(context, &end);
        } else {
            perigee_toml_event leaf = event(PERIGEE_TOML_OTHER, key, has_key, node);
            if (const auto *text = node.as_string()) {
                leaf.kind = PERIGEE_TOML_STRING;
                leaf.text = text->get().data();
                leaf.text_size = text->get().size();
            } else if (const auto *integer = node.as_integer()) {
                leaf.kind = PERIGEE_TOML_INTEGER;
                leaf.integer = integer->get();
            } else if (const auto *number = node.as_floating_point()) {
                leaf.kind = PERIGEE_TOML_NUMBER;
                leaf.number = number->get();
            } else if (const auto *boolean = node.as_boolean()) {
                leaf.kind = PERIGEE_TOML_BOOLEAN;
                leaf.integer = boolean->get() ? 1 : 0;
            }
            on_event(context, &leaf);
        }
    }
};

}  // namespace

extern "C" bool perigee_toml_walk(
    const char *text, size_t size, void (*on_event)(void *, const perigee_toml_event *), void *context, char *error,
    size_t error_size, uint32_t *error_line) {
    *error_line = 0;
    if (size > PERIGEE_TOML_SIZE_LIMIT) {
        std::snprintf(error, error_size, "%zu octets, at most %u are read", size, PERIGEE_TOML_SIZE_LIMIT);
        return false;
    }
    // Dotted keys nest without a limit of toml++, and its destructors recurse: short lines keep that below 10,000 levels.
    uint32_t line = 1;
    size_t column = 0;
    for (size_t index = 0; index < size; index++) {
        column = text[index] == '\n' ? 0 : column + 1;
        if (column > PERIGEE_TOML_LINE_LIMIT) {
            std::snprintf(error, error_size, "a line of more than %u octets: break it", PERIGEE_TOML_LINE_LIMIT);
            *error_line = line;
            return false;
        }
        if (text[index] == '\n') line++;
    }
    try {
        const toml::table root = toml::parse(std::string_view(text, size));
        Walker{on_event, context}.walk(root, {}, false, 0);
        return true;
    } catch (const toml::parse_error &failure) {
        const std::string_view reason = failure.description();
        std::snprintf(error, error_size, "%.*s", static_cast<int>(reason.size()), reason.data());
        *error_line = static_cast<uint32_t>(failure.source().begin.line);
    } catch (const std::exception &failure) {
        std::snprintf(error, error_size, "%s", failure.what());
    } catch (...) {
        std::snprintf(error, error_size, "an unknown failure");
    }
    return false;
}
