#pragma once
// What the readers of saved files share: their error, and a file's bytes.

#include <filesystem>
#include <stdexcept>
#include <string>

namespace closedform {

/// A file that is not what it should be. The message is one line.
class FileError : public std::runtime_error {
  public:
    enum class Kind {
        unreadable,  ///< no such file, or the system does not let us read it
        malformed,   ///< cut off, damaged, or something else altogether
        newer,       ///< written by a later closedform
    };
    FileError(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
    Kind kind() const { return kind_; }

  private:
    Kind kind_;
};

/// The bytes of a regular file. Throws FileError (unreadable).
std::string read_file(const std::filesystem::path& path);

}  // namespace closedform
