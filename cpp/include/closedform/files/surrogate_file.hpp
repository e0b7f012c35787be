#pragma once
// A surrogate as Python's Surrogate.save writes it: a zip archive of .npy arrays, stored.
//   format "closedform-surrogate"; version 1; names [d]; discrete [d]; offset; outside; held_out
//   [error, segments, smoothing]; held_out_rows; patches [d][2] of patch and degree; and for every
//   input k nodes_k [J+1] and factor_k [modes][J+1].

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "closedform/surrogate/tensor_surrogate.hpp"

namespace closedform {

struct SavedSurrogate {
    TensorSurrogate model;
    std::vector<std::string> names;  ///< of the inputs, UTF-8
    std::vector<bool> discrete;      ///< per input, whether it has a node per distinct value
    double held_out_error = 0.0;     ///< RMSE over the target's standard deviation, on unseen rows
    std::string held_out_rows;       ///< which rows those were, in words
    std::size_t segments = 1;        ///< elements per input that were asked for or chosen
    double smoothing = 0.0;
};

/// Whether the bytes begin as such a file does.
bool looks_like_surrogate(std::span<const char> bytes);

/// Reads the bytes of such a file. Throws FileError for anything else, without allocating more than
/// some forty times the file's size.
SavedSurrogate read_surrogate(std::span<const char> bytes);

/// Writes such a file, all at once or not at all (write_file). Throws std::invalid_argument for a
/// surrogate that could not be read again, FileError where the system refuses.
void write_surrogate(const std::filesystem::path& path, const SavedSurrogate& saved);

}  // namespace closedform
