#pragma once
// One .npy array, format version 1.0 (NumPy Enhancement Proposal 1): numbers, truth values and
// texts, little-endian, rows first, read and written. Objects (pickles) are refused.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace closedform {

class NpyArray {
  public:
    /// Views `bytes`, which must outlive it. `name` is what errors call the array. Throws FileError
    /// for anything that is not such an array, has another size than its shape says, or is empty.
    NpyArray(std::string name, std::span<const char> bytes);

    const std::vector<std::size_t>& shape() const { return shape_; }
    std::size_t size() const { return size_; }

    /// The elements. Throw FileError when they are of another type (or, where `finite` is said,
    /// when one is not finite).
    std::vector<double> finite_doubles() const;
    std::vector<std::int64_t> integers() const;
    std::vector<bool> truths() const;
    std::vector<std::string> texts() const;  ///< in UTF-8

  private:
    [[noreturn]] void fail(const std::string& what) const;
    template <class T>
    std::vector<T> elements(char kind) const;

    std::string name_;
    std::span<const char> data_;
    std::vector<std::size_t> shape_;
    std::size_t size_ = 1;
    char kind_ = '\0';      ///< f, i, b or U, as NumPy says it
    std::size_t item_ = 0;  ///< bytes of an element
};

/// The bytes of such an array, as NumPy writes them. A shape of nothing is that of a single number.
std::string npy_bytes(std::span<const double> values, const std::vector<std::size_t>& shape);
std::string npy_bytes(std::span<const std::int64_t> values, const std::vector<std::size_t>& shape);
std::string npy_bytes(const std::vector<bool>& values);
/// Of texts in UTF-8. Throws std::invalid_argument for what is not, and for a zero in a text.
std::string npy_bytes(std::span<const std::string> texts, const std::vector<std::size_t>& shape);

}  // namespace closedform
