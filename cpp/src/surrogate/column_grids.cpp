#include "surrogate/column_grids.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace closedform {
namespace {

constexpr std::size_t sample_rows = 20000;

}  // namespace

std::vector<GridBasis> Grids::bases(std::size_t segments, std::size_t patch,
                                    std::size_t degree) const {
    std::vector<GridBasis> all;
    for (std::size_t d = 0; d < sorted.size(); ++d) {
        all.push_back(basis(d, segments, patch, degree));
    }
    return all;
}

GridBasis Grids::basis(std::size_t column, std::size_t segments, std::size_t patch,
                       std::size_t degree) const {
    ColumnNodes nodes = nodes_from_sorted(sorted[column], segments);
    return {std::move(nodes.nodes), discrete[column] ? 0 : patch, discrete[column] ? 0 : degree};
}

Grids column_grids(const Table& x, const RowsBeyond& beyond) {
    Grids grids;
    const std::size_t step = std::max<std::size_t>(1, x.rows() / sample_rows);
    std::vector<std::vector<double>> samples(x.columns());
    std::vector<std::vector<double>> levels(x.columns());
    std::vector<double> lows = beyond.low;
    std::vector<double> highs = beyond.high;
    lows.resize(x.columns(), std::numeric_limits<double>::infinity());
    highs.resize(x.columns(), -std::numeric_limits<double>::infinity());
    for (std::size_t i = 0; i < x.rows(); ++i) {
        for (std::size_t d = 0; d < x.columns(); ++d) {
            const double v = x(i, d);
            lows[d] = std::min(lows[d], v);
            highs[d] = std::max(highs[d], v);
            if (i % step == 0) {
                samples[d].push_back(v);
            }
            // Every level of a column of few, even one the sample misses.
            if (levels[d].size() <= max_levels &&
                std::find(levels[d].begin(), levels[d].end(), v) == levels[d].end()) {
                levels[d].push_back(v);
            }
        }
    }
    for (std::size_t d = 0; d < x.columns(); ++d) {
        std::vector<double>& sample = samples[d];
        sample.push_back(lows[d]);
        sample.push_back(highs[d]);
        if (levels[d].size() <= max_levels) {
            sample.insert(sample.end(), levels[d].begin(), levels[d].end());
        }
        std::sort(sample.begin(), sample.end());
        grids.discrete.push_back(nodes_from_sorted(sample, 1).discrete);
        grids.sorted.push_back(std::move(sample));
    }
    return grids;
}

}  // namespace closedform
