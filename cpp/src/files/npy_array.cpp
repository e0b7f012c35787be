#include "files/npy_array.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "closedform/files/saved_file.hpp"

namespace closedform {
namespace {

static_assert(std::endian::native == std::endian::little, "saved files are as numbers lie here");

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

/// The code points of UTF-8: those that `append` gives the same text of, so that what is too long
/// or no code point is found out by the way back.
std::vector<std::uint32_t> code_points(const std::string& text) {
    std::vector<std::uint32_t> points;
    std::string back;
    for (std::size_t at = 0; at < text.size();) {
        const auto lead = static_cast<unsigned char>(text[at]);
        const std::size_t following = lead < 0xC0 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
        std::uint32_t point = following == 0 ? lead : lead & (0x3FU >> following);
        for (std::size_t i = 1; i <= following && at + i < text.size(); ++i) {
            point = point << 6U | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
        }
        if (point == 0 || !append(back, point)) {
            break;
        }
        points.push_back(point);
        at += following + 1;
    }
    if (back != text) {
        throw std::invalid_argument("a text is not UTF-8, or has a zero in it");
    }
    return points;
}

constexpr std::string_view magic("\x93NUMPY\x01\x00", 8);
constexpr std::size_t before_text = 10;

/// All that comes before the elements, filled up so that these lie at a multiple of 64.
std::string npy_header(const std::string& descr, const std::vector<std::size_t>& shape) {
    std::string text = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (";
    for (std::size_t i = 0; i < shape.size(); ++i) {
        text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
    }
    text += shape.size() == 1 ? ",), }" : "), }";
    const std::size_t bare = before_text + text.size() + 1;
    text.append((64 - bare % 64) % 64, ' ');
    text += '\n';
    std::string bytes(magic);
    bytes += static_cast<char>(text.size() % 256);
    bytes += static_cast<char>(text.size() / 256);
    return bytes + text;
}

template <class T>
void append_raw(std::string& bytes, std::span<const T> values) {
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

}  // namespace

std::string npy_bytes(std::span<const double> values, const std::vector<std::size_t>& shape) {
    std::string bytes = npy_header("<f8", shape);
    append_raw(bytes, values);
    return bytes;
}

std::string npy_bytes(std::span<const std::int64_t> values, const std::vector<std::size_t>& shape) {
    std::string bytes = npy_header("<i8", shape);
    append_raw(bytes, values);
    return bytes;
}

std::string npy_bytes(const std::vector<bool>& values) {
    std::string bytes = npy_header("|b1", {values.size()});
    for (const bool value : values) {
        bytes += value ? '\1' : '\0';
    }
    return bytes;
}

std::string npy_bytes(std::span<const std::string> texts, const std::vector<std::size_t>& shape) {
    std::size_t longest = 1;
    std::vector<std::vector<std::uint32_t>> all;
    for (const std::string& text : texts) {
        all.push_back(code_points(text));
        longest = std::max(longest, all.back().size());
    }
    std::string bytes = npy_header("<U" + std::to_string(longest), shape);
    for (auto& points : all) {
        points.resize(longest, 0);
        append_raw(bytes, std::span<const std::uint32_t>(points));
    }
    return bytes;
}

void NpyArray::fail(const std::string& what) const {
    throw FileError(FileError::Kind::malformed, "has a damaged " + name_ + ": " + what);
}

NpyArray::NpyArray(std::string name, std::span<const char> bytes) : name_(std::move(name)) {
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
