#include "closedform/files/front_file.hpp"

#include <cstdint>
#include <limits>
#include <new>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "closedform/expression/infix.hpp"
#include "closedform/files/saved_file.hpp"

namespace closedform {
namespace {

using nlohmann::json;

constexpr std::uint64_t version = 1;
constexpr std::size_t most_bytes = std::size_t{16}
                                   << 20U;  // a parsed value takes 16 bytes a letter
constexpr int most_depth = 16;

[[noreturn]] void fail(const std::string& what) {
    throw FileError(FileError::Kind::malformed, what);
}

json parse_json(std::span<const char> bytes) {
    return json::parse(bytes.begin(), bytes.end(), [](int depth, json::parse_event_t, const json&) {
        if (depth > most_depth) {
            fail("is not a saved front: nested too deeply");
        }
        return true;
    });
}

SavedFormula formula_of(const json& entry, std::span<const std::string> names) {
    SavedFormula formula;
    formula.text = entry.at("text").get<std::string>();
    formula.tape = parse(formula.text, names);
    const json& loss = entry.at("loss");
    formula.loss = loss.is_null() ? std::numeric_limits<double>::quiet_NaN() : loss.get<double>();
    return formula;
}

/// What a search says of itself. Not every program that writes fronts does.
void read_search(const json& document, SavedFront& front) {
    front.stopped = document.value("stopped", std::string());
    if (const auto found = document.find("evaluations"); found != document.end()) {
        if (!found->is_number_unsigned()) {
            fail("is not a saved front: evaluations are no count");
        }
        front.evaluations = found->get<std::uint64_t>();
    }
    front.seconds = document.value("seconds", 0.0);
    if (!document.contains("ranges")) {
        return;
    }
    for (const json& range : document.at("ranges")) {
        if (range.size() != 2) {
            fail("is not a saved front: ranges are not pairs");
        }
        front.ranges.push_back({range.at(0).get<double>(), range.at(1).get<double>()});
    }
    if (front.ranges.size() != front.names.size()) {
        fail("is not a saved front: ranges are not one an input");
    }
}

/// Keys and layout are those of Python's Front.save, to the byte.
std::string document_of(const SavedFront& front) {
    nlohmann::ordered_json document = {
        {"format", "closedform front"}, {"version", version},
        {"names", front.names},         {"best", front.best},
        {"stopped", front.stopped},     {"evaluations", front.evaluations},
        {"seconds", front.seconds}};
    auto& formulas = document["formulas"] = nlohmann::ordered_json::array();
    for (const SavedFormula& formula : front.formulas) {
        // A loss that is not a number has no JSON form: the library writes null.
        formulas.push_back(
            {{"text", formula.text.empty() ? print(formula.tape, front.names) : formula.text},
             {"loss", formula.loss}});
    }
    if (!front.ranges.empty()) {
        auto& ranges = document["ranges"] = nlohmann::ordered_json::array();
        for (const InputRange& range : front.ranges) {
            ranges.push_back({range.low, range.high});
        }
    }
    return document.dump(1, ' ', true) + "\n";
}

}  // namespace

SavedFront read_front(std::span<const char> bytes) {
    if (bytes.size() > most_bytes) {
        fail("is not a saved front: larger than 16 MiB");
    }
    try {
        const json document = parse_json(bytes);
        if (document.at("format") != "closedform front") {
            fail("is not a saved front");
        }
        const json& written = document.at("version");
        if (!written.is_number_unsigned()) {
            fail("is not a saved front: no version");
        }
        if (const auto found = written.get<std::uint64_t>(); found > version) {
            throw FileError(FileError::Kind::newer, "is of version " + std::to_string(found) +
                                                        "; this closedform reads up to " +
                                                        std::to_string(version) +
                                                        ": install a newer one");
        }
        SavedFront front;
        front.names = document.at("names").get<std::vector<std::string>>();
        for (const json& entry : document.at("formulas")) {
            front.formulas.push_back(formula_of(entry, front.names));
        }
        const json& best = document.at("best");
        if (!best.is_number_unsigned() || best.get<std::size_t>() >= front.formulas.size()) {
            fail("is not a saved front: best names none of its formulas");
        }
        front.best = best.get<std::size_t>();
        read_search(document, front);
        return front;
    } catch (const json::exception& refused) {
        fail("is not a saved front, or is cut off: " + std::string(refused.what()));
    } catch (const std::invalid_argument& refused) {  // by the parser of formulas
        fail("is not a saved front: " + std::string(refused.what()));
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
