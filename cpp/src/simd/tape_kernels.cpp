// Compiled once per instruction set; CLOSEDFORM_SET names the copy. No standard templates here.

#include "closedform/tape_kernels.hpp"

#include "closedform/kernels/tape_operators.hpp"

// An operator may write where its operand is (the reused slots of forward): each row depends on
// itself alone, which the compiler cannot know and would guard with a scalar copy of the loop.
#if defined(__clang__)
#define CLOSEDFORM_ROWS_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define CLOSEDFORM_ROWS_INDEPENDENT _Pragma("GCC ivdep")
#else
#define CLOSEDFORM_ROWS_INDEPENDENT __pragma(loop(ivdep))
#endif

namespace closedform::CLOSEDFORM_SET {
namespace {

constexpr std::size_t rows = block_rows;
namespace k = closedform::kernels;

bool far(const double* a) {
    bool any = false;
    for (std::size_t i = 0; i < rows; ++i) {
        any |= __builtin_fabs(a[i]) > CLOSEDFORM_SINCOS_LIMIT;
    }
    return any;
}

template <class F>
void binary(const Node& left, const Node& right, const double* a, const double* b, double* out) {
    if (right.op == Op::constant) {
        const double c = right.value;
        CLOSEDFORM_ROWS_INDEPENDENT
        for (std::size_t i = 0; i < rows; ++i) {
            out[i] = F::value(a[i], c);
        }
    } else if (left.op == Op::constant) {
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

template <class F>
void unary(const double* a, double* out) {
    CLOSEDFORM_ROWS_INDEPENDENT
    for (std::size_t i = 0; i < rows; ++i) {
        out[i] = F::value(a[i]);
    }
}

void unary_value(Op op, const double* a, double* out) {
    const auto apply = [&](auto f) { unary<decltype(f)>(a, out); };
    switch (op) {
        case Op::sin:
            return far(a) ? apply(k::SinFar{}) : apply(k::Sin{});
        case Op::cos:
            return far(a) ? apply(k::CosFar{}) : apply(k::Cos{});
        case Op::tan:
            return far(a) ? apply(k::TanFar{}) : apply(k::Tan{});
        case Op::exp:
            return apply(k::Exp{});
        case Op::log:
            return apply(k::Log{});
        case Op::sqrt:
            return apply(k::Sqrt{});
        case Op::square:
            return apply(k::Square{});
        case Op::cube:
            return apply(k::Cube{});
        case Op::abs:
            return apply(k::Abs{});
        case Op::tanh:
            return apply(k::Tanh{});
        default:
            return apply(k::Inv{});
    }
}

void binary_value(Op op, const Node& left, const Node& right, const double* a, const double* b,
                  double* out) {
    switch (op) {
        case Op::add:
            return binary<k::Add>(left, right, a, b, out);
        case Op::sub:
            return binary<k::Sub>(left, right, a, b, out);
        case Op::mul:
            return binary<k::Mul>(left, right, a, b, out);
        case Op::div:
            return binary<k::Div>(left, right, a, b, out);
        default:
            return binary<k::Pow>(left, right, a, b, out);
    }
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
        const std::size_t operand_count = node.size == 1 ? 0 : (node.op <= Op::pow ? 2 : 1);
        depth -= operand_count;
        double* out = scratch + (keep ? i : depth) * rows;
        at[i] = out;
        ++depth;
        if (operand_count == 0) {
            for (std::size_t r = 0; r < rows; ++r) {
                out[r] = node.value;
            }
        } else if (operand_count == 1) {
            unary_value(node.op, at[i - 1], out);
        } else {
            const std::size_t left = i - 1 - tape[i - 1].size;
            binary_value(node.op, tape[left], tape[i - 1], at[left], at[i - 1], out);
        }
    }
}

template <class F>
void unary_slope(const double* a, const double* v, const double* g, double* out) {
    CLOSEDFORM_ROWS_INDEPENDENT
    for (std::size_t i = 0; i < rows; ++i) {
        out[i] = g[i] * F::slope(a[i], v[i]);
    }
}

void unary_adjoint(Op op, const double* a, const double* v, const double* g, double* out) {
    const auto apply = [&](auto f) { unary_slope<decltype(f)>(a, v, g, out); };
    switch (op) {
        case Op::sin:
            return far(a) ? apply(k::SinFar{}) : apply(k::Sin{});
        case Op::cos:
            return far(a) ? apply(k::CosFar{}) : apply(k::Cos{});
        case Op::tan:
            return apply(k::Tan{});
        case Op::exp:
            return apply(k::Exp{});
        case Op::log:
            return apply(k::Log{});
        case Op::sqrt:
            return apply(k::Sqrt{});
        case Op::square:
            return apply(k::Square{});
        case Op::cube:
            return apply(k::Cube{});
        case Op::abs:
            return apply(k::Abs{});
        case Op::tanh:
            return apply(k::Tanh{});
        default:
            return apply(k::Inv{});
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
        if (node.op > Op::pow) {
            if (active[i - 1]) {
                unary_adjoint(node.op, at[i - 1], v, g, adjoint + (i - 1) * rows);
            }
            continue;
        }
        const std::size_t l = i - 1 - tape[i - 1].size;
        double* left = active[l] ? adjoint + l * rows : nullptr;
        double* right = active[i - 1] ? adjoint + (i - 1) * rows : nullptr;
        const double* a = at[l];
        const double* b = at[i - 1];
        switch (node.op) {
            case Op::add:
                binary_slopes<k::Add>(a, b, v, g, left, right);
                break;
            case Op::sub:
                binary_slopes<k::Sub>(a, b, v, g, left, right);
                break;
            case Op::mul:
                binary_slopes<k::Mul>(a, b, v, g, left, right);
                break;
            case Op::div:
                binary_slopes<k::Div>(a, b, v, g, left, right);
                break;
            default:
                binary_slopes<k::Pow>(a, b, v, g, left, right);
        }
    }
}

constexpr std::size_t lanes =
    8;  // fixed, so that sums do not depend on the instruction set's width

double total(const double* lane) {
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) +
           ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

double dot(const double* a, const double* b) {
    double lane[lanes] = {};
    for (std::size_t i = 0; i < rows; i += lanes) {
        for (std::size_t j = 0; j < lanes; ++j) {
            lane[j] += a[i + j] * b[i + j];
        }
    }
    return total(lane);
}

double square_error(const double* f, const double* y, const double* scale) {
    double lane[lanes] = {};
    for (std::size_t i = 0; i < rows; i += lanes) {
        for (std::size_t j = 0; j < lanes; ++j) {
            const double r = scale[i + j] * (f[i + j] - y[i + j]);
            lane[j] += r * r;
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
    for (std::size_t p = 0; p < count; ++p) {
        double* column = jacobian[p];
        CLOSEDFORM_ROWS_INDEPENDENT
        for (std::size_t i = 0; i < rows; ++i) {
            column[i] *= scale[i];
        }
        gradient[p] += dot(column, residual);
        for (std::size_t q = 0; q <= p; ++q) {
            *gram++ += dot(column, jacobian[q]);
        }
    }
    return dot(residual, residual);
}

}  // namespace

const TapeKernels* tape_kernels() {
    static constexpr TapeKernels table = {forward, reverse, square_error, normal_equations};
    return &table;
}

}  // namespace closedform::CLOSEDFORM_SET
