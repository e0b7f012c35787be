#include "terms/variable_projection.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/blas.hpp"
#include "core/dense_solve.hpp"
#include "core/kernel_dispatch.hpp"
#include "kernels/simd/gram_schmidt.hpp"

namespace closedform {

CLOSEDFORM_DECLARE_SETS(GramSchmidtKernels, gram_schmidt_kernels)

const GramSchmidtKernels& gram_schmidt_kernels() {
    static const GramSchmidtKernels& chosen =
        CLOSEDFORM_PICK_SET(GramSchmidtKernels, gram_schmidt_kernels);
    return chosen;
}

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double rank = 1e-13;  // size of what is left beside other columns of a unit one, at least
constexpr double first_damping = 1e-3;
constexpr double least_damping = 1e-12;
constexpr double damping_growth = 8.0;
constexpr int tries = 6;       // of a step, each more damped than the one before
constexpr double slow = 1e-4;  // relative gain of a step that is hardly one ...
constexpr int patience = 3;    // ... and how many of them end a fit
// Times y's size around its mean, a term's at most. Larger ones cancel: the difference of two of
// one kind stands for the derivative by its constant, which is another term.
constexpr double cancelling = 1e3;

const Piece& piece_at(const PieceAt& factor) {
    return all_pieces()[static_cast<std::size_t>(factor.piece)];
}

/// Takes from `column` its part along the first `count` columns of `basis` and scales the rest to
/// one, or to zero where there is nothing; sets `parts`. Returns the size of the rest. Twice is
/// enough for a result that is orthogonal to rounding (Giraud et al. 2005).
double orthonormalised(const MatrixXd& basis, Index count, Eigen::Ref<VectorXd> column,
                       Eigen::Ref<VectorXd> parts) {
    parts.setZero();
    double square = 0.0;
    for (int pass = 0; pass < 2; ++pass) {
        square = gram_schmidt_kernels().project_out(basis.data(), static_cast<std::size_t>(count),
                                                    static_cast<std::size_t>(column.size()),
                                                    column.data(), parts.data());
    }
    const double size = std::sqrt(square);
    if (!(size > rank)) {
        column.setZero();
        return 0.0;
    }
    column *= 1.0 / size;
    return size;
}

// Columns one after another are the rows of a row-major matrix.

/// a' b and a b.
void products(const MatrixXd& a, const MatrixXd& b, MatrixXd& out) {
    out.resize(a.cols(), b.cols());
    const auto rows = static_cast<std::size_t>(a.rows());
    multiply_transposed(b.data(), rows, a.data(), static_cast<std::size_t>(b.cols()),
                        static_cast<std::size_t>(a.cols()), rows, out.data());
}

void combinations(const MatrixXd& a, const MatrixXd& b, MatrixXd& out) {
    out.resize(a.rows(), b.cols());
    multiply(b.data(), a.data(), static_cast<std::size_t>(b.cols()),
             static_cast<std::size_t>(a.rows()), static_cast<std::size_t>(a.cols()), out.data());
}

/// Sizes to divide by.
bool usable(const VectorXd& sizes) {
    return sizes.allFinite() && (sizes.array() > std::numeric_limits<double>::min()).all();
}

}  // namespace

std::uint32_t PieceProduct::kind() const {
    std::uint32_t result = 0;
    for (const PieceAt& factor : factors) {
        const auto number = static_cast<std::uint32_t>(factor.input) *
                                static_cast<std::uint32_t>(all_pieces().size()) +
                            static_cast<std::uint32_t>(factor.piece) + 1U;
        result = (result << 16U) | number;
    }
    return result;
}

Tape PieceSum::tape() const {
    Tape result = {Node::constant(coefficients[0])};
    const auto append = [&](const Tape& part) {
        result.insert(result.end(), part.begin(), part.end());
    };
    for (std::size_t t = 0; t < products.size(); ++t) {
        result.push_back(Node::constant(coefficients[static_cast<Index>(t) + 1]));
        for (const PieceAt& factor : products[t].factors) {
            append(piece_at(factor).tape(factor.input, factor.k));
            result.push_back(Node::function(Op::mul));
        }
        result.push_back(Node::function(Op::add));
    }
    fix_sizes(result);
    return result;
}

VariableProjection::VariableProjection(const BaseColumns& columns, std::span<const double> y)
    : columns_(columns),
      y_(Eigen::Map<const VectorXd>(y.data(), static_cast<Index>(y.size()))),
      scatter_((y_.array() - y_.mean()).matrix().norm()),
      values_(4 * columns.rows()) {}

std::optional<PieceSum> VariableProjection::solved(const PieceProducts& products) {
    now_.products = products;
    return solve(now_) ? std::optional(now_.sum()) : std::nullopt;
}

std::optional<PieceSum> VariableProjection::fitted(const PieceProducts& products, int steps) {
    now_.products = products;
    if (!solve(now_)) {
        return std::nullopt;
    }
    double damping = first_damping;
    for (int left = steps, slow_steps = 0; left > 0 && slow_steps < patience; --left) {
        const double before = now_.loss;
        if (!step(damping)) {
            break;
        }
        slow_steps = before <= (1.0 + slow) * now_.loss ? slow_steps + 1 : 0;
    }
    return now_.sum();
}

MatrixXd VariableProjection::directions(const PieceSum& sum) {
    now_.products = sum.products;
    solve(now_);
    tangents(now_);
    const Index terms = now_.basis.cols();
    const Index inner = tangents_.cols();
    MatrixXd result(now_.basis.rows(), terms + inner + 1);
    result.leftCols(terms) = now_.basis;
    VectorXd parts(result.cols());
    for (Index j = 0; j < inner; ++j) {
        const double size = tangents_.col(j).norm();
        result.col(terms + j).setZero();
        if (size > 0.0 && std::isfinite(size)) {
            result.col(terms + j) = tangents_.col(j) / size;
            orthonormalised(result, terms + j, result.col(terms + j), parts);
        }
    }
    const double size = now_.left.norm();
    result.rightCols(1).setZero();
    if (size > 0.0) {
        result.rightCols(1) = now_.left / size;
        orthonormalised(result, terms + inner, result.col(terms + inner), parts);
    }
    return result;
}

void VariableProjection::evaluate(Point& at) {
    const auto rows = static_cast<Index>(columns_.rows());
    const auto count = static_cast<Index>(at.products.size());
    Index inner = 0;
    for (const PieceProduct& product : at.products) {
        inner += std::count_if(product.factors.begin(), product.factors.end(),
                               [](const PieceAt& one) { return piece_at(one).has_constant(); });
    }
    at.design.resize(rows, 1 + count);
    at.slopes.resize(rows, inner);
    at.design.col(0).setOnes();
    Index slope = 0;
    for (Index t = 0; t < count; ++t) {
        const std::vector<PieceAt>& factors = at.products[static_cast<std::size_t>(t)].factors;
        const Eigen::Map<MatrixXd> values(values_.data(), rows, 4);
        const auto part = [&](Index j) {
            return std::span(values_).subspan(static_cast<std::size_t>(j * rows), columns_.rows());
        };
        for (std::size_t f = 0; f < factors.size(); ++f) {
            const PieceAt& one = factors[f];
            const auto place = static_cast<Index>(f);
            columns_.evaluate(piece_at(one), one.input, one.k, part(place), part(place + 2));
        }
        const bool pair = factors.size() > 1;
        at.design.col(1 + t) = values.col(0);
        if (pair) {
            at.design.col(1 + t).array() *= values.col(1).array();
        }
        for (std::size_t f = 0; f < factors.size(); ++f) {
            if (!piece_at(factors[f]).has_constant()) {
                continue;
            }
            const auto place = static_cast<Index>(f);
            at.slopes.col(slope) = values.col(place + 2);
            if (pair) {
                at.slopes.col(slope).array() *= values.col(1 - place).array();
            }
            ++slope;
        }
    }
}

bool VariableProjection::solve(Point& at) {
    evaluate(at);
    const VectorXd sizes = at.design.colwise().norm();
    if (!usable(sizes)) {
        return false;
    }
    solve_linear(at, sizes);
    at.left = y_ - at.design * at.coefficients;
    at.loss = at.left.squaredNorm() / static_cast<double>(y_.size());
    const auto terms = at.coefficients.cwiseProduct(sizes).tail(sizes.size() - 1);
    return std::isfinite(at.loss) && terms.lpNorm<Eigen::Infinity>() <= cancelling * scatter_;
}

void VariableProjection::solve_linear(Point& at, const VectorXd& sizes) {
    const Index count = at.design.cols();
    at.basis.resize(at.design.rows(), count);
    triangle_.setZero(count, count);
    for (Index j = 0; j < count; ++j) {
        at.basis.col(j) = at.design.col(j) * (1.0 / sizes[j]);
        triangle_(j, j) = orthonormalised(at.basis, j, at.basis.col(j), triangle_.col(j).head(j));
    }
    at.coefficients = at.basis.transpose() * y_;
    // What depends on the columns before it has no share of its own.
    for (Index j = count; j-- > 0;) {
        double& coefficient = at.coefficients[j];
        coefficient = triangle_(j, j) > 0.0 ? coefficient / triangle_(j, j) : 0.0;
        at.coefficients.head(j) -= coefficient * triangle_.col(j).head(j);
    }
    at.coefficients.array() /= sizes.array();
}

void VariableProjection::tangents(const Point& at) {
    tangents_ = at.slopes;
    Index slope = 0;
    for (std::size_t t = 0; t < at.products.size(); ++t) {
        for (const PieceAt& factor : at.products[t].factors) {
            if (piece_at(factor).has_constant()) {
                tangents_.col(slope++) *= at.coefficients[static_cast<Index>(t) + 1];
            }
        }
    }
    if (slope > 0) {
        products(at.basis, tangents_, parts_);
        combinations(at.basis, parts_, along_);
        tangents_ -= along_;
    }
}

/// To constants that leave less, with the damping to go on with; false where none were found.
bool VariableProjection::step(double& damping) {
    tangents(now_);
    const Index count = tangents_.cols();
    const VectorXd sizes = tangents_.colwise().norm();
    if (count == 0 || !usable(sizes)) {
        return false;
    }
    tangents_.array().rowwise() *= sizes.transpose().array().inverse();
    products(tangents_, tangents_, normal_);
    const VectorXd towards = tangents_.transpose() * now_.left;
    for (int attempt = 0; attempt < tries; ++attempt) {
        MatrixXd damped = normal_;
        damped.diagonal().array() += damping;
        const VectorXd change = closedform::solve(damped, towards).col(0).cwiseQuotient(sizes);
        next_.products = now_.products;
        Index slope = 0;
        for (PieceProduct& product : next_.products) {
            for (PieceAt& factor : product.factors) {
                factor.k += piece_at(factor).has_constant() ? change[slope++] : 0.0;
            }
        }
        if (solve(next_) && next_.loss < now_.loss) {
            std::swap(now_, next_);
            damping = std::max(damping / damping_growth, least_damping);
            return true;
        }
        damping *= damping_growth;
    }
    return false;
}

}  // namespace closedform
