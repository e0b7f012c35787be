#include "files/stored_zip.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "closedform/files/saved_file.hpp"

namespace closedform {
namespace {

[[noreturn]] void fail(const std::string& what) {
    throw FileError(FileError::Kind::malformed, what);
}

/// A little-endian number of `count` bytes at `at`, which the caller knows to be inside.
std::uint32_t number(std::span<const char> bytes, std::size_t at, std::size_t count) {
    std::uint32_t value = 0;
    for (std::size_t i = count; i-- > 0;) {
        value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
    }
    return value;
}

void put(std::string& to, std::size_t value, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        to += static_cast<char>(value & 0xFFU);
        value >>= 8U;
    }
}

constexpr std::uint32_t end_mark = 0x06054B50U;
constexpr std::uint32_t central_mark = 0x02014B50U;
constexpr std::uint32_t local_mark = 0x04034B50U;

/// CRC-32 of ISO 3309, reflected polynomial 0xEDB88320.
std::uint32_t checksum(std::span<const char> bytes) {
    static constexpr auto table = [] {
        std::array<std::uint32_t, 256> entries{};
        for (std::uint32_t i = 0; i < 256; ++i) {
            std::uint32_t c = i;
            for (int bit = 0; bit < 8; ++bit) {
                c = c >> 1U ^ ((c & 1U) != 0 ? 0xEDB88320U : 0U);
            }
            entries[i] = c;
        }
        return entries;
    }();
    std::uint32_t c = 0xFFFFFFFFU;
    for (const char byte : bytes) {
        c = table[(c ^ static_cast<unsigned char>(byte)) & 0xFFU] ^ c >> 8U;
    }
    return ~c;
}

constexpr std::size_t end_size = 22;
constexpr std::size_t central_size = 46;
constexpr std::size_t local_size = 30;

/// Where the end record lies: the last one whose comment reaches exactly to the end of the file.
std::size_t find_end(std::span<const char> bytes) {
    if (bytes.size() < end_size) {
        fail("is no zip archive, or is cut off");
    }
    const std::size_t last = bytes.size() - end_size;
    const std::size_t first = last - std::min<std::size_t>(last, 0xFFFF);
    for (std::size_t at = last + 1; at-- > first;) {
        if (number(bytes, at, 4) == end_mark && number(bytes, at + 20, 2) == last - at) {
            return at;
        }
    }
    fail("is no zip archive, or is cut off");
}

}  // namespace

StoredZip::StoredZip(std::span<const char> bytes) {
    const std::size_t end = find_end(bytes);
    const std::size_t count = number(bytes, end + 10, 2);
    const std::size_t directory = number(bytes, end + 16, 4);
    if (number(bytes, end + 4, 4) != 0 || number(bytes, end + 8, 2) != count) {
        fail("is a zip archive in several parts");
    }
    if (directory > end || number(bytes, end + 12, 4) != end - directory) {
        fail("has a zip directory that is not where its end says");
    }
    std::vector<std::pair<std::size_t, std::size_t>> places;  // of header and data, [first, last)
    std::size_t at = directory;
    for (std::size_t i = 0; i < count; ++i) {
        if (end - at < central_size || number(bytes, at, 4) != central_mark) {
            fail("has a damaged zip directory");
        }
        const std::size_t name_size = number(bytes, at + 28, 2);
        const std::size_t entry_size =
            central_size + name_size + number(bytes, at + 30, 2) + number(bytes, at + 32, 2);
        if (end - at < entry_size) {
            fail("has a damaged zip directory");
        }
        const std::string name(bytes.data() + at + central_size, name_size);
        const std::size_t size = number(bytes, at + 24, 4);
        const std::size_t header = number(bytes, at + 42, 4);
        if ((number(bytes, at + 8, 2) & 1U) != 0 || number(bytes, at + 10, 2) != 0 ||
            number(bytes, at + 20, 4) != size) {
            fail("has a compressed or encrypted member; saved files have none");
        }
        if (header > directory || directory - header < local_size ||
            number(bytes, header, 4) != local_mark) {
            fail("has a damaged zip member");
        }
        const std::size_t start =
            header + local_size + number(bytes, header + 26, 2) + number(bytes, header + 28, 2);
        if (start > directory || directory - start < size) {
            fail("has a zip member larger than the file");
        }
        const auto data = bytes.subspan(start, size);
        places.emplace_back(header, start + size);
        if (!members_.emplace(name, data).second) {
            fail("has two zip members of one name");
        }
        at += entry_size;
    }
    std::sort(places.begin(), places.end());
    for (std::size_t i = 1; i < places.size(); ++i) {
        if (places[i].first < places[i - 1].second) {
            fail("has zip members that overlap");
        }
    }
#ifndef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION  // a fuzzer would not get past checksums
    // Last, when no byte can be read twice.
    at = directory;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t name_size = number(bytes, at + 28, 2);
        const std::string_view name(bytes.data() + at + central_size, name_size);
        if (checksum(member(name)) != number(bytes, at + 16, 4)) {
            fail("is damaged: a checksum does not fit");
        }
        at += central_size + name_size + number(bytes, at + 30, 2) + number(bytes, at + 32, 2);
    }
#endif
}

std::span<const char> StoredZip::member(std::string_view name) const {
    const auto found = members_.find(name);
    if (found == members_.end()) {
        fail("has no " + std::string(name));
    }
    return found->second;
}

void ZipWriter::add(const std::string& name, std::string_view bytes) {
    constexpr std::size_t version_needed = 20;
    constexpr std::size_t first_of_1980 = 0x21;  // no time of writing: equal content, equal bytes
    const std::size_t most = std::numeric_limits<std::uint32_t>::max();
    const std::size_t added = local_size + central_size + 2 * name.size() + bytes.size() + end_size;
    if (name.size() > 0xFFFF || count_ == 0xFFFF ||
        file_.size() + directory_.size() + added > most) {
        throw std::length_error("a zip archive of more than 4 GiB or 65535 members");
    }
    std::string common;  // what both headers say
    put(common, version_needed, 2);
    put(common, 0, 4);  // no flags; stored
    put(common, 0, 2);
    put(common, first_of_1980, 2);
    put(common, checksum(bytes), 4);
    put(common, bytes.size(), 4);
    put(common, bytes.size(), 4);
    put(common, name.size(), 2);
    put(common, 0, 2);  // no extra field
    put(directory_, central_mark, 4);
    put(directory_, version_needed, 2);
    directory_ += common;
    put(directory_, 0, 10);  // no comment, first disk, no attributes
    put(directory_, file_.size(), 4);
    directory_ += name;
    put(file_, local_mark, 4);
    file_ += common;
    file_ += name;
    file_ += bytes;
    ++count_;
}

std::string ZipWriter::finish() {
    const std::size_t directory = file_.size();
    file_ += directory_;
    put(file_, end_mark, 4);
    put(file_, 0, 4);  // one disk
    put(file_, count_, 2);
    put(file_, count_, 2);
    put(file_, directory_.size(), 4);
    put(file_, directory, 4);
    put(file_, 0, 2);  // no comment
    return std::move(file_);
}

}  // namespace closedform
