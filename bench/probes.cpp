// What this machine can do at best: memory bandwidth, and arithmetic on registers and in the
// first-level cache. Compiled by machine.py; every function is built for several instruction sets
// and the widest one is called.

#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))

extern "C" {

/// a = b + 3 c over arrays larger than any cache: 24 bytes an element.
CLONES void triad(double* __restrict a, const double* __restrict b, const double* __restrict c,
                  long n) {
    for (long i = 0; i < n; ++i) {
        a[i] = b[i] + 3.0 * c[i];
    }
}

/// `times` passes of c = a + b over one block of rows, as an expression's node is evaluated.
CLONES void add_in_cache(double* __restrict c, const double* __restrict a,
                         const double* __restrict b, long rows, long times) {
    for (long k = 0; k < times; ++k) {
        for (long i = 0; i < rows; ++i) {
            c[i] = a[i] + b[i];
        }
        __asm__ volatile("" ::: "memory");
    }
}

/// 128 independent chains of `steps` multiplications and additions, kept in registers.
CLONES double multiply_add(long steps) {
    constexpr int chains = 128;
    double x[chains];
    for (int i = 0; i < chains; ++i) {
        x[i] = i;
    }
    for (long k = 0; k < steps; ++k) {
        for (int i = 0; i < chains; ++i) {
            x[i] = x[i] * 0.999999 + 1e-6;
        }
    }
    double sum = 0;
    for (int i = 0; i < chains; ++i) {
        sum += x[i];
    }
    return sum;
}
}
