#include "files/npy_array.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>
#include <utility>

#include "closedform/files/saved_file.hpp"

namespace closedform {
namespace {

static_assert(std::endian::native == std::endian::little, "saved files are read as they lie");

/// Reads the header's text from the left.
class Header {
  public:
    explicit Header(std::string_view text) : text_(text) {}

    bool take(std::string_view token) {
        const bool here = text_.substr(0, token.size()) == token;
        text_.remove_prefix(here ? token.size() : 0);
        return here;
    }
    bool take_number(std::size_t& value) {
        const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
        if (error != std::errc{}) {
            return false;
        }
        text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
        return true;
    }
    bool only_padding() const { return text_.find_first_not_of(" \n") == std::string_view::npos; }

  private:
    std::string_view text_;
};

/// Appends a code point in UTF-8; false for what is none.
bool append(std::string& text, std::uint32_t point) {
    if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) {
        return false;
    }
    if (point < 0x80) {
        text += static_cast<char>(point);
        return true;
    }
    const std::size_t following = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    const std::uint32_t mark = following == 1 ? 0xC0 : following == 2 ? 0xE0 : 0xF0;
    text += static_cast<char>(mark | point >> 6 * following);
    for (std::size_t i = following; i-- > 0;) {
        text += static_cast<char>(0x80U | (point >> 6 * i & 0x3FU));
    }
    return true;
}

}  // namespace

void NpyArray::fail(const std::string& what) const {
    throw FileError(FileError::Kind::malformed, "has a damaged " + name_ + ": " + what);
}

NpyArray::NpyArray(std::string name, std::span<const char> bytes) : name_(std::move(name)) {
    constexpr std::string_view magic("\x93NUMPY\x01\x00", 8);
    constexpr std::size_t before_text = 10;
    if (bytes.size() < before_text || std::string_view(bytes.data(), 8) != magic) {
        fail("not an .npy array of version 1.0");
    }
    const auto low = static_cast<unsigned char>(bytes[8]);
    const auto high = static_cast<unsigned char>(bytes[9]);
    const std::size_t text_size = low + std::size_t{256} * high;
    if (bytes.size() - before_text < text_size) {
        fail("cut off");
    }
    Header header({bytes.data() + before_text, text_size});
    data_ = bytes.subspan(before_text + text_size);

    if (header.take("{'descr': '<f8'")) {
        kind_ = 'f';
        item_ = 8;
    } else if (header.take("{'descr': '<i8'")) {
        kind_ = 'i';
        item_ = 8;
    } else if (header.take("{'descr': '|b1'")) {
        kind_ = 'b';
        item_ = 1;
    } else if (header.take("{'descr': '<U") && header.take_number(item_) && header.take("'") &&
               item_ <= data_.size()) {
        kind_ = 'U';
        item_ *= 4;  // NumPy's texts hold four bytes a code point
    } else {
        fail("its elements are not numbers or text");
    }
    if (!header.take(", 'fortran_order': False, 'shape': (")) {
        fail("its rows do not come first");
    }
    for (std::size_t extent = 0; header.take_number(extent);) {
        // Bounded by what there is, so products cannot overflow.
        if (extent == 0 || extent > data_.size() / size_) {
            fail("its shape does not fit its size");
        }
        shape_.push_back(extent);
        size_ *= extent;
        if (!header.take(", ")) {
            header.take(",");
            break;
        }
    }
    if (!header.take("), }") || !header.only_padding()) {
        fail("its header cannot be read");
    }
    if (item_ == 0 || data_.size() / item_ != size_ || data_.size() % item_ != 0) {
        fail("its shape does not fit its size");
    }
}

template <class T>
std::vector<T> NpyArray::elements(char kind) const {
    if (kind_ != kind || item_ != sizeof(T)) {
        fail("its elements are of another type");
    }
    std::vector<T> values(size_);
    std::memcpy(values.data(), data_.data(), data_.size());
    return values;
}

std::vector<double> NpyArray::finite_doubles() const {
    std::vector<double> values = elements<double>('f');
    if (!std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); })) {
        fail("a number is not finite");
    }
    return values;
}

std::vector<std::int64_t> NpyArray::integers() const { return elements<std::int64_t>('i'); }

std::vector<bool> NpyArray::truths() const {
    const std::vector<char> bytes = elements<char>('b');
    std::vector<bool> values(bytes.size());
    std::transform(bytes.begin(), bytes.end(), values.begin(), [](char b) { return b != 0; });
    return values;
}

std::vector<std::string> NpyArray::texts() const {
    if (kind_ != 'U') {
        fail("its elements are of another type");
    }
    std::vector<std::string> values(size_);
    for (std::size_t i = 0; i < size_; ++i) {
        for (std::size_t at = i * item_; at < (i + 1) * item_; at += 4) {
            std::uint32_t point = 0;
            std::memcpy(&point, data_.data() + at, 4);
            if (point == 0) {  // shorter texts are filled up with zeros
                break;
            }
            if (!append(values[i], point)) {
                fail("its text is not Unicode");
            }
        }
    }
    return values;
}

}  // namespace closedform
