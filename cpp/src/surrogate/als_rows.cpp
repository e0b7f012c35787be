#include "surrogate/als_rows.hpp"

#include <algorithm>
#include <cstdint>

#include "core/parallel.hpp"
#include "kernels/simd/als.hpp"
#include "surrogate/place_rows.hpp"

namespace closedform {
namespace {

constexpr std::size_t block_size = als_block_rows;

/// Pieces of the rows that are accumulated apart and merged in order: fixed by the number of rows,
/// so that the result does not depend on the number of threads.
std::size_t piece_count(std::size_t rows) { return std::clamp<std::size_t>(rows / 2048, 1, 32); }

}  // namespace

/// What one call of add() is about.
struct PlacedRows::Update : MomentQuestion {
    bool anew;  ///< no product is known, or tables other than the last one's have changed
    std::vector<kernels::FactorView> views;
    std::vector<double> frozen;  ///< [padded modes]: 1 where a mode is not chosen
};

PlacedRows::PlacedRows(const FitRows& rows, std::span<const FactorTable> tables, unsigned threads,
                       const StopToken& stop)
    : count_(rows.count()), inputs_(tables.size()), out_(inputs_), planes_(inputs_) {
    const std::size_t blocks = (count_ + block_size - 1) / block_size;
    const std::size_t pieces = piece_count(count_);
    t_.resize(blocks * inputs_ * block_size);
    cell_.resize(t_.size());
    y_.resize(count_);
    weight_.resize(count_);
    multiplier_.resize(rows.multiplier.empty() ? 0 : count_);
    products_.resize(count_ * tables[0].padded);
    moments_.resize(pieces);
    spaces_.resize(std::min<std::size_t>(resolve_threads(threads), pieces));
    parallel_for(blocks, static_cast<unsigned>(spaces_.size()), [&](std::size_t b, unsigned) {
        if (stop.stopped()) {  // then nobody asks for sums any more
            return;
        }
        const std::size_t here = rows_of(b);
        std::vector<std::uint32_t> names(here);
        for (std::size_t i = 0; i < here; ++i) {
            const std::size_t at = b * block_size + i;
            const std::size_t row = rows.row(at);
            names[i] = static_cast<std::uint32_t>(row);
            y_[at] = rows.y[row];
            weight_[at] = rows.weight(row);
            if (!multiplier_.empty()) {
                multiplier_[at] = rows.multiplier[row];
            }
        }
        std::vector<double> x(inputs_ * block_size);
        rows.x.read_rows(names, x.data(), block_size);
        const std::size_t to = b * inputs_ * block_size;
        place_rows(tables, x.data(), block_size, here, cell_.data() + to, t_.data() + to);
    });
}

std::size_t PlacedRows::rows_of(std::size_t block) const {
    return std::min(block_size, count_ - block * block_size);
}

bool PlacedRows::add(const MomentQuestion& question, const StopToken& /*stop*/,
                     CellMoments& total) {
    const std::size_t d = question.input;
    const std::span<const FactorTable> tables = question.tables;
    Update update = {question, out_ == inputs_, {}, {}};
    for (std::size_t k = 0; k < inputs_; ++k) {
        update.views.push_back({tables[k].planes.data(), tables[k].padded});
        update.anew = update.anew || (k != d && k != out_ && planes_[k] != tables[k].planes);
    }
    update.frozen.assign(tables[0].padded, 0.0);
    std::fill_n(update.frozen.begin(), question.modes, 1.0);
    for (const std::size_t m : question.chosen) {
        update.frozen[m] = 0;
    }
    const std::size_t blocks = (count_ + block_size - 1) / block_size;
    const std::size_t pieces = moments_.size();
    parallel_for(
        pieces, static_cast<unsigned>(spaces_.size()), [&](std::size_t piece, unsigned worker) {
            CellMoments& moments = moments_[piece];
            moments.clear(tables[d].center.size(), question.chosen.size(), question.padded);
            const std::size_t end = blocks * (piece + 1) / pieces;
            for (std::size_t b = blocks * piece / pieces; b < end; ++b) {
                leave_out(update, b);
                take(update, b, spaces_[worker], moments);
            }
        });
    for (std::size_t k = 0; k < inputs_; ++k) {
        if (k != d && (update.anew || k == out_)) {
            planes_[k] = tables[k].planes;
        }
    }
    out_ = d;
    for (const CellMoments& moments : moments_) {
        total.add(moments);
    }
    return true;
}

/// Turns the products of a block's rows into those without the factor of the input to be updated.
void PlacedRows::leave_out(const Update& u, std::size_t block) {
    const std::size_t first = block * block_size;
    const std::size_t all = u.views[0].padded;
    const AlsBlock rows = {
        cell_.data() + block * inputs_ * block_size, t_.data() + block * inputs_ * block_size,
        multiplier_.empty() ? nullptr : multiplier_.data() + first, rows_of(block)};
    double* products = products_.data() + first * all;
    if (u.anew) {
        als_row_kernels().products(u.views.data(), inputs_, u.input, rows, u.modes, products);
    } else if (u.input != out_) {
        als_row_kernels().exchange(u.views.data(), inputs_, out_, u.input, planes_[u.input].data(),
                                   rows, u.modes, products);
    }
}

/// Adds a block's rows, those of one cell next to each other, to the moments.
void PlacedRows::take(const Update& u, std::size_t block, Space& s, CellMoments& moments) const {
    const std::size_t here = rows_of(block);
    const std::size_t first = block * block_size;
    const std::size_t all = u.views[0].padded;
    const int* cell = cell_.data() + (block * inputs_ + u.input) * block_size;
    const double* t = t_.data() + (block * inputs_ + u.input) * block_size;
    const double* products = products_.data() + first * all;
    const std::size_t free = u.chosen.size();
    s.left.resize(here);
    for (std::size_t i = 0; i < here; ++i) {
        s.left[i] = y_[first + i] - u.offset;
    }
    if (free < u.modes) {
        als_row_kernels().subtract_modes(u.views[u.input], cell, t, here, products, u.frozen.data(),
                                         s.left.data());
    }

    const std::size_t cells = u.tables[u.input].center.size();
    s.cell_end.assign(cells + 1, 0);
    for (std::size_t i = 0; i < here; ++i) {
        ++s.cell_end[static_cast<std::size_t>(cell[i]) + 1];
    }
    for (std::size_t c = 0; c < cells; ++c) {
        s.cell_end[c + 1] += s.cell_end[c];
    }
    s.order.resize(here);
    for (std::size_t i = 0; i < here; ++i) {
        s.order[s.cell_end[static_cast<std::size_t>(cell[i])]++] = static_cast<unsigned>(i);
    }

    s.products.resize(here * u.padded);
    s.residual.resize(here);
    s.powers.resize(here * moment_count);
    for (std::size_t i = 0; i < here; ++i) {
        const std::size_t row = s.order[i];
        const double* from = products + row * all;
        double* to = s.products.data() + i * u.padded;
        if (free == u.modes) {
            std::copy_n(from, u.padded, to);
        } else {
            for (std::size_t f = 0; f < free; ++f) {
                to[f] = from[u.chosen[f]];
            }
            std::fill(to + free, to + u.padded, 0.0);
        }
        s.residual[i] = s.left[row];
        double power = weight_[first + row];
        moments.square += power * s.left[row] * s.left[row];
        for (std::size_t k = 0; k < moment_count; ++k) {
            s.powers[i * moment_count + k] = power;
            power *= t[row];
        }
    }
    std::size_t from = 0;
    for (std::size_t c = 0; c < cells; ++c) {
        const std::size_t to = s.cell_end[c];  // moved to the cell's end by the sort
        if (to > from) {
            als_row_kernels().accumulate(s.products.data() + from * u.padded,
                                         s.powers.data() + from * moment_count,
                                         s.residual.data() + from, to - from, free, u.padded,
                                         moments.pairs.data() + c * free * moment_count * u.padded,
                                         moments.right.data() + c * shape_count * u.padded);
        }
        from = to;
    }
}

}  // namespace closedform
