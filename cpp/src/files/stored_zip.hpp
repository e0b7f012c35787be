#pragma once
// A zip archive whose members are stored, not compressed: what numpy's savez writes. Layout: PKWARE
// APPNOTE 6.3, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (its end).

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace closedform {

class StoredZip {
  public:
    /// Views `bytes`, which must outlive it. Every member's place and checksum is checked: throws
    /// FileError for an archive that is cut off or damaged, has compressed or encrypted members,
    /// members that overlap, or two of one name.
    explicit StoredZip(std::span<const char> bytes);

    bool has(std::string_view name) const { return members_.find(name) != members_.end(); }
    /// The member's bytes. Throws FileError when there is none of that name.
    std::span<const char> member(std::string_view name) const;

  private:
    std::map<std::string, std::span<const char>, std::less<>> members_;
};

/// The bytes of such an archive, made of members one after another.
class ZipWriter {
  public:
    /// Throws std::length_error where the archive would need sizes beyond 32 bits.
    void add(const std::string& name, std::string_view bytes);
    /// The whole; nothing can be added after it.
    std::string finish();

  private:
    std::string file_;
    std::string directory_;
    std::size_t count_ = 0;
};

}  // namespace closedform
