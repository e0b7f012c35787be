#pragma once
// u(x) = offset + sum_{m=1..M} prod_{d=1..D} f_md(x_d), every f_md the interpolant of node values
// on input d's grid (C-HiDeNN-TD: Ex-HiDeNN, arXiv 2507.05498; CP form: INN, arXiv 2404.10296).

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "closedform/core/aligned_vector.hpp"
#include "closedform/core/table.hpp"
#include "closedform/surrogate/grid_basis.hpp"

namespace closedform {

/// As users and files write it: "error", "clamp", "linear".
std::string_view name(Outside outside);
/// Throws std::invalid_argument for another name.
Outside outside_named(std::string_view name);

/// A row outside the grid, met under Outside::error.
class OutsideGrid : public std::domain_error {
  public:
    OutsideGrid(std::size_t row, std::size_t column, double value, double low, double high);
    std::size_t row() const { return row_; }
    std::size_t column() const { return column_; }

  private:
    std::size_t row_;
    std::size_t column_;
};

/// What the row kernels read: quartic coefficients per input, cell and mode, padded with zero modes
/// to a multiple of `mode_padding`.
struct FactorTable {
    AlignedDoubles planes;              ///< [cells][5][padded]
    std::vector<double> nodes;          ///< [cells - 1]
    std::vector<double> center;         ///< [cells]
    std::vector<double> inverse_width;  ///< [cells]
    std::size_t padded = 0;
};

inline constexpr std::size_t mode_padding = 8;

/// Node values [modes][nodes] of one input turned into quartics, the outer cells as `outside` says.
void fill_factor_table(const GridBasis& basis, std::span<const double> node_values,
                       std::size_t modes, Outside outside, FactorTable& table);

class TensorSurrogate {
  public:
    TensorSurrogate() = default;
    /// Modes of value zero. Throws std::invalid_argument for no input or no mode.
    TensorSurrogate(std::vector<GridBasis> bases, std::size_t modes);
    /// One that was taken apart: `factors` holds node values [modes][nodes] per input. Throws
    /// std::invalid_argument for parts that do not belong together.
    TensorSurrogate(std::vector<GridBasis> bases, std::size_t modes,
                    std::vector<std::vector<double>> factors, double offset, Outside outside);

    std::size_t inputs() const { return bases_.size(); }
    std::size_t modes() const { return modes_; }
    const GridBasis& basis(std::size_t d) const { return bases_[d]; }
    const std::vector<GridBasis>& bases() const { return bases_; }

    /// Node values of input d, [modes][nodes]. Call refresh() after writing.
    std::span<double> factor(std::size_t d) { return factors_[d]; }
    std::span<const double> factor(std::size_t d) const { return factors_[d]; }
    double offset() const { return offset_; }
    void set_offset(double offset) { offset_ = offset; }
    Outside outside() const { return outside_; }
    /// Also refreshes.
    void set_outside(Outside outside);

    /// Rebuilds the tables that evaluation reads.
    void refresh();
    /// One an input.
    std::span<const FactorTable> tables() const { return tables_; }

    /// u of every row into `out` [rows]. A NaN input gives NaN. Throws OutsideGrid under
    /// Outside::error. `threads` 0: all cores.
    void value(const Table& rows, double* out, unsigned threads = 0) const;
    /// The value (if not null), the gradient [rows x inputs] and, if not null, the full Hessian
    /// [rows x inputs x inputs] of every row. Exact derivatives of the interpolant; its own second
    /// derivatives u_ii jump at nodes, mixed ones do not. Up to a few thousand rows are the work
    /// of the caller's own thread; what a thread allocates it keeps for its next call.
    void derivatives(const Table& rows, double* value, double* gradient, double* hessian,
                     unsigned threads = 0) const;

    /// The same for rows already split into columns, x[d * stride + i], one thread, no check for
    /// rows outside. `value` only: give null for the others.
    void evaluate_block(const double* x, std::size_t count, std::size_t stride, double* value,
                        double* gradient, double* hessian) const;

  private:
    void check_inside(const double* x, std::size_t count, std::size_t stride,
                      std::size_t first_row) const;

    std::vector<GridBasis> bases_;
    std::size_t modes_ = 0;
    std::vector<std::vector<double>> factors_;
    double offset_ = 0;
    Outside outside_ = Outside::linear;
    std::vector<FactorTable> tables_;
};

}  // namespace closedform
