#pragma once
// Numbers that begin at a cache line: a vector register's worth of them never lies on two.

#include <cstddef>
#include <new>
#include <vector>

namespace closedform {

template <class T>
struct CacheLineAllocator {
    using value_type = T;
    static constexpr std::align_val_t line{64};

    CacheLineAllocator() = default;
    template <class U>
    CacheLineAllocator(const CacheLineAllocator<U>& /*other*/) {}  // NOLINT: as std::allocator

    T* allocate(std::size_t count) {
        return static_cast<T*>(::operator new(count * sizeof(T), line));
    }
    void deallocate(T* at, std::size_t /*count*/) { ::operator delete(at, line); }
    bool operator==(const CacheLineAllocator& /*other*/) const { return true; }
};

using AlignedDoubles = std::vector<double, CacheLineAllocator<double>>;

}  // namespace closedform
