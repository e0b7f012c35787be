#pragma once
// The units a search works in: columns and targets brought near one, by powers of ten.

#include <cstddef>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "closedform/expression/expression.hpp"
#include "closedform/objective/target.hpp"

namespace closedform {

/// Power of ten that brings a column's size near one; 1 where it already is of order one, so that
/// laws in natural units keep their form.
double decade(double mean_square, double most);

/// can_scale: whether formulas may hold the factors; otherwise all units are 1.
template <class T>
Units working_units(MatrixView<const T> x, const Target& target, bool can_scale) {
    Units units;
    std::vector<double> squares(x.columns, 0.0);
    for (std::size_t i = 0; i < x.rows; ++i) {
        for (std::size_t j = 0; j < x.columns; ++j) {
            const auto value = static_cast<double>(x(i, j));
            squares[j] += value * value;
        }
    }
    const auto rows = static_cast<double>(x.rows);
    for (const double square : squares) {
        units.x.push_back(can_scale ? decade(square / rows, 50.0) : 1.0);
    }
    units.y = can_scale ? decade(target.mean_square(), 1e6) : 1.0;
    return units;
}

/// A tape in working units as one in the data's; empty where it would be too long.
Tape restore(const Tape& tape, const Units& units);

}  // namespace closedform
