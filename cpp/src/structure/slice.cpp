#include "structure/slice.hpp"

#include <algorithm>
#include <utility>

namespace closedform {

TensorSurrogate slice(const TensorSurrogate& model, const std::vector<std::size_t>& block,
                      const std::vector<double>& anchor, double scale, double shift) {
    const std::size_t modes = model.modes();
    std::vector<double> carried(modes, scale);
    std::size_t next = 0;
    for (std::size_t d = 0; d < model.inputs(); ++d) {
        if (next < block.size() && block[next] == d) {
            ++next;
            continue;
        }
        const std::size_t nodes = model.basis(d).node_count();
        for (std::size_t m = 0; m < modes; ++m) {
            carried[m] *=
                model.basis(d).evaluate(model.factor(d).subspan(m * nodes, nodes), anchor[d]);
        }
    }
    const double constant = scale * model.offset() + shift;
    std::vector<GridBasis> bases;
    for (const std::size_t d : block) {
        bases.push_back(model.basis(d));
    }
    if (block.size() == 1) {  // one function of one input: one mode
        TensorSurrogate line(std::move(bases), 1);
        const auto from = model.factor(block[0]);
        const std::size_t nodes = line.basis(0).node_count();
        for (std::size_t j = 0; j < nodes; ++j) {
            double sum = constant;
            for (std::size_t m = 0; m < modes; ++m) {
                sum += carried[m] * from[m * nodes + j];
            }
            line.factor(0)[j] = sum;
        }
        line.refresh();
        return line;
    }
    const std::size_t extra = constant != 0 ? 1 : 0;
    TensorSurrogate part(std::move(bases), modes + extra);
    for (std::size_t k = 0; k < block.size(); ++k) {
        const std::size_t nodes = part.basis(k).node_count();
        const auto from = model.factor(block[k]);
        for (std::size_t m = 0; m < modes; ++m) {
            for (std::size_t j = 0; j < nodes; ++j) {
                part.factor(k)[m * nodes + j] = (k == 0 ? carried[m] : 1.0) * from[m * nodes + j];
            }
        }
        if (extra != 0) {
            std::fill_n(part.factor(k).begin() + static_cast<std::ptrdiff_t>(modes * nodes), nodes,
                        k == 0 ? constant : 1.0);
        }
    }
    part.refresh();
    return part;
}

}  // namespace closedform
