#include "terms/pieces.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

#include "closedform/expression/infix.hpp"
#include "core/kernel_dispatch.hpp"

namespace closedform {

CLOSEDFORM_DECLARE_SETS(PieceKernels, piece_kernels)

const PieceKernels& piece_kernels() {
    static const PieceKernels& chosen = CLOSEDFORM_PICK_SET(PieceKernels, piece_kernels);
    return chosen;
}

namespace {

using Numbers = std::vector<double>;

double largest(double low, double high) { return std::max(std::abs(low), std::abs(high)); }

Numbers scaled(Numbers numbers, double factor) {
    for (double& number : numbers) {
        number *= factor;
    }
    return numbers;
}

Numbers none(double, double) { return {0.0}; }

/// Beside whole and half ones, where a fit would stay.
Numbers exponents(double low, double high) {
    static_cast<void>(high);
    Numbers result;
    if (low >= 0.0) {
        result = {0.3, 0.75, 1.3, 1.7, 2.4, 3.4};
    }
    if (low > 0.0) {
        result.push_back(-0.6);
    }
    return result;
}

Numbers rates(double low, double high) {
    return scaled({0.5, -0.5, 1.5, -1.5, 4.0, -4.0, 10.0, -10.0}, 1.0 / (high - low));
}

Numbers bells(double low, double high) {
    return scaled({-1.0, -4.0, -15.0, -50.0}, 1.0 / std::pow(largest(low, high), 2));
}

/// Of 1/x, where it has no pole.
Numbers rates_of_inverse(double low, double high) {
    return low * high > 0.0 ? rates(1.0 / high, 1.0 / low) : Numbers{};
}

/// From a quarter of a period over the range, in quarters.
Numbers quarters_of_periods(int last, double low, double high) {
    Numbers result;
    for (int quarters = 1; quarters <= last; ++quarters) {
        result.push_back(quarters * std::numbers::pi / (2.0 * (high - low)));
    }
    return result;
}

Numbers frequencies(double low, double high) { return quarters_of_periods(17, low, high); }

/// From there to sixteen periods in halves, which is as far as a fit goes.
Numbers high_frequencies(double low, double high) {
    Numbers result;
    for (int halves = 9; halves <= 32; ++halves) {
        result.push_back(halves * std::numbers::pi / (high - low));
    }
    return result;
}

Numbers low_frequencies(double low, double high) { return quarters_of_periods(8, low, high); }

/// Of an input that is never negative, whose 1 + k*x has no zero.
Numbers few(double low, double high) {
    return low >= 0.0 ? scaled({0.5, 2.0, 8.0, 30.0}, 1.0 / high) : Numbers{};
}

Numbers few_of_squares(double low, double high) {
    return scaled({0.5, 2.0, 8.0, 30.0}, 1.0 / std::pow(largest(low, high), 2));
}

Numbers steepnesses(double low, double high) {
    return scaled({1.0, 3.0, 9.0}, 1.0 / largest(low, high));
}

Numbers root_frequencies(double low, double high) {
    return low >= 0.0 ? scaled({0.5, 1.0, 2.0, 3.0}, std::numbers::pi / std::sqrt(high))
                      : Numbers{};
}

Numbers logarithm_frequencies(double low, double high) {
    static_cast<void>(high);
    return low >= 0.0 ? Numbers{0.6, 1.0, 2.0, 4.0} : Numbers{};
}

void fill_bases(double x, std::array<double, base_count>& bases) {
    bases = {x, x * x, x * x * x, 1.0 / x, std::sqrt(x), std::log(x), std::log1p(x)};
}

}  // namespace

const std::vector<Piece>& all_pieces() {
    static const std::vector<Piece> pieces = {
        {"x", Base::itself, Shape::plain, none},
        {"x**2", Base::square, Shape::plain, none},
        {"x**3", Base::cube, Shape::plain, none},
        {"1/x", Base::inverse, Shape::plain, none},
        {"sqrt(x)", Base::root, Shape::plain, none},
        {"log(x)", Base::logarithm, Shape::plain, none},
        {"x**k",
         Base::logarithm,
         Shape::exp,
         exponents,
         {"", "x", "x**2", "x**3", "sqrt(x)", "1/x", "log(x)"}},
        {"exp(k*x)", Base::itself, Shape::exp, rates, {"", "x"}},
        {"exp(k/x)", Base::inverse, Shape::exp, rates_of_inverse, {"", "1/x"}},
        {"x*exp(k*x)", Base::itself, Shape::exp, rates, {"x", "x**2"}, Base::itself},
        {"exp(k*x**2)", Base::square, Shape::exp, bells, {"", "x**2"}},
        {"sin(k*x)", Base::itself, Shape::sin, frequencies, {"x"}, {}, high_frequencies},
        {"cos(k*x)", Base::itself, Shape::cos, frequencies, {"", "x**2"}, {}, high_frequencies},
        {"x*sin(k*x)", Base::itself, Shape::sin, low_frequencies, {"x**2"}, Base::itself},
        {"x*cos(k*x)", Base::itself, Shape::cos, low_frequencies, {"x", "x**3"}, Base::itself},
        {"1/(1 + k*x)", Base::itself, Shape::inverse, few, {"", "x", "1/x"}},
        {"x/(1 + k*x)", Base::itself, Shape::saturated, few, {"", "x", "x**2", "1/x"}},
        {"1/(1 + k*x**2)", Base::square, Shape::inverse, few_of_squares, {"", "x**2"}},
        {"x/(1 + k*x**2)",
         Base::square,
         Shape::inverse,
         few_of_squares,
         {"x", "1/x"},
         Base::itself},
        {"x**2/(1 + k*x**2)", Base::square, Shape::saturated, few_of_squares, {"", "x**2"}},
        {"log(1 + k*x)", Base::itself, Shape::log, few, {"x", "log(x)"}},
        {"tanh(k*x)", Base::itself, Shape::tanh, steepnesses, {"", "x"}},
        {"sin(k*sqrt(x))", Base::root, Shape::sin, root_frequencies, {"sqrt(x)"}},
        {"cos(k*sqrt(x))", Base::root, Shape::cos, root_frequencies, {"", "x"}},
        {"sin(k*log(1 + x))", Base::logarithm_above, Shape::sin, logarithm_frequencies, {}},
        {"cos(k*log(1 + x))", Base::logarithm_above, Shape::cos, logarithm_frequencies, {""}},
    };
    return pieces;
}

int piece_of(std::string_view text) {
    const std::vector<Piece>& pieces = all_pieces();
    const auto found = std::find_if(pieces.begin(), pieces.end(),
                                    [&](const Piece& piece) { return piece.text == text; });
    if (found == pieces.end()) {
        throw std::invalid_argument("no piece: " + std::string(text));
    }
    return static_cast<int>(found - pieces.begin());
}

Tape Piece::tape(int input, double k) const {
    const std::array<std::string, 2> names = {"x", "k"};
    Tape result = parse(text, names);
    for (Node& node : result) {
        if (node.op == Op::variable) {
            node = node.variable == 0 ? Node::input(input) : Node::constant(k);
        }
    }
    return result;
}

BaseColumns::BaseColumns(MatrixView<const double> x)
    : rows_(x.rows),
      inputs_(static_cast<int>(x.columns)),
      values_(x.columns * base_count * x.rows) {
    std::array<double, base_count> bases{};
    for (std::size_t j = 0; j < x.columns; ++j) {
        double* columns = values_.data() + j * base_count * rows_;
        for (std::size_t i = 0; i < rows_; ++i) {
            fill_bases(x(i, j), bases);
            for (std::size_t base = 0; base < base_count; ++base) {
                columns[base * rows_ + i] = bases[base];
            }
        }
    }
}

std::span<const double> BaseColumns::column(int input, Base base) const {
    const std::size_t at =
        static_cast<std::size_t>(input) * base_count + static_cast<std::size_t>(base);
    return {values_.data() + at * rows_, rows_};
}

void BaseColumns::evaluate(const Piece& piece, int input, double k, std::span<double> value,
                           std::span<double> slope) const {
    piece_kernels().evaluate(piece.shape, k, column(input, piece.base).data(), rows_, value.data(),
                             slope.data());
    if (piece.lead) {
        const std::span<const double> lead = column(input, *piece.lead);
        for (std::size_t i = 0; i < rows_; ++i) {
            value[i] *= lead[i];
            slope[i] *= lead[i];
        }
    }
}

}  // namespace closedform
