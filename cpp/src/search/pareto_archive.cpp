#include "search/pareto_archive.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace closedform {

void keep_in(std::vector<Candidate>& bin, std::size_t capacity, Candidate candidate) {
    const auto same = std::find_if(bin.begin(), bin.end(), [&](const Candidate& member) {
        return member.skeleton == candidate.skeleton;
    });
    if (same != bin.end()) {
        if (same->sample_loss <= candidate.sample_loss) {
            return;
        }
        bin.erase(same);
    } else if (bin.size() == capacity) {
        if (bin.back().sample_loss <= candidate.sample_loss) {
            return;
        }
        bin.pop_back();
    }
    const auto place = std::upper_bound(
        bin.begin(), bin.end(), candidate.sample_loss,
        [](double loss, const Candidate& member) { return loss < member.sample_loss; });
    bin.insert(place, std::move(candidate));
}

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
    const std::size_t size = rules_->complexity(candidate.tape);
    if (!would_improve(size, candidate.loss) || !may_be(candidate.tape)) {
        return false;
    }
    best_[size] = candidate;
    return true;
}

double Archive::best_sample_loss(std::size_t size) const {
    double best = std::numeric_limits<double>::infinity();
    for (std::size_t s = 1; s <= size; ++s) {
        if (!best_[s].tape.empty()) {
            best = std::min(best, best_[s].sample_loss);
        }
    }
    return best;
}

void Archive::remember(const Candidate& candidate) {
    const std::size_t size = rules_->complexity(candidate.tape);
    if (near_enough_ == 0.0 || size >= best_.size() ||
        !(candidate.sample_loss <= (1.0 + near_enough_) * best_sample_loss(size))) {
        return;
    }
    keep_in(rivals_[size], most_rivals, candidate);
}

std::vector<Candidate> Archive::rivals() const {
    std::vector<Candidate> found;
    for (std::size_t size = 1; size < rivals_.size(); ++size) {
        const double most = (1.0 + near_enough_) * best_sample_loss(size);
        for (const Candidate& rival : rivals_[size]) {
            if (rival.sample_loss <= most && may_be(rival.tape)) {
                found.push_back(rival);
            }
        }
    }
    return found;
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

void Archive::save(StateWriter& to) const {
    to.put(best_);
    to.put(rivals_);
}

void Archive::load(StateReader& from) {
    const std::size_t best = best_.size();
    const std::size_t rivals = rivals_.size();
    from.get(best_);
    from.get(rivals_);
    if (best_.size() != best || rivals_.size() != rivals) {
        StateReader::refuse();
    }
}

double noise_may_hide(const Objective& objective) {
    constexpr double nats = 8.0;
    return objective.quadratic() ? 2.0 * nats / static_cast<double>(objective.rows().rows()) : 0.0;
}

}  // namespace closedform
