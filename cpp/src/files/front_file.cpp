#include "closedform/files/front_file.hpp"

#include <cstdint>
#include <limits>
#include <new>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

#include "closedform/expression/infix.hpp"
#include "closedform/files/saved_file.hpp"
#include "files/json_value.hpp"

namespace closedform {
namespace {

using nlohmann::json;

constexpr std::uint64_t version = 1;
constexpr std::size_t most_bytes = std::size_t{16} << 20U;  // some 60 bytes of memory for each

[[noreturn]] void fail(const std::string& what) {
    throw FileError(FileError::Kind::malformed, what);
}

[[noreturn]] void refuse(const char* why) {
    std::string said = "is not a saved front: ";
    fail(said.append(why));
}

/// What a value is, or an error that says what it is not.
template <class T>
const T& as(const JsonValue& value, const char* otherwise) {
    const auto* found = value.get<T>();
    if (found == nullptr) {
        refuse(otherwise);
    }
    return *found;
}

double number_in(const JsonValue& value, const char* otherwise) {
    if (const auto* count = value.get<std::uint64_t>()) {
        return static_cast<double>(*count);
    }
    if (const auto* whole = value.get<std::int64_t>()) {
        return static_cast<double>(*whole);
    }
    return as<double>(value, otherwise);
}

const JsonValue& member(const JsonValue& object, std::string_view key) {
    const JsonValue* found = object.find(key);
    if (found == nullptr) {
        fail("is not a saved front, or is cut off: it has no " + std::string(key));
    }
    return *found;
}

SavedFormula formula_of(const JsonValue& entry, std::span<const std::string> names) {
    SavedFormula formula;
    formula.text = as<std::string>(member(entry, "text"), "a formula is no text");
    formula.tape = parse(formula.text, names);
    const JsonValue& loss = member(entry, "loss");
    formula.loss = loss.is_null() ? std::numeric_limits<double>::quiet_NaN()
                                  : number_in(loss, "a loss is no number");
    return formula;
}

/// What a search says of itself. Not every program that writes fronts does.
void read_search(const JsonValue& document, SavedFront& front) {
    if (const JsonValue* stopped = document.find("stopped")) {
        front.stopped = as<std::string>(*stopped, "what stopped it is no text");
    }
    if (const JsonValue* evaluations = document.find("evaluations")) {
        front.evaluations = as<std::uint64_t>(*evaluations, "evaluations are no count");
    }
    if (const JsonValue* seconds = document.find("seconds")) {
        front.seconds = number_in(*seconds, "seconds are no number");
    }
    const JsonValue* ranges = document.find("ranges");
    if (ranges == nullptr) {
        return;
    }
    constexpr const char* no_pairs = "ranges are not pairs";
    for (const JsonValue& range : as<JsonValue::List>(*ranges, no_pairs)) {
        const JsonValue::List& pair = as<JsonValue::List>(range, no_pairs);
        if (pair.size() != 2) {
            refuse(no_pairs);
        }
        front.ranges.push_back({number_in(pair[0], no_pairs), number_in(pair[1], no_pairs)});
    }
    if (front.ranges.size() != front.names.size()) {
        refuse("ranges are not one an input");
    }
}

SavedFront front_of(const JsonValue& document) {
    const auto* format = member(document, "format").get<std::string>();
    if (format == nullptr || *format != "closedform front") {
        fail("is not a saved front");
    }
    if (const auto found = as<std::uint64_t>(member(document, "version"), "no version");
        found > version) {
        throw FileError(FileError::Kind::newer, "is of version " + std::to_string(found) +
                                                    "; this closedform reads up to " +
                                                    std::to_string(version) +
                                                    ": install a newer one");
    }
    SavedFront front;
    for (const JsonValue& name :
         as<JsonValue::List>(member(document, "names"), "names are no list")) {
        front.names.push_back(as<std::string>(name, "a name is no text"));
    }
    for (const JsonValue& formula :
         as<JsonValue::List>(member(document, "formulas"), "formulas are no list")) {
        front.formulas.push_back(formula_of(formula, front.names));
    }
    constexpr const char* no_best = "best names none of its formulas";
    front.best = as<std::uint64_t>(member(document, "best"), no_best);
    if (front.best >= front.formulas.size()) {
        refuse(no_best);
    }
    read_search(document, front);
    return front;
}

/// Numbers and text alone: a json of several values allocates where it is destroyed, and memory
/// that runs out there ends the program.
std::string written(const json& scalar) { return scalar.dump(-1, ' ', true); }

std::string entry(const char* key, const std::string& value) {
    std::string text = "\"";
    return text.append(key).append("\": ").append(value);
}

/// Values in brackets, one a line, as many spaces before them as brackets are open.
std::string listed(char open, const std::vector<std::string>& values, char close,
                   std::size_t depth) {
    std::string text(1, open);
    for (const std::string& value : values) {
        text += &value == values.data() ? "\n" : ",\n";
        text.append(depth, ' ').append(value);
    }
    if (!values.empty()) {
        text.append("\n").append(depth - 1, ' ');
    }
    text += close;
    return text;
}

/// Keys and layout are those of Python's Front.save, to the byte.
std::string document_of(const SavedFront& front) {
    std::vector<std::string> names;
    for (const std::string& name : front.names) {
        names.push_back(written(name));
    }
    std::vector<std::string> formulas;
    for (const SavedFormula& formula : front.formulas) {
        const std::string text =
            formula.text.empty() ? print(formula.tape, front.names) : formula.text;
        // A loss that is not a number has no JSON form: the library writes null.
        formulas.push_back(listed(
            '{', {entry("text", written(text)), entry("loss", written(formula.loss))}, '}', 3));
    }
    std::vector<std::string> members = {entry("format", written("closedform front")),
                                        entry("version", written(version)),
                                        entry("names", listed('[', names, ']', 2)),
                                        entry("best", written(front.best)),
                                        entry("stopped", written(front.stopped)),
                                        entry("evaluations", written(front.evaluations)),
                                        entry("seconds", written(front.seconds)),
                                        entry("formulas", listed('[', formulas, ']', 2))};
    if (!front.ranges.empty()) {
        std::vector<std::string> ranges;
        for (const InputRange& range : front.ranges) {
            ranges.push_back(listed('[', {written(range.low), written(range.high)}, ']', 3));
        }
        members.push_back(entry("ranges", listed('[', ranges, ']', 2)));
    }
    return listed('{', members, '}', 1) + "\n";
}

}  // namespace

SavedFront read_front(std::span<const char> bytes) {
    if (bytes.size() > most_bytes) {
        refuse("larger than 16 MiB");
    }
    try {
        return front_of(read_json(bytes));
    } catch (const std::invalid_argument& refused) {  // by the parser of formulas
        refuse(refused.what());
    }
}

void write_front(const std::filesystem::path& path, const SavedFront& front) {
    std::string bytes;
    try {
        for (const SavedFormula& formula : front.formulas) {
            if (formula.text.empty() && formula.tape.empty()) {
                throw std::invalid_argument("a formula has neither text nor tape");
            }
            if (formula.text.empty() &&
                static_cast<std::size_t>(inputs_needed(formula.tape)) > front.names.size()) {
                throw std::invalid_argument("a formula reads more inputs than there are names");
            }
        }
        bytes = document_of(front);
        read_front(bytes);
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception& refused) {  // by the reader, the printer or the JSON library
        throw std::invalid_argument("front: could not be read again: " +
                                    std::string(refused.what()));
    }
    write_file(path, bytes);
}

}  // namespace closedform
