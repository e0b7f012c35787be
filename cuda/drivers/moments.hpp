#pragma once
// The rows of a fit on a device, and their moments.

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "bodies/moments.hpp"
#include "closedform/als.hpp"
#include "closedform/cell_moments.hpp"
#include "surrogate.hpp"

namespace closedform::gpu {

/// Blocks of a launch: each has sums of its own, so that few is better than many.
inline constexpr std::size_t most_moment_blocks = 512;
inline constexpr std::size_t most_moment_bytes = std::size_t{256} << 20U;

template <class Runtime>
class MomentRowsOn : public MomentRows {
  public:
    /// The runtime is `arguments`' own: a device for as long as the rows are there.
    template <class... Arguments>
    explicit MomentRowsOn(const FitRows& rows, const Arguments&... arguments)
        : runtime_(arguments...), rows_(rows), width_(rows.x.columns() + MomentSums::extra) {
        const std::size_t count = rows.count();
        const std::size_t free = runtime_.free_memory();
        resident_ = count * width_ * sizeof(double) <= free / 2;
        chunk_ = resident_ ? count : chunk_rows(count, width_ * sizeof(double), free / 2, 256);
        for (std::size_t s = 0; s < (resident_ ? 1 : slots); ++s) {
            slot_[s].pinned = {runtime_, chunk_ * width_};
            slot_[s].data = {runtime_, chunk_ * width_};
            slot_[s].stream.emplace(runtime_);
        }
        if (resident_) {
            load(slot_[0], 0);
            slot_[0].stream->wait();
            slot_[0].pinned = {};
        }
    }

    void gather(std::size_t d, std::span<const FactorTable> tables,
                std::span<const std::size_t> chosen, std::size_t modes, double offset,
                std::size_t padded, CellMoments& out) override {
        const TablesOnDevice<double, Runtime> there(runtime_, tables, modes, offset);
        std::vector<unsigned> place(modes, MomentSums::frozen);
        for (std::size_t f = 0; f < chosen.size(); ++f) {
            place[chosen[f]] = static_cast<unsigned>(f);
        }
        typename Runtime::Stream stream(runtime_);
        const auto place_there = upload(runtime_, place, stream);
        stream.wait();
        MomentSums body{};
        body.tables = there.view();
        body.input = static_cast<unsigned>(d);
        body.cells = static_cast<unsigned>(tables[d].center.size());
        for (std::size_t k = 0; k < d; ++k) {
            body.first_cell += static_cast<unsigned>(tables[k].center.size());
        }
        body.place = place_there.data();
        body.free = static_cast<unsigned>(chosen.size());

        const std::size_t numbers = body.block_sums();
        const std::size_t most = std::clamp<std::size_t>(
            most_moment_bytes / (numbers * sizeof(double)), 1, most_moment_blocks);
        Placement<Runtime> placement(runtime_, body.space_bytes(), there.plane_bytes(), most);
        const std::size_t blocks = placement.blocks();
        const std::size_t used = resident_ ? 1 : slots;
        // Every slot its own, for their kernels run at the same time.
        typename Runtime::template Buffer<double> sums(runtime_, used * blocks * numbers);
        runtime_.clear(sums.data(), used * blocks * numbers, stream);
        stream.wait();
        const std::size_t count = rows_.count();
        for (std::size_t c = 0; c * chunk_ < count; ++c) {
            Slot& slot = slot_[c % slots];
            if (!resident_) {
                slot.stream->wait();
                load(slot, c * chunk_);
            }
            body.rows = slot.data.data();
            body.count = slot.count;
            body.sums = sums.data() + c % slots * blocks * numbers;
            placement.launch(body, (slot.count + body.threads - 1) / body.threads, c % slots,
                             *slot.stream);
        }
        for (Slot& slot : slot_) {
            if (slot.stream) {
                slot.stream->wait();
            }
        }
        typename Runtime::template Buffer<double> total(runtime_, numbers);
        const SumParts add = {sums.data(), used * blocks, numbers, total.data()};
        runtime_.launch(add, std::min((numbers + add.threads - 1) / add.threads, most_blocks), 0,
                        stream);
        std::vector<double> here(numbers);
        runtime_.copy(here.data(), total.data(), numbers, stream);
        stream.wait();
        unpack(body, here, padded, out);
    }

    const Runtime& runtime() const { return runtime_; }

  private:
    struct Slot {
        typename Runtime::template Pinned<double> pinned;
        typename Runtime::template Buffer<double> data;
        std::size_t count = 0;
        std::optional<typename Runtime::Stream> stream;
    };

    void load(Slot& slot, std::size_t first) {
        slot.count = std::min(chunk_, rows_.count() - first);
        const std::size_t inputs = rows_.x.columns();
        double* to = slot.pinned.data();
        rows_.x.visit([&](const auto& x) {
            for (std::size_t i = 0; i < slot.count; ++i) {
                const std::size_t row = rows_.row(first + i);
                to = std::copy(x.row(row), x.row(row) + inputs, to);
                *to++ = rows_.y[row];
                *to++ = rows_.weight(row);
                *to++ = rows_.multiplier.empty() ? 1.0 : rows_.multiplier[row];
            }
        });
        runtime_.copy(slot.data.data(), slot.pinned.data(), slot.count * width_, *slot.stream);
    }

    static void unpack(const MomentSums& body, const std::vector<double>& sums, std::size_t padded,
                       CellMoments& out) {
        const double* at = sums.data();
        for (std::size_t c = 0; c < body.cells; ++c) {
            for (std::size_t m = 0; m < body.free; ++m) {
                for (std::size_t n = 0; n <= m; ++n) {
                    for (std::size_t k = 0; k < moment_count; ++k) {
                        out.pairs[((c * body.free + m) * moment_count + k) * padded + n] = *at++;
                    }
                }
            }
            for (std::size_t m = 0; m < body.free; ++m) {
                for (std::size_t k = 0; k < shape_count; ++k) {
                    out.right[(c * shape_count + k) * padded + m] = *at++;
                }
            }
        }
        out.square = *at;
    }

    Runtime runtime_;
    const FitRows& rows_;
    std::size_t width_;
    std::size_t chunk_ = 0;
    bool resident_ = false;
    std::array<Slot, slots> slot_;
};

}  // namespace closedform::gpu
