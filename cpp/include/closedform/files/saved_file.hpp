#pragma once
// What the readers and writers of saved files share: their error, and a file's bytes.

#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>

namespace closedform {

/// A file that is not what it should be, or cannot be written. The message is one line.
class FileError : public std::runtime_error {
  public:
    enum class Kind {
        unreadable,  ///< no such file, or the system does not let us read it
        malformed,   ///< cut off, damaged, or something else altogether
        newer,       ///< written by a later closedform
        unwritable,  ///< the system does not let us write it; the message names the path
    };
    FileError(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
    Kind kind() const { return kind_; }

  private:
    Kind kind_;
};

/// The bytes of a regular file. Throws FileError (unreadable).
std::string read_file(const std::filesystem::path& path);

/// Writes the bytes beside `path` and moves them into place: whatever ends it early leaves the old
/// file or the new one. Throws FileError (unwritable).
void write_file(const std::filesystem::path& path, std::span<const char> bytes);

}  // namespace closedform
