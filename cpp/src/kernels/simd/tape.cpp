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

constexpr std::size_t stride = block_rows;  // from a node's numbers to the next one's
namespace k = closedform::kernels;
static_assert(lanes % pack_width == 0 && row_group % lanes == 0);

bool far(const double* a, std::size_t rows) {
    k::Bits any = 0;  // as wide as what is compared: a bool would not become vector code
    for (std::size_t i = 0; i < rows; ++i) {
        any |= k::Bits{__builtin_fabs(a[i]) > CLOSEDFORM_SINCOS_LIMIT};
    }
    return any != 0;
}

template <class F>
void value(const Node* node, const double* a, const double* b, double* out, std::size_t rows) {
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

/// The value and, for the same work, the slope.
template <class F>
void value_and_slope(const double* a, double* out, double* slope, std::size_t rows) {
    CLOSEDFORM_ROWS_INDEPENDENT
    for (std::size_t i = 0; i < rows; ++i) {
        const auto [v, s] = F::value_and_slope(a[i]);
        out[i] = v;
        slope[i] = s;
    }
}

/// Where the left operand of the operator at `root` ends; the only operand of a unary one.
std::size_t first_operand(const Node* tape, std::size_t root) {
    return k::is_binary(tape[root].op) ? root - 1 - tape[root - 1].size : root - 1;
}

/// `a`, the first operand, decides how sin, cos and tan reduce their argument.
template <class Visit>
void with_operator(Op op, const double* a, std::size_t rows, const Visit& visit) {
    k::with_operator(op, [a, rows] { return far(a, rows); }, visit);
}

/// One node's values, at `out`; `at` has those of its operands. Where an operator gives them
/// together and `slope` is not null, slopes go there.
void node_values(const Node* tape, std::size_t i, const double* const* at, double* out,
                 double* slope, std::size_t rows) {
    const Node& node = tape[i];
    if (node.size == 1) {
        for (std::size_t r = 0; r < rows; ++r) {
            out[r] = node.value;
        }
        return;
    }
    const double* a = at[first_operand(tape, i)];
    const double* b = at[i - 1];
    with_operator(node.op, a, rows, [&](auto f) {
        using F = decltype(f);
        if constexpr (k::has_value_and_slope<F>) {
            if (slope != nullptr) {
                return value_and_slope<F>(a, out, slope, rows);
            }
        }
        value<F>(&node, a, b, out, rows);
    });
}

void forward(const Node* tape, std::size_t nodes, const double* const* columns, std::size_t rows,
             double* scratch, const double** at) {
    std::size_t depth = 0;  // live values, each in its own slot: the reused layout is a stack
    for (std::size_t i = 0; i < nodes; ++i) {
        const Node& node = tape[i];
        if (node.op == Op::variable) {
            at[i] = columns[node.variable];
            ++depth;
            continue;
        }
        depth -= node.size == 1 ? 0U : (k::is_binary(node.op) ? 2U : 1U);
        double* out = scratch + depth * stride;
        at[i] = out;
        ++depth;
        node_values(tape, i, at, out, nullptr, rows);
    }
}

void forward_kept(const Node* tape, std::size_t nodes, const double* const* columns,
                  std::size_t rows, const bool* moved, double* kept, double* slopes,
                  const double** at) {
    for (std::size_t i = 0; i < nodes; ++i) {
        if (tape[i].op == Op::variable) {
            at[i] = columns[tape[i].variable];
            continue;
        }
        double* out = kept + i * stride;
        at[i] = out;
        if (moved[i]) {
            node_values(tape, i, at, out, slopes + i * stride, rows);
        }
    }
}

/// out = g * slope, which may lie at `s`.
template <class F>
void unary_slope(const double* a, const double* v, [[maybe_unused]] const double* s,
                 const double* g, double* out, std::size_t rows) {
    CLOSEDFORM_ROWS_INDEPENDENT
    for (std::size_t i = 0; i < rows; ++i) {
        if constexpr (k::has_value_and_slope<F>) {
            out[i] = g[i] * s[i];
        } else {
            out[i] = g[i] * F::slope(a[i], v[i]);
        }
    }
}

template <class F>
void binary_slopes(const double* a, const double* b, const double* v, const double* g, double* left,
                   double* right, std::size_t rows) {
    if (left != nullptr && right != nullptr) {
        CLOSEDFORM_ROWS_INDEPENDENT
        for (std::size_t i = 0; i < rows; ++i) {
            left[i] = g[i] * F::left(a[i], b[i], v[i]);
            right[i] = g[i] * F::right(a[i], b[i], v[i]);
        }
    } else if (left != nullptr) {
        CLOSEDFORM_ROWS_INDEPENDENT
        for (std::size_t i = 0; i < rows; ++i) {
            left[i] = g[i] * F::left(a[i], b[i], v[i]);
        }
    } else {
        CLOSEDFORM_ROWS_INDEPENDENT
        for (std::size_t i = 0; i < rows; ++i) {
            right[i] = g[i] * F::right(a[i], b[i], v[i]);
        }
    }
}

void reverse(const Node* tape, std::size_t nodes, const double* const* at, const double* slopes,
             std::size_t rows, const bool* wanted, double* adjoint) {
    for (std::size_t i = nodes; i-- > 0;) {
        const Node& node = tape[i];
        if (node.size == 1) {
            continue;
        }
        const double* g = adjoint + i * stride;
        const double* v = at[i];
        const std::size_t l = first_operand(tape, i);
        double* left = wanted[l] ? adjoint + l * stride : nullptr;
        double* right = wanted[i - 1] ? adjoint + (i - 1) * stride : nullptr;
        const double* a = at[l];
        const double* b = at[i - 1];
        if (left == nullptr && right == nullptr) {
            continue;
        }
        with_operator(node.op, a, rows, [&](auto f) {
            using F = decltype(f);
            if constexpr (F::arity == 1) {
                unary_slope<F>(a, v, slopes + i * stride, g, left, rows);
            } else {
                binary_slopes<F>(a, b, v, g, left, right, rows);
            }
        });
    }
}

/// out = p * (partial derivative by the left operand) + q * (by the right one)
template <class F>
void binary_tangent(const double* a, const double* b, const double* v, const double* p,
                    const double* q, double* out) {
    CLOSEDFORM_ROWS_INDEPENDENT
    for (std::size_t i = 0; i < stride; ++i) {
        // A tangent of zero beside an infinite slope is zero: the operand does not move.
        const double left = p[i] == 0.0 ? 0.0 : p[i] * F::left(a[i], b[i], v[i]);
        const double right = q[i] == 0.0 ? 0.0 : q[i] * F::right(a[i], b[i], v[i]);
        out[i] = left + right;
    }
}

constexpr double zeros[stride] = {};

void forward_tangent(const Node* tape, std::size_t nodes, const double* const* at,
                     const double* slopes, const bool* varies, double* tangent) {
    for (std::size_t i = 0; i < nodes; ++i) {
        const Node& node = tape[i];
        if (!varies[i] || node.size == 1) {
            continue;
        }
        double* out = tangent + i * stride;
        const std::size_t l = first_operand(tape, i);
        const double* a = at[l];
        const double* b = at[i - 1];
        const double* p = varies[l] ? tangent + l * stride : zeros;
        const double* q = varies[i - 1] ? tangent + (i - 1) * stride : zeros;
        with_operator(node.op, a, stride, [&](auto f) {
            using F = decltype(f);
            if constexpr (F::arity == 1) {
                unary_slope<F>(a, at[i], slopes + i * stride, p, out, stride);
            } else {
                binary_tangent<F>(a, b, at[i], p, q, out);
            }
        });
    }
}

template <class F>
void unary_curve(const double* a, const double* v, [[maybe_unused]] const double* s,
                 const double* g, const double* h, const double* p, double* out) {
    CLOSEDFORM_ROWS_INDEPENDENT
    for (std::size_t i = 0; i < stride; ++i) {
        const double curvature = p[i] == 0.0 ? 0.0 : g[i] * F::curve(a[i], v[i]) * p[i];
        if constexpr (k::has_value_and_slope<F>) {
            out[i] = h[i] * s[i] + curvature;
        } else {
            out[i] = h[i] * F::slope(a[i], v[i]) + curvature;
        }
    }
}

template <class F>
void binary_curves(const double* a, const double* b, const double* v, const double* g,
                   const double* h, const double* p, const double* q, double* left, double* right) {
    if (left != nullptr) {
        CLOSEDFORM_ROWS_INDEPENDENT
        for (std::size_t i = 0; i < stride; ++i) {
            left[i] = h[i] * F::left(a[i], b[i], v[i]) +
                      g[i] * F::left_tangent(a[i], b[i], v[i], p[i], q[i]);
        }
    }
    if (right != nullptr) {
        CLOSEDFORM_ROWS_INDEPENDENT
        for (std::size_t i = 0; i < stride; ++i) {
            right[i] = h[i] * F::right(a[i], b[i], v[i]) +
                       g[i] * F::right_tangent(a[i], b[i], v[i], p[i], q[i]);
        }
    }
}

void reverse_tangent(const Node* tape, std::size_t nodes, const double* const* at,
                     const double* slopes, const bool* active, const double* adjoint,
                     const bool* varies, const double* tangent, bool* live,
                     double* adjoint_tangent) {
    live[nodes - 1] = false;  // the root's adjoint is one, whatever the constants
    for (std::size_t i = nodes; i-- > 0;) {
        const Node& node = tape[i];
        if (!active[i] || node.size == 1) {
            continue;
        }
        const double* g = adjoint + i * stride;
        const double* h = live[i] ? adjoint_tangent + i * stride : zeros;
        const std::size_t r = i - 1;
        const std::size_t l = first_operand(tape, i);
        const bool linear = node.op == Op::add || node.op == Op::sub;
        const bool reached = live[i] || (!linear && (varies[l] || varies[r]));
        live[l] = reached;
        live[r] = reached;
        double* left = active[l] ? adjoint_tangent + l * stride : nullptr;
        double* right = active[r] ? adjoint_tangent + r * stride : nullptr;
        if (!reached || (left == nullptr && right == nullptr)) {
            continue;
        }
        const double* p = varies[l] ? tangent + l * stride : zeros;
        const double* q = varies[r] ? tangent + r * stride : zeros;
        with_operator(node.op, at[l], stride, [&](auto f) {
            using F = decltype(f);
            if constexpr (F::arity == 1) {
                unary_curve<F>(at[l], at[i], slopes + i * stride, g, h, p, left);
            } else {
                binary_curves<F>(at[l], at[r], at[i], g, h, p, q, left, right);
            }
        });
    }
}

// Dot products at once: one alone would wait for its own last addition at every step, and read the
// column again. As many as half of the registers hold.
constexpr std::size_t packs = lanes / pack_width;
constexpr std::size_t dots_at_once = packs == 1 ? 8 : 4;

/// As total() of the lanes.
template <class V>
double total_of(const V* sum) {
    if constexpr (packs == 2) {
        const V s = sum[0] + sum[1];
        return (s[0] + s[1]) + (s[2] + s[3]);
    } else {
        double lane[lanes];
        for (std::size_t part = 0; part < packs; ++part) {
            k::store_lanes(lane + part * pack_width, sum[part]);
        }
        return total(lane);
    }
}

/// Adds column . others[c] to *sums[c].
template <std::size_t Count>
void add_dots(const double* column, const double* const* others, double* const* sums,
              std::size_t rows) {
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
        *sums[c] += total_of(sum[c]);
    }
}

/// As add_dots, of at most Most.
template <std::size_t Most>
void add_some_dots(const double* column, const double* const* others, double* const* sums,
                   std::size_t count, std::size_t rows) {
    if (count == Most) {
        add_dots<Most>(column, others, sums, rows);
    } else if constexpr (Most > 1) {
        add_some_dots<Most - 1>(column, others, sums, count, rows);
    }
}

/// As add_dots, of any number.
void add_all_dots(const double* column, const double* const* others, double* const* sums,
                  std::size_t count, std::size_t rows) {
    for (; count > dots_at_once; count -= dots_at_once) {
        add_dots<dots_at_once>(column, others, sums, rows);
        others += dots_at_once;
        sums += dots_at_once;
    }
    add_some_dots<dots_at_once>(column, others, sums, count, rows);
}

double square_error(const double* f, const double* y, const double* scale, std::size_t rows) {
    double lane[lanes] = {};
    for (std::size_t i = 0; i < rows; i += lanes) {
        for (std::size_t j = 0; j < lanes; ++j) {
            lane[j] += k::square_error(f[i + j], y[i + j], scale[i + j]);
        }
    }
    return total(lane);
}

double normal_equations(const double* f, const double* y, const double* scale, std::size_t rows,
                        double* const* jacobian, const bool* moved, std::size_t count, double* gram,
                        double* gradient) {
    alignas(64) double residual[stride];
    CLOSEDFORM_ROWS_INDEPENDENT
    for (std::size_t i = 0; i < rows; ++i) {
        residual[i] = scale[i] * (f[i] - y[i]);
    }
    const double* others[most_columns + 1];
    double* sums[most_columns + 1];
    others[0] = residual;
    for (std::size_t p = 0; p < count; ++p) {
        double* column = jacobian[p];
        if (moved[p]) {
            CLOSEDFORM_ROWS_INDEPENDENT
            for (std::size_t i = 0; i < rows; ++i) {
                column[i] *= scale[i];
            }
        }
        sums[0] = gradient + p;
        std::size_t wanted = 1;
        for (std::size_t q = 0; q <= p; ++q) {
            if (moved[p] || moved[q]) {
                others[wanted] = jacobian[q];
                sums[wanted++] = gram + q;
            }
        }
        add_all_dots(column, others, sums, wanted, rows);
        gram += p + 1;
    }
    double loss = 0.0;
    double* const into = &loss;
    add_dots<1>(residual, others, &into, rows);
    return loss;
}

}  // namespace

const TapeKernels* tape_kernels() {
    static constexpr TapeKernels table = {forward,         forward_kept,    reverse,
                                          forward_tangent, reverse_tangent, square_error,
                                          normal_equations};
    return &table;
}

}  // namespace closedform::CLOSEDFORM_SET
