#pragma once
// Arithmetic that the CPU and a GPU share is written once, for one row, and marked with this. On
// the CPU it must be inlined into the copy of the kernel it is used in: the same header is compiled
// for several instruction sets, and an inline function left in one of them could be the copy the
// linker keeps for all.

#if defined(__CUDACC__)
#define CLOSEDFORM_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define CLOSEDFORM_HOST_DEVICE inline __attribute__((always_inline))
#endif
