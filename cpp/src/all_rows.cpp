#include "closedform/all_rows.hpp"

#include <algorithm>
#include <atomic>
#include <numeric>

#include "closedform/cell_moments.hpp"
#include "closedform/parallel.hpp"
#include "simd/als_rows.hpp"
#include "simd/tensor_rows.hpp"

namespace closedform {
namespace {

constexpr std::size_t block_size = als_block_rows;
constexpr std::size_t rows_between_stops = 1U << 18U;
constexpr std::size_t most_pieces = 32;  // fixed, so that sums do not depend on threads

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
    Pass(const TensorSurrogate& model, const FitRows& rows)
        : rows_(rows),
          tables_(model.tables()),
          offset_(model.offset()),
          x_(tables_.size() * block_size),
          t_(x_.size()),
          cell_(x_.size()),
          space_(2 * tables_.size() * tables_[0].padded),
          names_(block_size),
          y_(block_size),
          weight_(block_size),
          multiplier_(block_size),
          unused_(tensor_block_rows) {
        for (const FactorTable& table : tables_) {
            views_.push_back({table.planes.data(), table.padded});
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
            views_.data(), tables_.size(), {cell_.data(), t_.data(), multiplier_.data(), count},
            y_.data(), weight_.data(), space_.data(), piece.right.data());
    }

  private:
    const FitRows& rows_;
    std::span<const FactorTable> tables_;
    double offset_;
    std::vector<kernels::FactorView> views_;
    std::vector<double> x_, t_;
    std::vector<int> cell_;
    std::vector<double> space_;
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
                            moments
                                .pairs[(pair * moment_count + k + q) * padded + std::min(m, n)] *
                            planes[q * padded + n];
                    }
                }
                squares -= planes[k * padded + m] * (target + right);
            }
        }
    }
    return squares;
}

}  // namespace

ErrorSlopes error_slopes(const TensorSurrogate& model, const FitRows& rows,
                         const AlsOptions& options) {
    const std::span<const FactorTable> tables = model.tables();
    const std::size_t modes = model.modes();
    const std::size_t padded = tables[0].padded;
    ErrorSlopes slopes;
    const auto take = [&](std::size_t d, const CellMoments& moments) {
        const GridBasis& basis = model.basis(d);
        slopes.by_node.emplace_back(basis.node_count() * modes, 0.0);
        moments.add_by_node(basis, modes, padded, slopes.by_node.back().data());
    };
    if (options.rows_there) {
        const std::unique_ptr<MomentRows> there = options.rows_there(rows);
        std::vector<std::size_t> every(modes);
        std::iota(every.begin(), every.end(), std::size_t{0});
        for (std::size_t d = 0; d < tables.size() && !(options.stop && options.stop()); ++d) {
            CellMoments moments;
            moments.clear(model.basis(d).cells(), modes, padded);
            there->gather(d, tables, every, modes, model.offset(), padded, moments);
            slopes.squares = leave_residual(tables[d], modes, moments);
            take(d, moments);
        }
        for (std::size_t i = 0; i < rows.count(); ++i) {
            slopes.weight += rows.weight(rows.row(i));
        }
        return slopes;
    }
    const std::size_t total = rows.count();
    const std::size_t blocks = (total + block_size - 1) / block_size;
    std::vector<Piece> pieces(std::min(blocks, most_pieces));
    const unsigned workers = static_cast<unsigned>(
        std::min<std::size_t>(resolve_threads(options.threads), pieces.size()));
    std::vector<Pass> passes(workers, Pass(model, rows));
    std::atomic<bool> given_up{false};
    parallel_for(pieces.size(), workers, [&](std::size_t p, unsigned worker) {
        Piece& piece = pieces[p];
        piece.moments.resize(tables.size());
        for (std::size_t d = 0; d < tables.size(); ++d) {
            piece.moments[d].right.assign(model.basis(d).cells() * shape_count * padded, 0.0);
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
    for (std::size_t p = 1; p < pieces.size(); ++p) {
        pieces[0].squares += pieces[p].squares;
        pieces[0].weight += pieces[p].weight;
        for (std::size_t d = 0; d < tables.size(); ++d) {
            pieces[0].moments[d].add(pieces[p].moments[d]);
        }
    }
    slopes.squares = pieces[0].squares;
    slopes.weight = pieces[0].weight;
    for (std::size_t d = 0; d < tables.size(); ++d) {
        take(d, pieces[0].moments[d]);
    }
    return slopes;
}

void fit_all_rows(TensorSurrogate& model, const FreeFactors& free, const FitRows& all,
                  std::span<const std::uint32_t> sample, const AlsOptions& options) {
    const auto stopped = [&] { return options.stop && options.stop(); };
    FitRows some = all;
    some.rows = sample;
    const ErrorSlopes here = error_slopes(model, all, options);
    if (stopped()) {
        return;
    }
    std::vector<std::vector<double>> tilt = error_slopes(model, some, options).by_node;
    double share = 0;
    for (const std::uint32_t row : sample) {
        share += all.weight(row) / here.weight;
    }
    for (std::size_t d = 0; d < tilt.size(); ++d) {
        for (std::size_t i = 0; i < tilt[d].size(); ++i) {
            tilt[d][i] = share * here.by_node[d][i] - tilt[d][i];
        }
    }
    AlsOptions tilted = options;
    tilted.tilt = tilt;
    TensorSurrogate moved = model;
    fit_als(moved, free, some, tilted);
    if (stopped()) {
        return;
    }
    const ErrorSlopes there = error_slopes(moved, all, options);
    if (!stopped() && there.squares < here.squares) {
        model = std::move(moved);
    }
}

}  // namespace closedform
