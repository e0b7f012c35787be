#pragma once
// Arithmetic that the CPU and a GPU share is written once, for one row, and marked with this.

#if defined(__CUDACC__)
#define CLOSEDFORM_HOST_DEVICE __host__ __device__ inline
#else
#define CLOSEDFORM_HOST_DEVICE inline
#endif
