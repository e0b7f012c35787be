#include "closedform/files/saved_file.hpp"

#include <cerrno>
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

void write_file(const std::filesystem::path& path, std::span<const char> bytes) {
    std::filesystem::path part = path;
    part += ".part";
    std::error_code error;
    errno = 0;
    std::ofstream file(part, std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (file) {
        std::filesystem::rename(part, path, error);
    } else {  // streams say that something failed, the system what
        error.assign(errno != 0 ? errno : EIO, std::generic_category());
    }
    if (error) {
        std::error_code ignored;
        std::filesystem::remove(part, ignored);
        throw FileError(FileError::Kind::unwritable,
                        path.string() + ": cannot be written: " + error.message());
    }
}

}  // namespace closedform
