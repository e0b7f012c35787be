#pragma once
// The corpus of saved files (tests/corpus/make.py) as the tests read it.

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace corpus {

/// A file and what it must give.
struct Entry {
    std::string path;  ///< of the saved file
    std::size_t inputs = 0;
    std::size_t rows = 0;
    std::vector<std::string> names;
    std::vector<double> x;         ///< [rows][inputs]
    std::vector<double> value;     ///< [rows]
    std::vector<double> gradient;  ///< [rows][inputs]
    std::vector<double> hessian;   ///< [rows][inputs][inputs]
};

inline Entry read(const std::filesystem::path& expected) {
    Entry entry;
    for (const char* extension : {".npz", ".json"}) {
        auto path = expected;
        path.replace_extension(extension);
        if (std::filesystem::exists(path)) {
            entry.path = path.string();
        }
    }
    std::ifstream file(expected);
    file >> entry.inputs >> entry.rows >> std::ws;
    entry.names.resize(entry.inputs);
    for (std::string& name : entry.names) {
        std::getline(file, name);
    }
    const auto take = [&](std::vector<double>& to, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            std::string number;  // strtod reads nan and inf, streams do not
            file >> number;
            to.push_back(std::strtod(number.c_str(), nullptr));
        }
    };
    for (std::size_t r = 0; r < entry.rows; ++r) {
        take(entry.x, entry.inputs);
        take(entry.value, 1);
        take(entry.gradient, entry.inputs);
        take(entry.hessian, entry.inputs * entry.inputs);
    }
    if (!file || entry.path.empty()) {
        throw std::runtime_error("corpus: " + expected.string() + " cannot be read");
    }
    return entry;
}

/// Every file of every version, by name.
inline std::vector<Entry> all() {
    std::vector<std::filesystem::path> paths;
    for (const auto& file : std::filesystem::recursive_directory_iterator(CLOSEDFORM_CORPUS)) {
        if (file.path().extension() == ".txt") {
            paths.push_back(file.path());
        }
    }
    std::sort(paths.begin(), paths.end());
    std::vector<Entry> entries(paths.size());
    std::transform(paths.begin(), paths.end(), entries.begin(), read);
    return entries;
}

}  // namespace corpus
