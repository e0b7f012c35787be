// Compiled once per instruction set; CLOSEDFORM_SET names the copy. No standard templates here.

#include "kernels/simd/tape.hpp"

#include "kernels/operator_dispatch.hpp"
#include "kernels/simd/lanes.hpp"
#include "kernels/tensor_row.hpp"

// An operator may write where its operand is (the reused slots of forward): each row depends on
// itself alone, which the compiler cannot know and would guard with a scalar copy of the loop.
#if defined(__clang__)
#define CLOSEDFORM_ROWS_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define CLOSEDFORM_ROWS_INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace closedform::CLOSEDFORM_SET {
namespace {

constexpr std::size_t rows = block_rows;
namespace k = closedform::kernels;
static_assert(lanes % pack_width == 0);

bool far(const double* a) {
    k::Bits any = 0;  // as wide as what is compared: a bool would not become vector code
    for (std::size_t i = 0; i < rows; ++i) {
        any |= k::Bits{__builtin_fabs(a[i]) > CLOSEDFORM_SINCOS_LIMIT};
    }
    return any != 0;
}

template <class F>
void value(const Node* node, const double* a, const double* b, double* out) {
    if constexpr (F::arity == 1) {
        CLOSEDFORM_ROWS_INDEPENDENT
        for (std::size_t i = 0; i < rows; ++i) {
            out[i] = F::value(a[i]);
        }
    } else if (const Node& right = node[-1]; right.op == Op::constant) {
        const double c = right.value;
        CLOSEDFORM_ROWS_INDEPENDENT
        for (std::size_t i = 0; i < rows; ++i) {
            out[i] = F::value(a[i], c);
        }
    } else if (const Node& left = node[-1 - right.size]; left.op == Op::constant) {
        const double c = left.value;
        CLOSEDFORM_ROWS_INDEPENDENT
        for (std::size_t i = 0; i < rows; ++i) {
            out[i] = F::value(c, b[i]);
        }
    } else {
        CLOSEDFORM_ROWS_INDEPENDENT
        for (std::size_t i = 0; i < rows; ++i) {
            out[i] = F::value(a[i], b[i]);
        }
    }
}

/// Where the left operand of the operator at `root` ends; the only operand of a unary one.
std::size_t first_operand(const Node* tape, std::size_t root) {
    return k::is_binary(tape[root].op) ? root - 1 - tape[root - 1].size : root - 1;
}

/// `a`, the first operand, decides how sin, cos and tan reduce their argument.
template <class Visit>
void with_operator(Op op, const double* a, const Visit& visit) {
    k::with_operator(op, [a] { return far(a); }, visit);
}

void forward(const Node* tape, std::size_t nodes, const double* const* columns, double* scratch,
             const double** at, bool keep) {
    std::size_t depth = 0;  // live values, each in its own slot: the reused layout is a stack
    for (std::size_t i = 0; i < nodes; ++i) {
        const Node& node = tape[i];
        if (node.op == Op::variable) {
            at[i] = columns[node.variable];
            ++depth;
            continue;
        }
        const bool leaf = node.size == 1;
        depth -= leaf ? 0U : (k::is_binary(node.op) ? 2U : 1U);
        double* out = scratch + (keep ? i : depth) * rows;
        at[i] = out;
        ++depth;
        if (leaf) {
            for (std::size_t r = 0; r < rows; ++r) {
                out[r] = node.value;
            }
            continue;
        }
        const double* a = at[first_operand(tape, i)];
        const double* b = at[i - 1];
        with_operator(node.op, a, [&](auto f) { value<decltype(f)>(&node, a, b, out); });
    }
}

template <class F>
void unary_slope(const double* a, const double* v, const double* g, double* out) {
    CLOSEDFORM_ROWS_INDEPENDENT
    for (std::size_t i = 0; i < rows; ++i) {
        out[i] = g[i] * F::slope(a[i], v[i]);
    }
}

template <class F>
void binary_slopes(const double* a, const double* b, const double* v, const double* g, double* left,
                   double* right) {
    if (left != nullptr) {
        CLOSEDFORM_ROWS_INDEPENDENT
        for (std::size_t i = 0; i < rows; ++i) {
            left[i] = g[i] * F::left(a[i], b[i], v[i]);
        }
    }
    if (right != nullptr) {
        CLOSEDFORM_ROWS_INDEPENDENT
        for (std::size_t i = 0; i < rows; ++i) {
            right[i] = g[i] * F::right(a[i], b[i], v[i]);
        }
    }
}

void reverse(const Node* tape, std::size_t nodes, const double* const* at, const bool* active,
             double* adjoint) {
    for (std::size_t i = nodes; i-- > 0;) {
        const Node& node = tape[i];
        if (!active[i] || node.size == 1) {
            continue;
        }
        const double* g = adjoint + i * rows;
        const double* v = at[i];
        const std::size_t l = first_operand(tape, i);
        double* left = active[l] ? adjoint + l * rows : nullptr;
        double* right = active[i - 1] ? adjoint + (i - 1) * rows : nullptr;
        const double* a = at[l];
        const double* b = at[i - 1];
        if (left == nullptr && right == nullptr) {
            continue;
        }
        with_operator(node.op, a, [&](auto f) {
            using F = decltype(f);
            if constexpr (F::arity == 1) {
                unary_slope<F>(a, v, g, left);
            } else {
                binary_slopes<F>(a, b, v, g, left, right);
            }
        });
    }
}

/// out = p * (partial derivative by the left operand) + q * (by the right one)
template <class F>
void binary_tangent(const double* a, const double* b, const double* v, const double* p,
                    const double* q, double* out) {
    CLOSEDFORM_ROWS_INDEPENDENT
    for (std::size_t i = 0; i < rows; ++i) {
        // A tangent of zero beside an infinite slope is zero: the operand does not move.
        const double left = p[i] == 0.0 ? 0.0 : p[i] * F::left(a[i], b[i], v[i]);
        const double right = q[i] == 0.0 ? 0.0 : q[i] * F::right(a[i], b[i], v[i]);
        out[i] = left + right;
    }
}

constexpr double zeros[rows] = {};

void forward_tangent(const Node* tape, std::size_t nodes, const double* const* at,
                     const bool* varies, double* tangent) {
    for (std::size_t i = 0; i < nodes; ++i) {
        const Node& node = tape[i];
        if (!varies[i] || node.size == 1) {
            continue;
        }
        double* out = tangent + i * rows;
        const std::size_t l = first_operand(tape, i);
        const double* a = at[l];
        const double* b = at[i - 1];
        const double* p = varies[l] ? tangent + l * rows : zeros;
        const double* q = varies[i - 1] ? tangent + (i - 1) * rows : zeros;
        with_operator(node.op, a, [&](auto f) {
            using F = decltype(f);
            if constexpr (F::arity == 1) {
                unary_slope<F>(a, at[i], p, out);
            } else {
                binary_tangent<F>(a, b, at[i], p, q, out);
            }
        });
    }
}

template <class F>
void unary_curve(const double* a, const double* v, const double* g, const double* h,
                 const double* p, double* out) {
    CLOSEDFORM_ROWS_INDEPENDENT
    for (std::size_t i = 0; i < rows; ++i) {
        const double curvature = p[i] == 0.0 ? 0.0 : g[i] * F::curve(a[i], v[i]) * p[i];
        out[i] = h[i] * F::slope(a[i], v[i]) + curvature;
    }
}

template <class F>
void binary_curves(const double* a, const double* b, const double* v, const double* g,
                   const double* h, const double* p, const double* q, double* left, double* right) {
    if (left != nullptr) {
        CLOSEDFORM_ROWS_INDEPENDENT
        for (std::size_t i = 0; i < rows; ++i) {
            left[i] = h[i] * F::left(a[i], b[i], v[i]) +
                      g[i] * F::left_tangent(a[i], b[i], v[i], p[i], q[i]);
        }
    }
    if (right != nullptr) {
        CLOSEDFORM_ROWS_INDEPENDENT
        for (std::size_t i = 0; i < rows; ++i) {
            right[i] = h[i] * F::right(a[i], b[i], v[i]) +
                       g[i] * F::right_tangent(a[i], b[i], v[i], p[i], q[i]);
        }
    }
}

void reverse_tangent(const Node* tape, std::size_t nodes, const double* const* at,
                     const bool* active, const double* adjoint, const bool* varies,
                     const double* tangent, bool* live, double* adjoint_tangent) {
    live[nodes - 1] = false;  // the root's adjoint is one, whatever the constants
    for (std::size_t i = nodes; i-- > 0;) {
        const Node& node = tape[i];
        if (!active[i] || node.size == 1) {
            continue;
        }
        const double* g = adjoint + i * rows;
        const double* h = live[i] ? adjoint_tangent + i * rows : zeros;
        const std::size_t r = i - 1;
        const std::size_t l = first_operand(tape, i);
        const bool linear = node.op == Op::add || node.op == Op::sub;
        const bool reached = live[i] || (!linear && (varies[l] || varies[r]));
        live[l] = reached;
        live[r] = reached;
        double* left = active[l] ? adjoint_tangent + l * rows : nullptr;
        double* right = active[r] ? adjoint_tangent + r * rows : nullptr;
        if (!reached || (left == nullptr && right == nullptr)) {
            continue;
        }
        const double* p = varies[l] ? tangent + l * rows : zeros;
        const double* q = varies[r] ? tangent + r * rows : zeros;
        with_operator(node.op, at[l], [&](auto f) {
            using F = decltype(f);
            if constexpr (F::arity == 1) {
                unary_curve<F>(at[l], at[i], g, h, p, left);
            } else {
                binary_curves<F>(at[l], at[r], at[i], g, h, p, q, left, right);
            }
        });
    }
}

/// Adds column . others[c] to sums[c]. Several at once: one sum alone would wait for its own last
/// addition at every step, and read the column again.
template <std::size_t Count>
void add_dots(const double* column, const double* const* others, double* sums) {
    constexpr std::size_t packs = lanes / pack_width;
    Pack sum[Count][packs] = {};
    for (std::size_t i = 0; i < rows; i += lanes) {
        for (std::size_t part = 0; part < packs; ++part) {
            const Pack own = k::load_lanes<Pack>(column + i + part * pack_width);
            for (std::size_t c = 0; c < Count; ++c) {
                sum[c][part] += own * k::load_lanes<Pack>(others[c] + i + part * pack_width);
            }
        }
    }
    for (std::size_t c = 0; c < Count; ++c) {
        double lane[lanes];
        for (std::size_t part = 0; part < packs; ++part) {
            k::store_lanes(lane + part * pack_width, sum[c][part]);
        }
        sums[c] += total(lane);
    }
}

double square_error(const double* f, const double* y, const double* scale) {
    double lane[lanes] = {};
    for (std::size_t i = 0; i < rows; i += lanes) {
        for (std::size_t j = 0; j < lanes; ++j) {
            lane[j] += k::square_error(f[i + j], y[i + j], scale[i + j]);
        }
    }
    return total(lane);
}

double normal_equations(const double* f, const double* y, const double* scale,
                        double* const* jacobian, std::size_t count, double* gram,
                        double* gradient) {
    double residual[rows];
    CLOSEDFORM_ROWS_INDEPENDENT
    for (std::size_t i = 0; i < rows; ++i) {
        residual[i] = scale[i] * (f[i] - y[i]);
    }
    const double* const right = residual;
    for (std::size_t p = 0; p < count; ++p) {
        double* column = jacobian[p];
        CLOSEDFORM_ROWS_INDEPENDENT
        for (std::size_t i = 0; i < rows; ++i) {
            column[i] *= scale[i];
        }
        add_dots<1>(column, &right, gradient + p);
        std::size_t q = 0;
        for (; q + 4 <= p + 1; q += 4) {
            add_dots<4>(column, jacobian + q, gram + q);
        }
        for (; q <= p; ++q) {
            add_dots<1>(column, jacobian + q, gram + q);
        }
        gram += p + 1;
    }
    double loss = 0.0;
    add_dots<1>(residual, &right, &loss);
    return loss;
}

}  // namespace

const TapeKernels* tape_kernels() {
    static constexpr TapeKernels table = {forward,         reverse,      forward_tangent,
                                          reverse_tangent, square_error, normal_equations};
    return &table;
}

}  // namespace closedform::CLOSEDFORM_SET
