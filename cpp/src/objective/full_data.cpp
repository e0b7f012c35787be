#include "closedform/objective/full_data.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "core/fold_parts.hpp"
#include "core/parallel.hpp"
#include "expression/row_blocks.hpp"
#include "expression/workspace.hpp"
#include "objective/objective.hpp"

namespace closedform {
namespace {

constexpr std::size_t part_rows = 8192;
constexpr std::size_t equation_parts = 128;

template <class T>
void check(std::span<const Tape> tapes, MatrixView<const T> x, const Target& target) {
    if (x.rows != target.rows()) {
        throw std::invalid_argument("X: needs as many rows as there are targets");
    }
    for (const Tape& tape : tapes) {
        if (static_cast<std::size_t>(inputs_needed(tape)) > x.columns) {
            throw std::invalid_argument("X: has fewer columns than the expression reads");
        }
    }
}

/// look(objective at a part's rows, expression, workspace) of every part and expression; add(
/// expression, part, what look found) in the order of the parts. Every `stride`-th part. False
/// where it was stopped first.
template <class T, class Look, class Add>
bool over_parts(std::span<const Tape> tapes, MatrixView<const T> x, const Target& target,
                unsigned threads, std::size_t stride, const StopToken& stop, const Look& look,
                const Add& add) {
    using Found =
        decltype(look(std::declval<const Objective&>(), tapes.front(), std::declval<Workspace&>()));
    Units units;
    units.x.assign(x.columns, 1.0);
    const std::size_t all = tapes.empty() ? 0 : (x.rows + part_rows - 1) / part_rows;
    std::vector<Workspace> workspaces(std::min<std::size_t>(resolve_threads(threads), all));
    return fold_parts((all + stride - 1) / stride, threads, stop,
                      [&](std::size_t part, unsigned worker) {
                          Workspace& workspace = workspaces[worker];
                          const std::size_t begin = part * stride * part_rows;
                          std::vector<std::size_t> rows(std::min(part_rows, x.rows - begin));
                          std::iota(rows.begin(), rows.end(), begin);
                          const auto objective = target.at(RowBlocks(x, rows), rows, units);
                          std::vector<Found> found;
                          for (const Tape& tape : tapes) {
                              found.push_back(look(*objective, tape, workspace));
                          }
                          return found;
                      },
                      [&](std::size_t part, std::vector<Found>&& found) {
                          for (std::size_t t = 0; t < tapes.size(); ++t) {
                              add(t, part * stride, std::move(found[t]));
                          }
                      });
}

std::size_t equation_stride(std::size_t rows) {
    const std::size_t parts = (rows + part_rows - 1) / part_rows;
    return std::max<std::size_t>(1, (parts + equation_parts - 1) / equation_parts);
}

void add_scaled(std::vector<double>& to, const std::vector<double>& from, double factor) {
    to.resize(from.size(), 0.0);
    for (std::size_t i = 0; i < from.size(); ++i) {
        to[i] += factor * from[i];
    }
}

template <class T>
class LossesHere : public LossRowSums {
  public:
    LossesHere(MatrixView<const T> x, const Target& target, unsigned threads)
        : x_(x), target_(target), threads_(threads) {}

    bool add(const LossQuestion& question, const StopToken& stop,
             std::vector<LossSums>& total) override {
        check(question.tapes, x_, target_);
        return over_parts(
            question.tapes, x_, target_, threads_, 1, stop,
            [](const Objective& objective, const Tape& tape, Workspace& workspace) {
                return objective.sums(tape, workspace);
            },
            [&](std::size_t t, std::size_t, const LossSums& sums) { total[t] += sums; });
    }

  private:
    MatrixView<const T> x_;
    const Target& target_;
    unsigned threads_;
};

template <class T>
class EquationsHere : public EquationRowSums {
  public:
    EquationsHere(MatrixView<const T> x, const Target& target, unsigned threads)
        : x_(x), target_(target), threads_(threads) {}

    bool add(const std::span<const Tape>& tapes, const StopToken& stop,
             std::vector<EquationSums>& total) override {
        check(tapes, x_, target_);
        return over_parts(
            tapes, x_, target_, threads_, equation_stride(x_.rows), stop,
            [](const Objective& objective, const Tape& tape, Workspace& workspace) {
                NormalEquations equations;
                objective.normal_equations(tape, constant_positions(tape), workspace, equations);
                return equations;
            },
            [&](std::size_t t, std::size_t part, const NormalEquations& equations) {
                const double own = weight_of(part);
                if (own > 0.0) {  // else 0 / 0
                    total[t].weight += own;
                    total[t].weighted.loss += own * equations.loss;
                    add_scaled(total[t].weighted.gram, equations.gram, own);
                    add_scaled(total[t].weighted.gradient, equations.gradient, own);
                }
            });
    }

  private:
    double weight_of(std::size_t part) const {
        const auto weights = target_.weights();
        const std::size_t begin = part * part_rows;
        const std::size_t count = std::min(part_rows, x_.rows - begin);
        const auto own = weights.empty() ? weights : weights.subspan(begin, count);
        return weights.empty() ? static_cast<double>(count)
                               : std::accumulate(own.begin(), own.end(), 0.0);
    }

    MatrixView<const T> x_;
    const Target& target_;
    unsigned threads_;
};

}  // namespace

std::size_t equation_rows(std::size_t rows) {
    return std::min(rows, rows / equation_stride(rows) + part_rows);
}

template <class T>
std::unique_ptr<LossRowSums> loss_sums(MatrixView<const T> x, const Target& target,
                                       unsigned threads) {
    return std::make_unique<LossesHere<T>>(x, target, threads);
}

template <class T>
std::unique_ptr<EquationRowSums> equation_sums(MatrixView<const T> x, const Target& target,
                                               unsigned threads) {
    return std::make_unique<EquationsHere<T>>(x, target, threads);
}

std::vector<double> losses_on_all_rows(std::span<const Tape> tapes, LossRowSums& rows, bool rough) {
    LossSums none;
    none.negated = 0.0;
    std::vector<LossSums> totals(tapes.size(), none);
    rows.add({tapes, rough}, StopToken(), totals);
    std::vector<double> losses;
    for (const LossSums& total : totals) {
        losses.push_back(total.loss());
    }
    return losses;
}

std::vector<NormalEquations> equations_on_all_rows(std::span<const Tape> tapes,
                                                   EquationRowSums& rows, const StopToken& stop) {
    std::vector<EquationSums> totals(tapes.size());
    if (!rows.add(tapes, stop, totals)) {
        return {};
    }
    std::vector<NormalEquations> equations;
    for (EquationSums& total : totals) {
        equations.push_back(std::move(total.weighted));
        equations.back().loss /= total.weight;
        for (double& entry : equations.back().gram) {
            entry /= total.weight;
        }
        for (double& entry : equations.back().gradient) {
            entry /= total.weight;
        }
    }
    return equations;
}

template std::unique_ptr<LossRowSums> loss_sums(MatrixView<const double>, const Target&, unsigned);
template std::unique_ptr<LossRowSums> loss_sums(MatrixView<const float>, const Target&, unsigned);
template std::unique_ptr<EquationRowSums> equation_sums(MatrixView<const double>, const Target&,
                                                        unsigned);
template std::unique_ptr<EquationRowSums> equation_sums(MatrixView<const float>, const Target&,
                                                        unsigned);

}  // namespace closedform
