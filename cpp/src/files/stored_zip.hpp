#pragma once
// A zip archive whose members are stored, not compressed: what numpy's savez writes. Layout: PKWARE
// APPNOTE 6.3, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (its end).

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

}  // namespace closedform
