#include "closedform/all_rows.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <limits>
#include <numeric>

#include "closedform/cell_moments.hpp"
#include "closedform/input_equations.hpp"
#include "closedform/parallel.hpp"
#include "closedform/placed_rows.hpp"
#include "simd/als_rows.hpp"
#include "simd/tensor_rows.hpp"

namespace closedform {
namespace {

constexpr std::size_t block_size = als_block_rows;
constexpr std::size_t rows_between_stops = 1U << 18U;
constexpr std::size_t most_pieces = 32;  // fixed, so that sums do not depend on threads
constexpr std::size_t iterations = 3;    // of conjugate gradients: most of the step, little more
constexpr double shortest = 1.0 / 16;    // share of a step

/// The sums of some of the rows, of every input.
struct Piece {
    std::vector<CellMoments> moments;
    std::vector<double*> right;
    double squares = 0;
    double weight = 0;
};

/// Adds rows at positions [first, first + count) to a piece.
class Pass {
  public:
    Pass(const TensorSurrogate& model, const TensorSurrogate* step, const FitRows& rows)
        : rows_(rows),
          tables_(model.tables()),
          offset_(model.offset()),
          x_(tables_.size() * block_size),
          t_(x_.size()),
          cell_(x_.size()),
          space_(2 * als_tile_rows * tables_.size() * tables_[0].padded),
          names_(block_size),
          y_(block_size),
          weight_(block_size),
          multiplier_(block_size),
          unused_(tensor_block_rows) {
        for (const FactorTable& table : tables_) {
            views_.push_back({table.planes.data(), table.padded});
        }
        for (std::size_t d = 0; step != nullptr && d < tables_.size(); ++d) {
            steps_.push_back({step->tables()[d].planes.data(), step->tables()[d].padded});
        }
    }

    void add(std::size_t first, std::size_t count, Piece& piece) {
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t row = rows_.row(first + i);
            names_[i] = static_cast<std::uint32_t>(row);
            y_[i] = rows_.y[row] - offset_;
            weight_[i] = rows_.weight(row);
            multiplier_[i] = rows_.multiplier.empty() ? 1.0 : rows_.multiplier[row];
            piece.weight += weight_[i];
        }
        rows_.x.read_rows({names_.data(), count}, x_.data(), block_size);
        for (std::size_t k = 0; k < tables_.size(); ++k) {
            const FactorTable& table = tables_[k];
            const GridView grid = {table.nodes.data(), table.nodes.size(), table.center.data(),
                                   table.inverse_width.data()};
            for (std::size_t at = 0; at < count; at += tensor_block_rows) {
                const std::size_t to = k * block_size + at;
                tensor_row_kernels().locate(grid, x_.data() + to,
                                            std::min(tensor_block_rows, count - at),
                                            cell_.data() + to, t_.data() + to, unused_.data());
            }
        }
        piece.squares += als_row_kernels().add_slopes(
            views_.data(), steps_.empty() ? nullptr : steps_.data(), tables_.size(),
            {cell_.data(), t_.data(), multiplier_.data(), count}, y_.data(), weight_.data(),
            space_.data(), piece.right.data());
    }

  private:
    const FitRows& rows_;
    std::span<const FactorTable> tables_;
    double offset_;
    std::vector<kernels::FactorView> views_, steps_;
    std::vector<double> x_, t_;
    std::vector<int> cell_;
    AlignedDoubles space_;
    std::vector<std::uint32_t> names_;
    std::vector<double> y_, weight_, multiplier_, unused_;
};

/// The moments of all modes, of which every input's come from a pass of its own, as slopes: those
/// on the right less what the model has of them already.
double leave_residual(const FactorTable& table, std::size_t modes, CellMoments& moments) {
    const std::size_t padded = table.padded;
    double squares = moments.square;
    for (std::size_t c = 0; c < table.center.size(); ++c) {
        const double* planes = table.planes.data() + c * shape_count * padded;
        for (std::size_t m = 0; m < modes; ++m) {
            for (std::size_t k = 0; k < shape_count; ++k) {
                double& right = moments.right[(c * shape_count + k) * padded + m];
                const double target = right;
                for (std::size_t n = 0; n < modes; ++n) {
                    const std::size_t pair = c * modes + std::max(m, n);  // each was summed once
                    for (std::size_t q = 0; q < shape_count; ++q) {
                        right -=
                            moments.pairs[(pair * moment_count + k + q) * padded + std::min(m, n)] *
                            planes[q * padded + n];
                    }
                }
                squares -= planes[k * padded + m] * (target + right);
            }
        }
    }
    return squares;
}

/// One an input, as the slopes.
using ByNode = std::vector<std::vector<double>>;

void take(const TensorSurrogate& model, std::size_t d, const CellMoments& moments, ByNode& out) {
    const GridBasis& basis = model.basis(d);
    out.emplace_back(basis.node_count() * model.modes(), 0.0);
    moments.add_by_node(basis, model.modes(), model.tables()[d].padded, out.back().data());
}

/// error_slopes on the CPU; or, with `step`, the same of the model's change along it: the product
/// of the squared error's bends and the step.
ErrorSlopes sums_here(const TensorSurrogate& model, const TensorSurrogate* step,
                      const FitRows& rows, const AlsOptions& options) {
    const std::size_t inputs = model.inputs();
    const std::size_t total = rows.count();
    const std::size_t blocks = (total + block_size - 1) / block_size;
    std::vector<Piece> pieces(std::min(blocks, most_pieces));
    const unsigned workers = static_cast<unsigned>(
        std::min<std::size_t>(resolve_threads(options.threads), pieces.size()));
    std::vector<Pass> passes(workers, Pass(model, step, rows));
    std::atomic<bool> given_up{false};
    parallel_for(pieces.size(), workers, [&](std::size_t p, unsigned worker) {
        Piece& piece = pieces[p];
        piece.moments.resize(inputs);
        for (std::size_t d = 0; d < inputs; ++d) {
            const FactorTable& table = model.tables()[d];
            piece.moments[d].right.assign(table.planes.size(), 0.0);
            piece.right.push_back(piece.moments[d].right.data());
        }
        const std::size_t end = blocks * (p + 1) / pieces.size();
        std::size_t since = 0;
        for (std::size_t b = blocks * p / pieces.size(); b < end && !given_up; ++b) {
            const std::size_t first = b * block_size;
            passes[worker].add(first, std::min(block_size, total - first), piece);
            since += block_size;  // rows on a disk take long to go through once
            if (options.stop && since >= rows_between_stops) {
                since = 0;
                given_up = given_up || options.stop();
            }
        }
    });
    ErrorSlopes slopes;
    for (std::size_t d = 0; d < inputs; ++d) {
        for (std::size_t p = 1; p < pieces.size(); ++p) {
            pieces[0].moments[d].add(pieces[p].moments[d]);
        }
        take(model, d, pieces[0].moments[d], slopes.by_node);
    }
    for (const Piece& piece : pieces) {
        slopes.squares += piece.squares;
        slopes.weight += piece.weight;
    }
    return slopes;
}

double dot(const ByNode& a, const ByNode& b) {
    double sum = 0;
    for (std::size_t d = 0; d < a.size(); ++d) {
        sum = std::inner_product(a[d].begin(), a[d].end(), b[d].begin(), sum);
    }
    return sum;
}

/// a += factor * b
void add(ByNode& a, double factor, const ByNode& b) {
    for (std::size_t d = 0; d < a.size(); ++d) {
        for (std::size_t i = 0; i < a[d].size(); ++i) {
            a[d][i] += factor * b[d][i];
        }
    }
}

ByNode node_values(const TensorSurrogate& model) {
    ByNode values;
    for (std::size_t d = 0; d < model.inputs(); ++d) {
        const std::size_t nodes = model.basis(d).node_count();
        values.emplace_back(nodes * model.modes());
        for (std::size_t i = 0; i < values[d].size(); ++i) {
            values[d][i] = model.factor(d)[i % model.modes() * nodes + i / model.modes()];
        }
    }
    return values;
}

TensorSurrogate with_node_values(TensorSurrogate model, const ByNode& values) {
    for (std::size_t d = 0; d < model.inputs(); ++d) {
        const std::size_t nodes = model.basis(d).node_count();
        for (std::size_t i = 0; i < values[d].size(); ++i) {
            model.factor(d)[i % model.modes() * nodes + i / model.modes()] = values[d][i];
        }
    }
    model.refresh();
    return model;
}

/// How the squared error and the penalties of a sample bend around a model.
class Bends {
  public:
    Bends(const TensorSurrogate& model, const FreeFactors& free, const FitRows& sample,
          const AlsOptions& options)
        : model_(model), sample_(sample), options_(options) {
        PlacedRows rows(sample, model.tables(), options.threads);
        for (std::size_t d = 0; d < model.inputs(); ++d) {
            chosen_.emplace_back();
            for (std::size_t m = 0; m < model.modes(); ++m) {
                if (free(m, d)) {
                    chosen_[d].push_back(m);
                }
            }
            equations_.emplace_back(model.basis(d), options.smoothing);
            const std::size_t padded =
                (chosen_[d].size() + mode_padding - 1) / mode_padding * mode_padding;
            CellMoments moments;
            moments.clear(model.basis(d).cells(), chosen_[d].size(), padded);
            rows.gather(d, model.tables(), chosen_[d], model.modes(), model.offset(), padded,
                        moments);
            if (!equations_[d].take(moments, chosen_[d].size(), padded)) {
                chosen_[d].clear();
            }
        }
    }

    /// f(equations, values of an input's free factors), back among zeros for the others.
    template <class F>
    ByNode by_input(const ByNode& values, const F& f) const {
        ByNode out;
        const std::size_t modes = model_.modes();
        for (std::size_t d = 0; d < values.size(); ++d) {
            out.emplace_back(values[d].size(), 0.0);
            const std::size_t free = chosen_[d].size();
            if (free == 0) {
                continue;
            }
            const auto place = [&](std::size_t i) {
                return i / free * modes + chosen_[d][i % free];
            };
            std::vector<double> some(values[d].size() / modes * free);
            for (std::size_t i = 0; i < some.size(); ++i) {
                some[i] = values[d][place(i)];
            }
            some = f(equations_[d], some);
            for (std::size_t i = 0; i < some.size(); ++i) {
                out[d][place(i)] = some[i];
            }
        }
        return out;
    }
    ByNode penalty_of(const ByNode& values) const {
        return by_input(values, [](const InputEquations& equations, const auto& some) {
            return equations.penalty_of(some);
        });
    }
    /// What every input alone would do.
    ByNode solve_apart(const ByNode& right) const {
        return by_input(right, [](const InputEquations& equations, const auto& some) {
            return equations.solve(some);
        });
    }
    ByNode times(const ByNode& step) const {
        const TensorSurrogate along = with_node_values(model_, step);
        ByNode product = sums_here(model_, &along, sample_, options_).by_node;
        add(product, 1, penalty_of(step));
        return product;
    }

  private:
    const TensorSurrogate& model_;
    const FitRows& sample_;
    const AlsOptions& options_;
    std::vector<std::vector<std::size_t>> chosen_;
    std::vector<InputEquations> equations_;
};

/// Conjugate gradients for bends * step = slopes.
ByNode newton_step(const Bends& bends, ByNode slopes) {
    ByNode step = slopes;
    add(step, -1, slopes);
    ByNode along = bends.solve_apart(slopes);
    double left = dot(slopes, along);
    for (std::size_t k = 0; k < iterations && left > 0; ++k) {
        const ByNode bent = bends.times(along);
        const double length = left / dot(along, bent);
        add(step, length, along);
        add(slopes, -length, bent);
        ByNode next = bends.solve_apart(slopes);
        const double now = dot(slopes, next);
        add(next, now / left, along);
        along = std::move(next);
        left = now;
    }
    return step;
}

}  // namespace

ErrorSlopes error_slopes(const TensorSurrogate& model, const FitRows& rows,
                         const AlsOptions& options) {
    if (!options.rows_there) {
        return sums_here(model, nullptr, rows, options);
    }
    ErrorSlopes slopes;
    const std::unique_ptr<MomentRows> there = options.rows_there(rows);
    std::vector<std::size_t> every(model.modes());
    std::iota(every.begin(), every.end(), std::size_t{0});
    for (std::size_t d = 0; d < model.inputs() && !(options.stop && options.stop()); ++d) {
        const FactorTable& table = model.tables()[d];
        CellMoments moments;
        moments.clear(model.basis(d).cells(), model.modes(), table.padded);
        there->gather(d, model.tables(), every, model.modes(), model.offset(), table.padded,
                      moments);
        slopes.squares = leave_residual(table, model.modes(), moments);
        take(model, d, moments, slopes.by_node);
    }
    for (std::size_t i = 0; i < rows.count(); ++i) {
        slopes.weight += rows.weight(rows.row(i));
    }
    return slopes;
}

void fit_all_rows(TensorSurrogate& model, const FreeFactors& free, const FitRows& all,
                  std::span<const std::uint32_t> sample, const AlsOptions& options) {
    const auto stopped = [&] { return options.stop && options.stop(); };
    const ErrorSlopes here = error_slopes(model, all, options);
    if (stopped()) {
        return;
    }
    FitRows some = all;
    some.rows = sample;
    const Bends bends(model, free, some, options);
    const ByNode values = node_values(model);
    double share = 0;
    for (const std::uint32_t row : sample) {
        share += all.weight(row) / here.weight;
    }
    ByNode slopes = bends.penalty_of(values);
    add(slopes, -share, here.by_node);
    for (auto& of_input : slopes) {
        std::transform(of_input.begin(), of_input.end(), of_input.begin(), std::negate<>());
    }
    const ByNode step = newton_step(bends, slopes);

    const auto moved = [&](double length) {
        ByNode there = values;
        add(there, length, step);
        return with_node_values(model, there);
    };

    // How far to go, the sample tells: by its squared error with the slopes of all rows.
    const ErrorSlopes at = sums_here(model, nullptr, some, options);
    const double tilt = 2 * (dot(at.by_node, step) - share * dot(here.by_node, step));
    double length = 0;
    double least = std::numeric_limits<double>::infinity();
    for (double tried = 1; tried >= shortest; tried /= 2) {
        const double squares =
            sums_here(moved(tried), nullptr, some, options).squares + tried * tilt;
        if (squares < least) {
            least = squares;
            length = tried;
        }
    }
    // All rows have the last word.
    for (; length >= shortest && !stopped(); length /= 2) {
        TensorSurrogate there = moved(length);
        if (error_slopes(there, all, options).squares < here.squares && !stopped()) {
            model = std::move(there);
            return;
        }
    }
}

}  // namespace closedform
