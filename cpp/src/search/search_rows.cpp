#include "search/search_rows.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "core/random.hpp"
#include "core/sample_rows.hpp"

namespace closedform {

std::vector<std::size_t> draw_rows(const Target& target, std::size_t wanted, std::uint64_t seed) {
    const auto weights = target.weights();
    if (wanted >= target.rows()) {
        std::vector<std::size_t> all(target.rows());
        std::iota(all.begin(), all.end(), std::size_t{0});
        return all;
    }
    Random random(seed, 1000003);
    const auto weighs = [](double weight) { return weight > 0.0; };
    const auto count =
        weights.empty()
            ? target.rows()
            : static_cast<std::size_t>(std::count_if(weights.begin(), weights.end(), weighs));
    if (count == 0) {
        throw std::invalid_argument("weights: are zero at every row");
    }
    std::vector<std::size_t> rows = draw(count, wanted, random);
    std::sort(rows.begin(), rows.end());
    if (count < target.rows()) {  // of the rows that weigh anything: which they are
        std::size_t seen = 0;
        auto next = rows.begin();
        for (std::size_t row = 0; next != rows.end(); ++row) {
            if (weighs(weights[row]) && seen++ == *next) {
                *next++ = row;
            }
        }
    }
    return rows;
}

}  // namespace closedform
