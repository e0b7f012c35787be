#pragma once
// How sums over rows in this machine's memory are taken (closedform/core/row_sums.hpp): a part of
// the rows after another, each by one thread, folded in the order of the parts. So a sum does not
// depend on the number of threads, and what is kept of the parts does not grow with the rows.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "closedform/core/stop.hpp"
#include "core/parallel.hpp"

namespace closedform {

/// Sums of so many parts are kept at once.
inline constexpr std::size_t parts_at_once = 64;

/// take(part, worker) is what a part has, from any of `threads` workers (0: all cores); add(part,
/// that) is called in the order of the parts, from the caller's thread. False where the token
/// stopped it first: then some parts are left out.
template <class Take, class Add>
bool fold_parts(std::size_t parts, unsigned threads, const StopToken& stop, const Take& take,
                const Add& add) {
    using Sum = decltype(take(std::size_t{}, 0U));
    std::vector<std::unique_ptr<Sum>> found(std::min(parts, parts_at_once));
    for (std::size_t first = 0; first < parts; first += parts_at_once) {
        if (stop.stopped()) {
            return false;
        }
        const std::size_t count = std::min(parts_at_once, parts - first);
        parallel_for(count, threads, [&](std::size_t part, unsigned worker) {
            found[part] = std::make_unique<Sum>(take(first + part, worker));
        });
        for (std::size_t part = 0; part < count; ++part) {
            add(first + part, std::move(*found[part]));
            found[part].reset();
        }
    }
    return true;
}

}  // namespace closedform
