#pragma once
// Which rows a search looks at.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "closedform/objective/target.hpp"

namespace closedform {

/// Some of the rows, at most `wanted`, that weigh anything. Throws std::invalid_argument where none
/// does.
std::vector<std::size_t> draw_rows(const Target& target, std::size_t wanted, std::uint64_t seed);

/// The archive's rows in the search's own units, for who scores candidates elsewhere.
struct ArchiveRows {
    std::vector<double> x, y, weights;
    ValueTarget target;

    template <class T>
    ArchiveRows(MatrixView<const T> all, const Target& of, const Units& units,
                const std::vector<std::size_t>& rows)
        : x(scaled(all, rows, units.x)),
          y(scaled(of.arrays().targets, rows, {&units.y, 1})),
          weights(
              of.weights().empty()
                  ? std::vector<double>()
                  : scaled(MatrixView<const double>(of.weights().data(), of.rows(), 1), rows, {})),
          target(y, weights) {}

  private:
    template <class T>
    static std::vector<double> scaled(MatrixView<const T> all, const std::vector<std::size_t>& rows,
                                      std::span<const double> by) {
        std::vector<double> some;
        for (const std::size_t row : rows) {
            for (std::size_t j = 0; j < all.columns; ++j) {
                some.push_back((by.empty() ? 1.0 : by[j]) * static_cast<double>(all(row, j)));
            }
        }
        return some;
    }
};

}  // namespace closedform
