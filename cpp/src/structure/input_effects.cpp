#include "structure/input_effects.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "closedform/core/table.hpp"
#include "core/fold_parts.hpp"
#include "surrogate/place_rows.hpp"

namespace closedform {
namespace {

constexpr std::size_t block_rows = 64;

struct Sums {
    std::vector<double> squares;  ///< of the change, by input
    std::size_t rows = 0;
};

/// Factors of all modes at some rows, [row][input][mode].
class Factors {
  public:
    explicit Factors(const TensorSurrogate& model)
        : tables_(model.tables()),
          padded_(tables_[0].padded),
          x_(tables_.size() * block_rows),
          t_(x_.size()),
          cell_(x_.size()),
          values_(tables_.size() * padded_) {}

    void place(MatrixView<const double> x, std::size_t first, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            const double* row = x.row((first + i) % x.rows);
            for (std::size_t k = 0; k < tables_.size(); ++k) {
                x_[k * block_rows + i] = row[k];
            }
        }
        place_rows(tables_, x_.data(), block_rows, count, cell_.data(), t_.data());
    }

    /// [input][padded mode], of a row that was placed.
    const std::vector<double>& at(std::size_t row) {
        for (std::size_t k = 0; k < tables_.size(); ++k) {
            const std::size_t place = k * block_rows + row;
            const double t = t_[place];
            const double* quartics =
                tables_[k].planes.data() + static_cast<std::size_t>(cell_[place]) * 5 * padded_;
            for (std::size_t m = 0; m < padded_; ++m) {
                double f = quartics[4 * padded_ + m];
                for (std::size_t power = 4; power-- > 0;) {
                    f = f * t + quartics[power * padded_ + m];
                }
                values_[k * padded_ + m] = f;
            }
        }
        return values_;
    }

  private:
    std::span<const FactorTable> tables_;
    std::size_t padded_;
    std::vector<double> x_, t_;
    std::vector<int> cell_;
    std::vector<double> values_;
};

/// Adds the squared changes of one row when its inputs, one at a time, are the other row's.
/// Products over all inputs but one are of a prefix and a suffix: O(inputs) for all of them.
void add_row(const std::vector<double>& own, const std::vector<double>& other, std::size_t modes,
             std::vector<double>& suffix, std::vector<double>& prefix, Sums& sums) {
    const std::size_t inputs = sums.squares.size();
    std::fill_n(suffix.end() - static_cast<std::ptrdiff_t>(modes), modes, 1.0);
    for (std::size_t k = inputs; k-- > 1;) {
        for (std::size_t m = 0; m < modes; ++m) {
            suffix[(k - 1) * modes + m] = suffix[k * modes + m] * own[k * modes + m];
        }
    }
    std::fill(prefix.begin(), prefix.end(), 1.0);
    for (std::size_t k = 0; k < inputs; ++k) {
        double change = 0;
        for (std::size_t m = 0; m < modes; ++m) {
            const std::size_t at = k * modes + m;
            change += prefix[m] * suffix[at] * (other[at] - own[at]);
            prefix[m] *= own[at];
        }
        sums.squares[k] += change * change;
    }
    ++sums.rows;
}

}  // namespace

std::vector<double> input_effects(const TensorSurrogate& model, MatrixView<const double> x,
                                  unsigned threads, const StopToken& stop) {
    const std::size_t inputs = model.inputs();
    const std::size_t padded = model.tables()[0].padded;
    const std::size_t shift = std::max<std::size_t>(1, x.rows / 2);
    const std::size_t blocks = (x.rows + block_rows - 1) / block_rows;
    Sums all{std::vector<double>(inputs), 0};
    fold_parts(
        blocks, threads, stop,
        [&](std::size_t block, unsigned) {
            Sums sums{std::vector<double>(inputs), 0};
            if (block > 0 && stop.stopped()) {
                return sums;
            }
            Factors own(model);
            Factors other(model);
            std::vector<double> suffix(inputs * padded);
            std::vector<double> prefix(padded);
            const std::size_t first = block * block_rows;
            const std::size_t count = std::min(block_rows, x.rows - first);
            own.place(x, first, count);
            other.place(x, first + shift, count);
            for (std::size_t i = 0; i < count; ++i) {
                add_row(own.at(i), other.at(i), padded, suffix, prefix, sums);
            }
            return sums;
        },
        [&](std::size_t, const Sums& sums) {
            all.rows += sums.rows;
            for (std::size_t k = 0; k < inputs; ++k) {
                all.squares[k] += sums.squares[k];
            }
        });
    const double rows = static_cast<double>(std::max<std::size_t>(all.rows, 1));
    for (double& square : all.squares) {
        square = std::sqrt(square / (2 * rows));
    }
    return std::move(all.squares);
}

}  // namespace closedform
