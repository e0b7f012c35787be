#include "files/json_value.hpp"

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>

#include "closedform/files/saved_file.hpp"

namespace closedform {
namespace {

using nlohmann::json;

constexpr std::size_t most_depth = 16;

/// What nlohmann's parser calls; its names and arguments.
class Builder {
  public:
    explicit Builder(JsonValue& root) : root_(root) {}

    bool null() { return put(nullptr); }
    bool boolean(bool value) { return put(value); }
    bool number_integer(std::int64_t value) { return put(value); }
    bool number_unsigned(std::uint64_t value) { return put(value); }
    bool number_float(double value, const std::string& /*as written*/) { return put(value); }
    bool string(std::string& value) { return put(std::move(value)); }
    bool binary(std::vector<std::uint8_t>& /*never in text*/) { return false; }
    bool start_object(std::size_t /*size*/) { return open(JsonValue::Object()); }
    bool start_array(std::size_t /*size*/) { return open(JsonValue::List()); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool key(std::string& value) {
        open_.back()->get<JsonValue::Object>()->names.push_back(std::move(value));
        return true;
    }
    bool parse_error(std::size_t /*position*/, const std::string& /*last*/,
                     const json::exception& refused) {
        throw FileError(FileError::Kind::malformed,
                        "is not a saved front, or is cut off: " + std::string(refused.what()));
    }

  private:
    JsonValue& place() {
        if (open_.empty()) {
            return root_;
        }
        auto* list = open_.back()->get<JsonValue::List>();
        return (list != nullptr ? *list : open_.back()->get<JsonValue::Object>()->values)
            .emplace_back();
    }
    bool put(JsonValue::Data value) {
        place().data = std::move(value);
        return true;
    }
    bool open(JsonValue::Data value) {
        if (open_.size() == most_depth) {
            throw FileError(FileError::Kind::malformed, "is not a saved front: nested too deeply");
        }
        JsonValue& here = place();
        here.data = std::move(value);
        open_.push_back(&here);
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    JsonValue& root_;
    std::vector<JsonValue*> open_;  ///< only the last of them grows: none moves
};

}  // namespace

const JsonValue* JsonValue::find(std::string_view key) const {
    const auto* object = get<Object>();
    if (object == nullptr) {
        return nullptr;
    }
    const auto found = std::find(object->names.rbegin(), object->names.rend(), key);
    return found == object->names.rend()
               ? nullptr
               : &object->values[static_cast<std::size_t>(object->names.rend() - found) - 1];
}

JsonValue read_json(std::span<const char> bytes) {
    JsonValue root;
    Builder builder(root);
    json::sax_parse(bytes.begin(), bytes.end(), &builder);
    return root;
}

}  // namespace closedform
