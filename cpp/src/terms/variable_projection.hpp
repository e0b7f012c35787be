#pragma once
// Sums of products of pieces, fitted: what is linear is solved for at each step of the inner
// constants (Golub and Pereyra 1973, with Kaufman's simplification, 1975, and Levenberg's damping).

#include <Eigen/Core>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "closedform/expression/expression.hpp"
#include "terms/pieces.hpp"

namespace closedform {

/// A piece of one input, with its inner constant, which is not read where the piece has none.
struct PieceAt {
    int input = 0;
    int piece = 0;
    double k = 0.0;
};

/// A product of one or two pieces, by input; of one input, the one without a constant first.
struct PieceProduct {
    std::vector<PieceAt> factors;

    /// Which pieces of which inputs, whatever the constants: different for different products.
    std::uint32_t kind() const;
};

using PieceProducts = std::vector<PieceProduct>;

/// constant + sum of coefficient * product.
struct PieceSum {
    PieceProducts products;
    Eigen::VectorXd coefficients;  ///< the constant first
    double loss = 0.0;             ///< mean square of what it leaves

    Tape tape() const;
};

/// Fits to one target. Keeps its room from one fit to the next.
class VariableProjection {
  public:
    /// y: a value a row; the columns must outlive this.
    VariableProjection(const BaseColumns& columns, std::span<const double> y);

    /// With inner constants as they are; none where a product has no values.
    std::optional<PieceSum> solved(const PieceProducts& products);

    /// With all constants fitted, by at most so many steps; none where a product has no values.
    std::optional<PieceSum> fitted(const PieceProducts& products, int steps);

    /// Orthonormal columns of the space of a sum's products and of their derivatives by its inner
    /// constants; the last is along what the sum leaves outside of it, zero where nothing.
    Eigen::MatrixXd directions(const PieceSum& sum);

  private:
    /// A sum at some constants, with what a step from there needs.
    struct Point {
        PieceProducts products;
        Eigen::MatrixXd design;  ///< (rows, 1 + products): ones and the products' values
        Eigen::MatrixXd slopes;  ///< derivatives of the products by each inner constant
        Eigen::MatrixXd basis;   ///< orthonormal, of the design's space; zero where it depends
        Eigen::VectorXd coefficients;
        Eigen::VectorXd left;
        double loss = 0.0;

        PieceSum sum() const { return {products, coefficients, loss}; }
    };

    bool solve(Point& at);
    void evaluate(Point& at);
    void solve_linear(Point& at, const Eigen::VectorXd& sizes);
    /// Of the sum by its inner constants: what is left of the derivatives beside the products.
    void tangents(const Point& at);
    bool step(double& damping);

    const BaseColumns& columns_;
    Eigen::VectorXd y_;
    double scatter_;  ///< size of y around its mean
    Point now_;
    Point next_;
    Eigen::MatrixXd tangents_;
    Eigen::MatrixXd triangle_;
    Eigen::MatrixXd parts_;
    Eigen::MatrixXd along_;
    Eigen::MatrixXd normal_;
    std::vector<double> values_;  ///< of the two factors of a product, and their slopes
};

}  // namespace closedform
