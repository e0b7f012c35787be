#pragma once
// The rows of a fit on a device, and their moments.

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "cuda/runtime/bundle.hpp"
#include "cuda/runtime/row_store.hpp"
#include "cuda/runtime/sum_parts.hpp"
#include "cuda/runtime/upload.hpp"
#include "cuda/surrogate/als_moments_body.hpp"
#include "cuda/surrogate/tensor_surrogate_driver.hpp"
#include "surrogate/als.hpp"
#include "surrogate/als_moments.hpp"

namespace closedform::gpu {

/// Blocks of a launch: each has sums of its own, so that few is better than many.
inline constexpr std::size_t most_moment_blocks = 512;
inline constexpr std::size_t most_moment_bytes = std::size_t{256} << 20U;

template <class X, class Runtime>
class MomentRowsOn : public MomentRowSums {
  public:
    /// x: the inputs of `rows`. The runtime is `arguments`' own: a device for as long as the rows
    /// are there.
    template <class... Arguments>
    MomentRowsOn(const FitRows& rows, MatrixView<const X> x, const Arguments&... arguments)
        : runtime_(arguments...),
          rows_(rows),
          x_(x),
          store_(runtime_, {rows.count(), x.columns, MomentSums<X>::others_of_row, 256},
                 Order::by_rows, packer()) {}

    /// To the end, whatever the token says: a device is soon through.
    bool add(const MomentQuestion& question, const StopToken& /*stop*/,
             CellMoments& total) override {
        const std::size_t d = question.input;
        const std::span<const FactorTable> tables = question.tables;
        const std::span<const std::size_t> chosen = question.chosen;
        auto& stream = store_.stream(0);
        const PackedTables<double> packed(bundle_, runtime_, tables, question.modes,
                                          question.offset);
        std::vector<unsigned> place(question.modes, MomentSums<X>::frozen);
        for (std::size_t f = 0; f < chosen.size(); ++f) {
            place[chosen[f]] = static_cast<unsigned>(f);
        }
        const std::size_t place_at = bundle_.add(runtime_, std::span<const unsigned>(place));
        bundle_.send(runtime_, stream);
        MomentSums<X> body{};
        body.tables = packed.view(bundle_);
        body.input = static_cast<unsigned>(d);
        body.cells = static_cast<unsigned>(tables[d].center.size());
        for (std::size_t k = 0; k < d; ++k) {
            body.first_cell += static_cast<unsigned>(tables[k].center.size());
        }
        body.place = bundle_.template at<unsigned>(place_at);
        body.free = static_cast<unsigned>(chosen.size());

        const std::size_t numbers = body.block_sums();
        const std::size_t tiles = (store_.most_rows() + body.threads - 1) / body.threads;
        const std::size_t most =
            std::clamp<std::size_t>(most_moment_bytes / (numbers * sizeof(double)), 1,
                                    std::clamp<std::size_t>(tiles, 1, most_moment_blocks));
        Placement<Runtime> placement(runtime_, body.space_bytes(), packed.plane_bytes(), most);
        // Every slot its own, for their kernels run at the same time.
        const std::size_t blocks = placement.blocks();
        const std::size_t parts = store_.used_slots() * blocks;
        double* sums = sums_.take(runtime_, parts * numbers);
        runtime_.clear(sums, parts * numbers, stream);
        store_.after_first();
        store_.pass(packer(), [&](std::size_t slot, const auto& chunk) {
            body.rows = chunk.inputs;
            body.others = chunk.others;
            body.count = chunk.rows;
            body.sums = sums + slot * blocks * numbers;
            placement.launch(body, (chunk.rows + body.threads - 1) / body.threads, slot,
                             store_.stream(slot));
        });
        const SumParts<double> sum = {sums, parts, numbers, total_.take(runtime_, numbers)};
        runtime_.launch(sum, std::min(sum.blocks(), most_blocks), sum.shared_bytes, stream);
        double* here = here_.take(runtime_, numbers);
        runtime_.copy(here, sum.total, numbers, stream);
        stream.wait();
        unpack(body, here, question.padded, total);
        return true;
    }

    const Runtime& runtime() const { return runtime_; }

  private:
    auto packer() const {
        return [this](Team& team, std::size_t first, std::size_t count, X* inputs, double* others) {
            for_rows(team, count, [&](std::size_t i) {
                const std::size_t row = rows_.row(first + i);
                std::copy(x_.row(row), x_.row(row) + x_.columns, inputs + i * x_.columns);
                double* to = others + i * MomentSums<X>::others_of_row;
                to[0] = rows_.y[row];
                to[1] = rows_.weight(row);
                to[2] = rows_.multiplier.empty() ? 1.0 : rows_.multiplier[row];
            });
        };
    }

    static void unpack(const MomentSums<X>& body, const double* at, std::size_t padded,
                       CellMoments& total) {
        for (std::size_t c = 0; c < body.cells; ++c) {
            for (std::size_t m = 0; m < body.free; ++m) {
                for (std::size_t n = 0; n <= m; ++n) {
                    for (std::size_t k = 0; k < moment_count; ++k) {
                        total.pairs[((c * body.free + m) * moment_count + k) * padded + n] += *at++;
                    }
                }
            }
            for (std::size_t m = 0; m < body.free; ++m) {
                for (std::size_t k = 0; k < shape_count; ++k) {
                    total.right[(c * shape_count + k) * padded + m] += *at++;
                }
            }
        }
        total.square += *at;
    }

    Runtime runtime_;
    const FitRows& rows_;
    MatrixView<const X> x_;
    Bundle<Runtime> bundle_;
    Room<typename Runtime::template Buffer<double>> sums_;
    Room<typename Runtime::template Buffer<double>> total_;
    Room<typename Runtime::template Pinned<double>> here_;
    // Last, so that it dies first: its streams end their work before the buffers go.
    RowStore<X, Runtime> store_;
};

}  // namespace closedform::gpu
