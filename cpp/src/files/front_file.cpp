#include "closedform/files/front_file.hpp"

#include <cstdint>
#include <limits>
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
        return front;
    } catch (const json::exception& refused) {
        fail("is not a saved front, or is cut off: " + std::string(refused.what()));
    } catch (const std::invalid_argument& refused) {  // by the parser of formulas
        fail("is not a saved front: " + std::string(refused.what()));
    }
}

}  // namespace closedform
