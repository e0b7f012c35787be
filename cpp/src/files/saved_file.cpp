#include "closedform/files/saved_file.hpp"

#include <fstream>
#include <system_error>

namespace closedform {

std::string read_file(const std::filesystem::path& path) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);  // an error for what has no size
    if (error) {
        throw FileError(FileError::Kind::unreadable, "cannot be read: " + error.message());
    }
    std::ifstream file(path, std::ios::binary);
    std::string bytes(static_cast<std::size_t>(size), '\0');
    if (!file.read(bytes.data(), static_cast<std::streamsize>(size))) {
        throw FileError(FileError::Kind::unreadable, "cannot be read to its end");
    }
    return bytes;
}

}  // namespace closedform
