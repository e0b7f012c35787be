#include "closedform/als.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>

#include "closedform/cell_moments.hpp"
#include "closedform/parallel.hpp"
#include "kernel_sets.hpp"
#include "simd/als_rows.hpp"
#include "simd/tensor_rows.hpp"

namespace closedform {

CLOSEDFORM_DECLARE_SETS(AlsRowKernels, als_row_kernels)

const AlsRowKernels& als_row_kernels() {
    static const AlsRowKernels& chosen = CLOSEDFORM_PICK_SET(AlsRowKernels, als_row_kernels);
    return chosen;
}

namespace {

constexpr std::size_t block = als_block_rows;
constexpr std::size_t rows_between_stops = 1U << 18U;

/// Pieces of the rows that are accumulated apart and merged in order: fixed by the number of rows,
/// so that the result does not depend on the number of threads.
std::size_t piece_count(std::size_t rows) { return std::clamp<std::size_t>(rows / 2048, 1, 32); }

/// One block of rows on its way into the moments.
struct BlockSpace {
    explicit BlockSpace(std::size_t inputs)
        : x(inputs * block), t(inputs * block), spare(block), cell(inputs * block) {}
    std::vector<double> x, t, spare;
    std::vector<int> cell;
    std::array<std::uint32_t, block> rows{};
    std::array<unsigned, block> order{};
    std::vector<double> products, chosen;
    std::array<double, block> residual{};
    std::array<double, block * moment_count> powers{};
    std::vector<std::size_t> cell_start;
};

std::vector<double> penalty_of(const GridBasis& basis, double smoothing) {
    std::vector<double> penalty = basis.roughness();
    const std::vector<double> spread = basis.spread();
    for (std::size_t i = 0; i < penalty.size(); ++i) {
        penalty[i] = smoothing * (penalty[i] + (basis.levels() ? 10.0 : 1.0) * spread[i]);
    }
    for (std::size_t i = 0; i < basis.node_count(); ++i) {
        penalty[i * basis.node_count() + i] += 1e-13;  // nodes without rows stay put
    }
    return penalty;
}

/// Share of the moment t^q in the product of two shape functions: t^k t^l with k + l = q.
std::vector<double> weave_of(const GridBasis& basis) {
    const std::size_t width = basis.width();
    std::vector<double> weave(basis.cells() * moment_count * width * width, 0.0);
    for (std::size_t c = 0; c < basis.cells(); ++c) {
        double* cell = weave.data() + c * moment_count * width * width;
        for (std::size_t i = 0; i < width; ++i) {
            for (std::size_t j = 0; j < width; ++j) {
                for (std::size_t k = 0; k < shape_count; ++k) {
                    for (std::size_t l = 0; l < shape_count; ++l) {
                        cell[((k + l) * width + i) * width + j] +=
                            basis.shape(c, i)[k] * basis.shape(c, j)[l];
                    }
                }
            }
        }
    }
    return weave;
}

class Solver {
  public:
    Solver(TensorSurrogate& model, const FreeFactors& free, const FitRows& rows,
           const AlsOptions& options)
        : model_(model), free_(free), rows_(rows), options_(options), tables_(model.inputs()) {
        if (free.modes() != model.modes() || free.inputs() != model.inputs() ||
            rows.x.columns() != model.inputs() || rows.x.rows() != rows.y.size() ||
            rows.count() == 0 || (!rows.weights.empty() && rows.weights.size() != rows.y.size()) ||
            (!rows.multiplier.empty() && rows.multiplier.size() != rows.y.size())) {
            throw std::invalid_argument("als: sizes of rows, weights and model do not match");
        }
        for (std::size_t i = 0; i < rows.count(); ++i) {
            total_weight_ += rows.weight(rows.row(i));
        }
        if (!(total_weight_ > 0)) {
            throw std::invalid_argument("als: weights must have a positive sum");
        }
        for (std::size_t d = 0; d < model.inputs(); ++d) {
            refresh_table(d);
            weaves_.push_back(weave_of(model.basis(d)));
            penalties_.push_back(penalty_of(model.basis(d), options.smoothing));
        }
        if (options.rows_there) {
            there_ = options.rows_there(rows);
        }
        const std::size_t pieces = there_ ? 1 : piece_count(rows.count());
        moments_.resize(pieces);
        const unsigned workers =
            static_cast<unsigned>(std::min<std::size_t>(resolve_threads(options.threads), pieces));
        for (unsigned w = 0; w < workers; ++w) {
            spaces_.emplace_back(model.inputs());
        }
    }

    AlsResult run() {
        AlsResult result;
        double before = std::numeric_limits<double>::infinity();
        while (result.sweeps < options_.max_sweeps) {
            for (std::size_t d = 0; d < model_.inputs(); ++d) {
                if (options_.stop && options_.stop()) {
                    finish(result);
                    return result;
                }
                update(d);
            }
            ++result.sweeps;
            if (before - objective_ <= options_.tolerance * objective_) {
                break;
            }
            before = objective_;
        }
        finish(result);
        return result;
    }

  private:
    void finish(AlsResult& result) {
        result.rmse = std::sqrt(std::max(0.0, squares_) / total_weight_);
        model_.refresh();
    }

    void refresh_table(std::size_t d) {
        fill_factor_table(model_.basis(d), model_.factor(d), model_.modes(), Outside::linear,
                          tables_[d]);
    }

    void update(std::size_t d);
    void gather(std::size_t d, std::size_t first, std::size_t count, BlockSpace& space,
                CellMoments& moments) const;
    void solve(std::size_t d);
    void assemble(std::size_t d);
    void store(std::size_t d, const std::vector<double>& u);
    /// Element of the normal matrix, row >= column.
    double& band(std::size_t row, std::size_t column) {
        return band_[column * (reach_ + 1) + row - column];
    }

    TensorSurrogate& model_;
    const FreeFactors& free_;
    const FitRows& rows_;
    const AlsOptions& options_;
    std::vector<FactorTable> tables_;
    std::vector<std::vector<double>> penalties_;  ///< per input, [nodes][nodes]
    std::vector<CellMoments> moments_;
    std::vector<BlockSpace> spaces_;
    std::unique_ptr<MomentRows> there_;  ///< the rows, where a device has them
    std::vector<std::size_t> chosen_;    ///< modes whose factor of the current input is free
    std::size_t chosen_padded_ = 0;
    std::vector<std::vector<double>> weaves_;  ///< per input, [cells][9][width][width]
    std::size_t reach_ = 0;                    ///< sub-diagonals of the normal matrix
    std::vector<double> band_;                 ///< its lower band, by columns
    std::vector<double> right_;                ///< its right-hand side
    double total_weight_ = 0;
    double objective_ = 0;
    double squares_ = 0;
};

/// Adds rows at positions [first, first + count) to the moments of input d.
void Solver::gather(std::size_t d, std::size_t first, std::size_t count, BlockSpace& s,
                    CellMoments& moments) const {
    const std::size_t inputs = model_.inputs();
    const std::size_t modes = model_.modes();
    const TensorRowKernels& place = tensor_row_kernels();
    const AlsRowKernels& kernel = als_row_kernels();
    for (std::size_t i = 0; i < count; ++i) {
        s.rows[i] = static_cast<std::uint32_t>(rows_.row(first + i));
    }
    rows_.x.read_rows({s.rows.data(), count}, s.x.data(), block);
    std::vector<kernels::FactorView> views(inputs);
    for (std::size_t k = 0; k < inputs; ++k) {
        const FactorTable& table = tables_[k];
        views[k] = {table.planes.data(), table.padded};
        for (std::size_t at = 0; at < count; at += tensor_block_rows) {
            place.locate({table.nodes.data(), table.nodes.size(), table.center.data(),
                          table.inverse_width.data()},
                         s.x.data() + k * block + at, std::min(tensor_block_rows, count - at),
                         s.cell.data() + k * block + at, s.t.data() + k * block + at,
                         s.spare.data() + at);
        }
    }
    // Rows of one cell next to each other.
    const int* cell = s.cell.data() + d * block;
    const double* t = s.t.data() + d * block;
    const std::size_t cells = model_.basis(d).cells();
    s.cell_start.assign(cells + 1, 0);
    for (std::size_t i = 0; i < count; ++i) {
        ++s.cell_start[static_cast<std::size_t>(cell[i]) + 1];
    }
    for (std::size_t c = 0; c < cells; ++c) {
        s.cell_start[c + 1] += s.cell_start[c];
    }
    for (std::size_t i = 0; i < count; ++i) {
        s.order[s.cell_start[static_cast<std::size_t>(cell[i])]++] = static_cast<unsigned>(i);
    }
    const std::size_t padded = views[0].padded;
    s.products.assign(count * padded, 0.0);
    for (std::size_t i = 0; i < count; ++i) {
        const double start = rows_.multiplier.empty() ? 1.0 : rows_.multiplier[s.rows[s.order[i]]];
        std::fill_n(s.products.data() + i * padded, modes, start);
    }
    kernel.products(views.data(), inputs, d, s.cell.data(), s.t.data(), s.order.data(), count,
                    s.products.data());

    const double* g = s.products.data();
    if (chosen_.size() < modes) {
        s.chosen.assign(count * chosen_padded_, 0.0);
        g = s.chosen.data();
    }
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t row = s.rows[s.order[i]];
        const double ti = t[s.order[i]];
        double residual = rows_.y[row] - model_.offset();
        if (chosen_.size() < modes) {
            const double* product = s.products.data() + i * padded;
            const auto c = static_cast<std::size_t>(cell[s.order[i]]);
            const double* planes = tables_[d].planes.data() + c * shape_count * padded;
            std::size_t next = 0;
            for (std::size_t m = 0; m < modes; ++m) {
                if (next < chosen_.size() && chosen_[next] == m) {
                    s.chosen[i * chosen_padded_ + next++] = product[m];
                } else {
                    double f = planes[4 * padded + m];
                    for (std::size_t k = 4; k-- > 0;) {
                        f = f * ti + planes[k * padded + m];
                    }
                    residual -= product[m] * f;
                }
            }
        }
        s.residual[i] = residual;
        double power = rows_.weight(row);
        moments.square += power * residual * residual;
        for (std::size_t k = 0; k < moment_count; ++k) {
            s.powers[i * moment_count + k] = power;
            power *= ti;
        }
    }
    std::size_t from = 0;
    for (std::size_t c = 0; c < cells; ++c) {
        const std::size_t to = s.cell_start[c];  // moved to the cell's end by the sort
        if (to > from) {
            kernel.accumulate(
                g + from * chosen_padded_, s.powers.data() + from * moment_count,
                s.residual.data() + from, to - from, chosen_.size(), chosen_padded_,
                moments.pairs.data() + c * chosen_.size() * moment_count * chosen_padded_,
                moments.right.data() + c * shape_count * chosen_padded_);
        }
        from = to;
    }
}

void Solver::update(std::size_t d) {
    chosen_.clear();
    for (std::size_t m = 0; m < model_.modes(); ++m) {
        if (free_(m, d)) {
            chosen_.push_back(m);
        }
    }
    if (chosen_.empty()) {
        return;
    }
    chosen_padded_ = (chosen_.size() + mode_padding - 1) / mode_padding * mode_padding;
    if (there_) {
        moments_[0].clear(model_.basis(d).cells(), chosen_.size(), chosen_padded_);
        there_->gather(d, tables_, chosen_, model_.modes(), model_.offset(), chosen_padded_,
                       moments_[0]);
        solve(d);
        return;
    }
    const std::size_t pieces = moments_.size();
    const std::size_t total = rows_.count();
    const std::size_t cells = model_.basis(d).cells();
    std::atomic<bool> given_up{false};
    parallel_for(
        pieces, static_cast<unsigned>(spaces_.size()), [&](std::size_t piece, unsigned worker) {
            CellMoments& moments = moments_[piece];
            moments.clear(cells, chosen_.size(), chosen_padded_);
            const std::size_t end = total * (piece + 1) / pieces;
            std::size_t since = 0;
            for (std::size_t at = total * piece / pieces; at < end && !given_up; at += block) {
                gather(d, at, std::min(block, end - at), spaces_[worker], moments);
                // Rows on a disk take long to go through once.
                since += block;
                if (options_.stop && since >= rows_between_stops) {
                    since = 0;
                    given_up = given_up || options_.stop();
                }
            }
        });
    if (given_up) {
        return;
    }
    for (std::size_t piece = 1; piece < pieces; ++piece) {
        moments_[0].add(moments_[piece]);
    }
    solve(d);
}

/// Normal matrix and right-hand side, unknowns ordered [node][mode]: only modes of nodes that share
/// a cell meet, so that the matrix is a narrow band.
void Solver::assemble(std::size_t d) {
    const GridBasis& basis = model_.basis(d);
    const std::size_t width = basis.width();
    const std::size_t modes = chosen_.size();
    CellMoments& moments = moments_[0];
    for (std::size_t c = 0; c < basis.cells(); ++c) {
        double* cell = moments.pairs.data() + c * modes * moment_count * chosen_padded_;
        if (!moments.any(c, modes, chosen_padded_)) {
            continue;
        }
        for (std::size_t m = 0; m < modes; ++m) {  // each pair was summed once
            for (std::size_t q = 0; q < moment_count; ++q) {
                for (std::size_t n = m + 1; n < modes; ++n) {
                    cell[(m * moment_count + q) * chosen_padded_ + n] =
                        cell[(n * moment_count + q) * chosen_padded_ + m];
                }
            }
        }
        const std::size_t first = basis.first_node(c);
        als_row_kernels().add_cell(cell, weaves_[d].data() + c * moment_count * width * width,
                                   width, modes, chosen_padded_, first, band_.data(), reach_);
        for (std::size_t i = 0; i < width; ++i) {
            for (std::size_t m = 0; m < modes; ++m) {
                double sum = 0;
                for (std::size_t k = 0; k < shape_count; ++k) {
                    sum += basis.shape(c, i)[k] *
                           moments.right[(c * shape_count + k) * chosen_padded_ + m];
                }
                right_[(first + i) * modes + m] += sum;
            }
        }
    }
}

void Solver::solve(std::size_t d) {
    const GridBasis& basis = model_.basis(d);
    const std::size_t nodes = basis.node_count();
    const std::size_t modes = chosen_.size();
    // How many nodes on a node meets: those of its cells, and those a penalty ties it to.
    const std::size_t ties =
        basis.levels() ? nodes - 1 : std::max<std::size_t>(basis.width() - 1, 2);
    const std::size_t size = modes * nodes;
    reach_ = std::min((ties + 1) * modes - 1, size - 1);
    band_.assign(size * (reach_ + 1), 0.0);
    right_.assign(size, 0.0);
    assemble(d);

    // Penalties in proportion to what the mode's other factors carry, so that they do not depend on
    // how a mode's scale is shared among its factors.
    std::vector<double> carried(modes, 0.0);
    double most = 0;
    for (std::size_t m = 0; m < modes; ++m) {
        for (std::size_t c = 0; c < basis.cells(); ++c) {
            carried[m] += moments_[0].pairs[((c * modes + m) * moment_count) * chosen_padded_ + m];
        }
        most = std::max(most, carried[m]);
    }
    if (!(most > 0)) {
        return;  // every mode is zero elsewhere: nothing to learn from this input
    }
    const std::vector<double>& penalty = penalties_[d];
    for (std::size_t m = 0; m < modes; ++m) {
        carried[m] = std::max(carried[m], 1e-10 * most);
        for (std::size_t i = 0; i < nodes; ++i) {
            for (std::size_t j = i > ties ? i - ties : 0; j <= i; ++j) {
                band(i * modes + m, j * modes + m) += carried[m] * penalty[i * nodes + j];
            }
        }
    }
    const AlsRowKernels& kernel = als_row_kernels();
    const std::vector<double> original = band_;
    double ridge = 1e-12 * most / static_cast<double>(nodes);
    while (!kernel.factor_band(band_.data(), size, reach_)) {
        band_ = original;
        for (std::size_t i = 0; i < size; ++i) {
            band(i, i) += ridge;
        }
        ridge *= 100;
        if (!(ridge < 1e6 * most)) {
            return;
        }
    }
    std::vector<double> u = right_;
    kernel.solve_band(band_.data(), size, reach_, u.data());
    double gain = 0;
    double price = 0;
    for (std::size_t i = 0; i < size; ++i) {
        gain += right_[i] * u[i];
    }
    for (std::size_t m = 0; m < modes; ++m) {
        for (std::size_t i = 0; i < nodes; ++i) {
            double row = 0;
            for (std::size_t j = 0; j < nodes; ++j) {
                row += penalty[i * nodes + j] * u[j * modes + m];
            }
            price += carried[m] * row * u[i * modes + m];
        }
    }
    if (!std::isfinite(gain + price)) {
        return;
    }
    objective_ = moments_[0].square - gain;
    squares_ = objective_ - price;
    store(d, u);
}

/// Writes the solution back; a mode's scale moves on to its next free factor, which is solved next.
void Solver::store(std::size_t d, const std::vector<double>& u) {
    const std::size_t nodes = model_.basis(d).node_count();
    for (std::size_t f = 0; f < chosen_.size(); ++f) {
        const std::size_t m = chosen_[f];
        double scale = 0;
        for (std::size_t j = 0; j < nodes; ++j) {
            scale = std::max(scale, std::abs(u[j * chosen_.size() + f]));
        }
        std::size_t heir = d;
        for (std::size_t step = 1; step < model_.inputs() && heir == d; ++step) {
            const std::size_t k = (d + step) % model_.inputs();
            heir = free_(m, k) ? k : d;
        }
        if (heir == d || !(scale > 0)) {
            scale = 1;
        }
        for (std::size_t j = 0; j < nodes; ++j) {
            model_.factor(d)[m * nodes + j] = u[j * chosen_.size() + f] / scale;
        }
        if (scale != 1) {
            const std::size_t heir_nodes = model_.basis(heir).node_count();
            for (std::size_t j = 0; j < heir_nodes; ++j) {
                model_.factor(heir)[m * heir_nodes + j] *= scale;
            }
            const std::size_t padded = tables_[heir].padded;
            for (std::size_t at = m; at < tables_[heir].planes.size(); at += padded) {
                tables_[heir].planes[at] *= scale;
            }
        }
    }
    refresh_table(d);
}

}  // namespace

AlsResult fit_als(TensorSurrogate& model, const FreeFactors& free, const FitRows& rows,
                  const AlsOptions& options) {
    return Solver(model, free, rows, options).run();
}

}  // namespace closedform
