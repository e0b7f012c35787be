#pragma once
// A JSON document as plain values. nlohmann's own allocate where they are destroyed, so that memory
// that runs out while a file is read would end the program.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace closedform {

struct JsonValue {
    using List = std::vector<JsonValue>;
    struct Object {
        std::vector<std::string> names;
        List values;  ///< one a name
    };
    /// Counts are unsigned; a whole number is signed where it is below zero.
    using Data = std::variant<std::nullptr_t, bool, std::uint64_t, std::int64_t, double,
                              std::string, List, Object>;

    Data data;

    /// Null where it is something else.
    template <class T>
    const T* get() const {
        return std::get_if<T>(&data);
    }
    template <class T>
    T* get() {
        return std::get_if<T>(&data);
    }
    bool is_null() const { return std::holds_alternative<std::nullptr_t>(data); }

    /// A member, of those of one name the last; null where it has none or is no object.
    const JsonValue* find(std::string_view key) const;
};

/// Throws FileError for what is no JSON, and for what is nested deeper than any front.
JsonValue read_json(std::span<const char> bytes);

}  // namespace closedform
