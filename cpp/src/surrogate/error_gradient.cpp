#include "surrogate/error_gradient.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "closedform/core/aligned_vector.hpp"
#include "core/fold_parts.hpp"
#include "core/parallel.hpp"
#include "kernels/simd/als.hpp"
#include "surrogate/als_moments.hpp"
#include "surrogate/place_rows.hpp"

namespace closedform {
namespace {

constexpr std::size_t block_size = als_block_rows;
constexpr std::size_t most_pieces = 32;  // fixed, so that sums do not depend on threads

/// The sums of some of the rows, of every input.
struct Piece {
    std::vector<CellMoments> moments;
    std::vector<double*> right;
    double squares = 0;

    explicit Piece(const TensorSurrogate& model) : moments(model.inputs()) {
        for (std::size_t d = 0; d < model.inputs(); ++d) {
            moments[d].right.assign(model.tables()[d].planes.size(), 0.0);
            right.push_back(moments[d].right.data());
        }
    }
    void add(const Piece& other) {
        squares += other.squares;
        for (std::size_t d = 0; d < moments.size(); ++d) {
            moments[d].add(other.moments[d]);
        }
    }
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
          multiplier_(block_size) {
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
        }
        rows_.x.read_rows({names_.data(), count}, x_.data(), block_size);
        place_rows(tables_, x_.data(), block_size, count, cell_.data(), t_.data());
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
    std::vector<double> y_, weight_, multiplier_;
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

/// Adds an input's right-hand sides to its nodes'.
void add_by_node(const TensorSurrogate& model, std::size_t d, const CellMoments& moments,
                 ErrorSlopes& total) {
    moments.add_by_node(model.basis(d), model.modes(), model.tables()[d].padded,
                        total.by_node[d].data());
}

class ErrorsHere : public ErrorRowSums {
  public:
    ErrorsHere(const FitRows& rows, unsigned threads) : rows_(rows), threads_(threads) {}

    bool add(const ErrorQuestion& question, const StopToken& stop, ErrorSlopes& total) override {
        const TensorSurrogate& model = question.model;
        const std::size_t count = rows_.count();
        const std::size_t blocks = (count + block_size - 1) / block_size;
        const std::size_t pieces = std::min(blocks, most_pieces);
        const unsigned workers =
            static_cast<unsigned>(std::min<std::size_t>(resolve_threads(threads_), pieces));
        std::vector<Pass> passes(workers, Pass(model, question.step, rows_));
        Piece all(model);
        const bool whole = fold_parts(
            pieces, workers, stop,
            [&](std::size_t p, unsigned worker) {
                Piece piece(model);
                const std::size_t end = blocks * (p + 1) / pieces;
                for (std::size_t b = blocks * p / pieces; b < end; ++b) {
                    const std::size_t first = b * block_size;
                    passes[worker].add(first, std::min(block_size, count - first), piece);
                    if (stop.stopped()) {
                        break;
                    }
                }
                return piece;
            },
            [&](std::size_t, const Piece& piece) { all.add(piece); });
        for (std::size_t d = 0; d < model.inputs(); ++d) {
            add_by_node(model, d, all.moments[d], total);
        }
        total.squares += all.squares;
        return whole && !stop.stopped();
    }

  private:
    const FitRows& rows_;
    unsigned threads_;
};

class ErrorsFromMoments : public ErrorRowSums {
  public:
    explicit ErrorsFromMoments(std::unique_ptr<MomentRowSums> moments)
        : moments_(std::move(moments)) {}

    bool add(const ErrorQuestion& question, const StopToken& stop, ErrorSlopes& total) override {
        const TensorSurrogate& model = question.model;
        std::vector<std::size_t> every(model.modes());
        std::iota(every.begin(), every.end(), std::size_t{0});
        double squares = 0;  // every pass has them
        for (std::size_t d = 0; d < model.inputs(); ++d) {
            const FactorTable& table = model.tables()[d];
            CellMoments sums;
            sums.clear(model.basis(d).cells(), model.modes(), table.padded);
            if (stop.stopped() || !moments_->add({d, model.tables(), every, model.modes(),
                                                  model.offset(), table.padded},
                                                 stop, sums)) {
                return false;
            }
            squares = leave_residual(table, model.modes(), sums);
            add_by_node(model, d, sums, total);
        }
        total.squares += squares;
        return true;
    }

  private:
    std::unique_ptr<MomentRowSums> moments_;
};

ErrorSlopes zeros(const TensorSurrogate& model) {
    ErrorSlopes total;
    for (std::size_t d = 0; d < model.inputs(); ++d) {
        total.by_node.emplace_back(model.basis(d).node_count() * model.modes(), 0.0);
    }
    return total;
}

}  // namespace

std::unique_ptr<ErrorRowSums> error_sums(const FitRows& rows, unsigned threads) {
    return std::make_unique<ErrorsHere>(rows, threads);
}

std::unique_ptr<ErrorRowSums> error_sums(std::unique_ptr<MomentRowSums> moments) {
    return std::make_unique<ErrorsFromMoments>(std::move(moments));
}

std::optional<ErrorSlopes> error_slopes(const TensorSurrogate& model, ErrorRowSums& rows,
                                        const StopToken& stop) {
    ErrorSlopes total = zeros(model);
    if (!rows.add({model}, stop, total)) {
        return std::nullopt;
    }
    return total;
}

NodeSums error_curvature(const TensorSurrogate& model, const TensorSurrogate& step,
                         ErrorRowSums& rows, const StopToken& stop) {
    ErrorSlopes total = zeros(model);
    rows.add({model, &step}, stop, total);
    return std::move(total.by_node);
}

}  // namespace closedform
