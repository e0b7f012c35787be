#include "structure/link_search.hpp"

#include <limits>

namespace closedform {

FoundLink find_link(const std::vector<std::size_t>& inputs, const TreeSample& sample,
                    std::size_t segments, unsigned threads, const StopToken& stop) {
    std::vector<SeparationTree> singles;
    for (const std::size_t d : inputs) {
        singles.push_back(SeparationTree::leaf({d}));
    }
    const SeparationTree sum = SeparationTree::of(SeparationTree::Kind::sum, std::move(singles));
    // Nothing is known of L(u): the fit starts from zero.
    const TensorSurrogate nothing(sample.grids.bases(3, 1, 1), 1);
    const TreeStart start{nothing, std::vector<double>(sample.inputs, 0.0), {}};
    FoundLink best{Link::identity, {std::numeric_limits<double>::infinity(), {}}};
    for (const Link link : {Link::reciprocal, Link::log, Link::sqrt, Link::square, Link::exp}) {
        if (!usable(link, sample.y)) {
            continue;
        }
        TreeSample behind = sample;
        behind.weights.resize(sample.rows);
        for (std::size_t i = 0; i < sample.rows; ++i) {
            // Weighted so that small errors count as they do in y.
            const double steep = slope(link, sample.y[i]);
            behind.weights[i] =
                (sample.weights.empty() ? 1.0 : sample.weights[i]) / (steep * steep);
            behind.y[i] = apply(link, sample.y[i]);
        }
        TreeFitOptions options;
        for (const double smoothing : {1e-6, 1e-8, 1e-10}) {
            if (stop.stopped()) {
                return best;
            }
            options.segments = segments;
            options.smoothing = smoothing;
            std::vector<double> u = held_out_values(sum, start, behind, options, threads, stop);
            for (double& value : u) {
                value = invert(link, value);
            }
            HeldOutErrors errors = errors_held_out(u, sample);
            if (errors.relative < best.errors.relative) {
                best = {link, std::move(errors)};
            }
        }
    }
    return best;
}

}  // namespace closedform
