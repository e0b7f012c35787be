#pragma once
// The interpolation basis of one input (C-HiDeNN: Lu et al. 2023; Ex-HiDeNN, arXiv 2507.05498).
//
// On element e = [x_e, x_{e+1}]:  u(x) = sum_{k in {e, e+1}} N_k(x) sum_{j in A(k)} W_j^(k)(x) u_j,
// N the linear hats, A(k) a patch of 2s+1 nodes around node k (at the ends: the nearest four),
// W^(k) the radial point interpolant on that patch. With the cubic-spline kernel and a dilation at
// least twice the patch's width, W is exactly the |r|^3-plus-degree-p interpolant: a cubic inside
// an element. Every shape function is therefore one quartic per element, and the basis is a table.
// At the ends, where a patch cannot be centred, W is the plain cubic through its four nodes.

#include <cstddef>
#include <span>
#include <vector>

namespace closedform {

/// What happens to a row outside the grid.
enum class Outside {
    error,   ///< an exception that names the row and the column
    clamp,   ///< the value at the nearest end; derivative zero
    linear,  ///< each 1-D interpolant continues along its end tangent; second derivative zero
};

class GridBasis {
  public:
    static constexpr std::size_t degree_of_table = 4;
    static constexpr std::size_t coefficients_per_shape = degree_of_table + 1;
    /// 2s+2 nodes act on one element; s is at most 3.
    static constexpr std::size_t max_patch = 3;
    static constexpr std::size_t max_width = 2 * max_patch + 2;

    /// `nodes` strictly increasing, at least one (one node: a constant). `patch` s in [0, 3] and
    /// `degree` p <= s, both reduced where the nodes are too few; s = 0 is linear interpolation.
    /// Throws std::invalid_argument for nodes that are not finite and increasing, or s, p out of
    /// range.
    GridBasis(std::vector<double> nodes, std::size_t patch, std::size_t degree);

    const std::vector<double>& nodes() const { return nodes_; }
    std::size_t node_count() const { return nodes_.size(); }
    /// Elements between nodes (0 for a single node).
    std::size_t segments() const { return nodes_.size() - 1; }
    std::size_t patch() const { return patch_; }
    std::size_t degree() const { return degree_; }
    double low() const { return nodes_.front(); }
    double high() const { return nodes_.back(); }

    /// The table has segments() + 2 cells: cell 0 lies left of the grid, cell c in [1, segments()]
    /// is element c - 1, the last lies right of it. In cell c the local coordinate is
    /// t = (x - center(c)) * inverse_width(c), in [-1/2, 1/2] inside an element.
    std::size_t cells() const { return nodes_.size() + 1; }
    std::size_t cell_of(double x) const;
    double center(std::size_t cell) const { return center_[cell]; }
    double inverse_width(std::size_t cell) const { return inverse_width_[cell]; }
    /// Nodes acting on a cell: first_node(cell) .. + width() - 1.
    std::size_t width() const { return width_; }
    std::size_t first_node(std::size_t cell) const { return first_node_[cell]; }
    /// Coefficients of t^0..t^4 of the shape function of node first_node(cell) + j. The two outer
    /// cells continue the ends linearly.
    const double* shape(std::size_t cell, std::size_t j) const {
        return table_.data() + (cell * width_ + j) * coefficients_per_shape;
    }

    /// The interpolant through node values `u` at x, or its first or second derivative, continued
    /// linearly outside the grid.
    double evaluate(std::span<const double> u, double x, int derivative = 0) const;

    /// Penalty matrices [nodes][nodes] for a factor's node values u, inputs scaled to [0,1]:
    /// u^T R u is the integral of the squared second difference quotient,
    std::vector<double> roughness() const;
    /// and u^T S u a tenth of the integral of the squared slope; without an order of the nodes to
    /// go by (patch 0, few levels), their variance. Either is 0 for a constant.
    std::vector<double> slope_penalty() const;
    /// Whether the nodes are taken for levels without an order.
    bool unordered() const { return patch_ == 0 && nodes_.size() <= 10; }

  private:
    void build_element(std::size_t element);
    void build_outer_cells();

    std::vector<double> nodes_;
    std::size_t patch_;
    std::size_t degree_;
    std::size_t width_;
    std::vector<double> center_;
    std::vector<double> inverse_width_;
    std::vector<std::size_t> first_node_;
    std::vector<double> table_;
};

/// How one column of data is to be interpolated.
struct ColumnNodes {
    std::vector<double> nodes;
    bool discrete = false;  ///< few distinct values: one node each, to be used with patch 0
};

/// At most this many distinct values make a column discrete, if there are `rows_per_level` times as
/// many rows.
inline constexpr std::size_t max_levels = 10;
inline constexpr std::size_t rows_per_level = 4;

/// Nodes for a column from its sorted values (NaN not allowed): one per distinct value if the
/// column is discrete; otherwise about `segments` elements, evenly spaced where the data allow it
/// and drawn towards the data's quantiles until every element holds some.
ColumnNodes nodes_from_sorted(std::span<const double> sorted, std::size_t segments);

}  // namespace closedform
