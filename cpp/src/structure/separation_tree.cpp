#include "closedform/structure/separation_tree.hpp"

#include <algorithm>
#include <iterator>

namespace closedform {

SeparationTree SeparationTree::leaf(std::vector<std::size_t> inputs) {
    return {Kind::leaf, std::move(inputs), {}};
}

SeparationTree SeparationTree::of(Kind kind, std::vector<SeparationTree> parts) {
    SeparationTree tree{kind, {}, {}};
    for (SeparationTree& part : parts) {  // a sum of sums is a sum
        if (part.kind == kind) {
            std::move(part.parts.begin(), part.parts.end(), std::back_inserter(tree.parts));
        } else {
            tree.parts.push_back(std::move(part));
        }
    }
    for (const SeparationTree& part : tree.parts) {
        tree.inputs.insert(tree.inputs.end(), part.inputs.begin(), part.inputs.end());
    }
    std::sort(tree.inputs.begin(), tree.inputs.end());
    return tree;
}

std::size_t SeparationTree::leaves() const {
    std::size_t total = parts.empty() ? 1 : 0;
    for (const SeparationTree& part : parts) {
        total += part.leaves();
    }
    return total;
}

std::size_t SeparationTree::largest_leaf() const {
    std::size_t largest = parts.empty() ? inputs.size() : 0;
    for (const SeparationTree& part : parts) {
        largest = std::max(largest, part.largest_leaf());
    }
    return largest;
}

std::string SeparationTree::text() const {
    std::string inner;
    if (parts.empty()) {
        for (const std::size_t d : inputs) {
            inner += (inner.empty() ? "" : ", ") + std::to_string(d);
        }
        return inputs.size() == 1 ? inner : "f(" + inner + ")";
    }
    for (const SeparationTree& part : parts) {
        inner += (inner.empty() ? "" : ", ") + part.text();
    }
    return (kind == Kind::sum ? "sum(" : "product(") + inner + ")";
}

namespace {

/// Connected components of the pairs that `coupled` joins, each ascending, by first input.
std::vector<std::vector<std::size_t>> components(
    const std::vector<std::size_t>& inputs,
    const std::function<bool(std::size_t i, std::size_t j)>& coupled) {
    const std::size_t n = inputs.size();
    std::vector<std::size_t> label(n);
    for (std::size_t i = 0; i < n; ++i) {
        label[i] = i;
    }
    for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t i = 0; i < j; ++i) {
            if (label[i] != label[j] && coupled(i, j)) {
                const std::size_t from = std::max(label[i], label[j]);
                const std::size_t to = std::min(label[i], label[j]);
                std::replace(label.begin(), label.end(), from, to);
            }
        }
    }
    std::vector<std::vector<std::size_t>> found;
    for (std::size_t i = 0; i < n; ++i) {
        std::vector<std::size_t> component;
        for (std::size_t j = i; j < n; ++j) {
            if (label[j] == i) {
                component.push_back(inputs[j]);
            }
        }
        if (!component.empty()) {
            found.push_back(std::move(component));
        }
    }
    return found;
}

SeparationTree split(const std::vector<std::size_t>& inputs, double sum_threshold,
                     double product_threshold, bool inside_sum, const BlockScores& block_scores) {
    if (inputs.size() == 1) {
        return SeparationTree::leaf(inputs);
    }
    const PairScores& scores = block_scores(inputs, inside_sum);
    const std::size_t n = inputs.size();
    const auto over = [&](const std::vector<double>& a, const std::vector<double>& b,
                          double threshold) {
        return [&, threshold](std::size_t i, std::size_t j) {
            return !(a[i * n + j] < threshold && b[i * n + j] < threshold);
        };
    };
    for (const bool sum : {true, false}) {
        const auto blocks = components(
            inputs, sum ? over(scores.additive_median, scores.additive_rms, sum_threshold)
                        : over(scores.product_median, scores.product_rms, product_threshold));
        if (blocks.size() > 1) {
            std::vector<SeparationTree> parts;
            for (const auto& block : blocks) {
                parts.push_back(split(block, sum_threshold, product_threshold, sum, block_scores));
            }
            return SeparationTree::of(
                sum ? SeparationTree::Kind::sum : SeparationTree::Kind::product, std::move(parts));
        }
    }
    return SeparationTree::leaf(inputs);
}

}  // namespace

SeparationTree split_by_scores(const std::vector<std::size_t>& inputs, double sum_threshold,
                               double product_threshold, const BlockScores& scores) {
    return split(inputs, sum_threshold, product_threshold, false, scores);
}

}  // namespace closedform
