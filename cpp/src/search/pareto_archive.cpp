#include "search/pareto_archive.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace closedform {

bool Archive::would_improve(std::size_t size, double loss) const {
    return improves(size, loss, &Candidate::loss);
}

bool Archive::might_improve(std::size_t size, double sample_loss) const {
    return improves(size, sample_loss, &Candidate::sample_loss);
}

bool Archive::improves(std::size_t size, double loss, double Candidate::* kind) const {
    if (size >= best_.size() || !std::isfinite(loss)) {
        return false;
    }
    for (std::size_t s = 1; s <= size; ++s) {
        if (!best_[s].tape.empty() && best_[s].*kind <= loss) {
            return false;
        }
    }
    return true;
}

bool Archive::offer(const Candidate& candidate) {
    if (!would_improve(candidate.complexity(), candidate.loss) ||
        !uses_only(candidate.tape, operators_)) {
        return false;
    }
    best_[candidate.complexity()] = candidate;
    return true;
}

std::vector<Candidate> Archive::front() const {
    std::vector<Candidate> members;
    double best = std::numeric_limits<double>::infinity();
    for (const Candidate& candidate : best_) {
        if (!candidate.tape.empty() && candidate.loss < best) {
            members.push_back(candidate);
            best = candidate.loss;
        }
    }
    return members;
}

}  // namespace closedform
