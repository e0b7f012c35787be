#include "core/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace closedform {

unsigned resolve_threads(unsigned requested) {
    return requested != 0 ? requested : std::max(1U, std::thread::hardware_concurrency());
}

void parallel_for(std::size_t pieces, unsigned threads,
                  const std::function<void(std::size_t, unsigned)>& work) {
    const auto workers = static_cast<unsigned>(
        std::min<std::size_t>(resolve_threads(threads), std::max<std::size_t>(pieces, 1)));
    std::atomic<std::size_t> next{0};
    std::exception_ptr failure;
    std::mutex failure_guard;
    const auto run = [&](unsigned worker) {
        try {
            for (std::size_t piece = next++; piece < pieces; piece = next++) {
                work(piece, worker);
            }
        } catch (...) {
            next = pieces;  // the others stop at their next piece
            const std::scoped_lock lock(failure_guard);
            if (!failure) {
                failure = std::current_exception();
            }
        }
    };
    std::vector<std::thread> others;
    others.reserve(workers - 1);
    for (unsigned worker = 1; worker < workers; ++worker) {
        try {
            others.emplace_back(run, worker);
        } catch (const std::system_error&) {
            break;  // the system has no thread left: those that started do all pieces
        }
    }
    run(0);
    for (auto& other : others) {
        other.join();
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
}

}  // namespace closedform
