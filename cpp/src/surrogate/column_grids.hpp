#pragma once
// The grid of every input, from the values its column has.

#include <cstddef>
#include <vector>

#include "closedform/core/table.hpp"
#include "closedform/surrogate/grid_basis.hpp"
#include "closedform/surrogate/moment_sums.hpp"

namespace closedform {

/// Grids for every column: see nodes_from_sorted. Discrete columns get patch 0.
struct Grids {
    std::vector<std::vector<double>> sorted;  ///< per column, a sorted sample with both ends
    std::vector<bool> discrete;
    GridBasis basis(std::size_t column, std::size_t segments, std::size_t patch,
                    std::size_t degree) const;
    std::vector<GridBasis> bases(std::size_t segments, std::size_t patch, std::size_t degree) const;
};
/// `beyond`: where the rows are a sample.
Grids column_grids(const Table& x, const RowsBeyond& beyond = {});

}  // namespace closedform
