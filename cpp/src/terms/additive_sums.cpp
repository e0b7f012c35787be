#include "terms/additive_sums.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

#include "core/blas.hpp"
#include "core/random.hpp"
#include "terms/piece_dictionary.hpp"
#include "terms/pieces.hpp"
#include "terms/variable_projection.hpp"

namespace closedform {
namespace {

constexpr std::size_t most_inputs = 5;
constexpr int most_terms = 5;
constexpr std::size_t width = 5;       // sums kept of a size
constexpr std::size_t next_terms = 8;  // tried after each
constexpr int steps = 12;
constexpr int last_steps = 60;
constexpr double little = 1.02;    // by what a simpler sum may leave more
constexpr double deviation = 4.0;  // of a sum that others are made of from the best, at most
constexpr double falling = 0.2;  // what the last two terms leave of a loss where there is no noise
                                 // below it, at most
constexpr double exact = 1e-22;  // of the variance, that rounding leaves

using Kinds = std::set<std::uint32_t>;

Kinds kinds_of(const PieceProducts& products) {
    Kinds result;
    for (const PieceProduct& product : products) {
        result.insert(product.kind());
    }
    return result;
}

PieceProducts without(const PieceProducts& products, std::size_t at) {
    PieceProducts rest = products;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at));
    return rest;
}

PieceProducts with(const PieceProducts& products, const PieceProduct& another) {
    PieceProducts result = products;
    result.push_back(another);
    return result;
}

/// Sums with a term or a factor less, or with a factor at one of its limits.
std::vector<PieceProducts> simplifications(const PieceProducts& products) {
    std::vector<PieceProducts> result;
    for (std::size_t at = 0; at < products.size(); ++at) {
        const PieceProducts rest = without(products, at);
        const Kinds others = kinds_of(rest);
        result.push_back(rest);
        const std::vector<PieceAt>& factors = products[at].factors;
        for (std::size_t place = 0; place < factors.size(); ++place) {
            const auto piece = static_cast<std::size_t>(factors[place].piece);
            for (const std::string_view limit : all_pieces()[piece].limits) {
                PieceProduct simpler{factors};
                if (limit.empty()) {
                    simpler.factors.erase(simpler.factors.begin() +
                                          static_cast<std::ptrdiff_t>(place));
                } else {
                    simpler.factors[place] = {factors[place].input, piece_of(limit), 0.0};
                }
                if (!simpler.factors.empty() && !others.contains(simpler.kind())) {
                    result.push_back(with(rest, simpler));
                }
            }
        }
    }
    return result;
}

class AdditiveSearch {
  public:
    AdditiveSearch(MatrixView<const double> x, std::span<const double> y,
                   const AdditiveOptions& options)
        : columns_(x),
          dictionary_(columns_, options.operators),
          projection_(columns_, y),
          fits_(options.fits),
          stop_(options.stop),
          random_(options.seed, 0) {
        const auto nothing = projection_.solved({});
        exact_loss_ = nothing ? exact * nothing->loss : 0.0;
    }

    std::vector<Candidate> run() {
        if (dictionary_.empty()) {
            return {};
        }
        grow();
        if (columns_.inputs() > 1 && !found_exact()) {
            dictionary_.add_pairs();
            grow();
            if (falls()) {
                exchange(fits_ / 2);
            }
        }
        if (!found_exact()) {
            dictionary_.add_own_pairs();
            grow();
            if (falls()) {
                exchange(0);
            }
        }
        std::vector<Candidate> front;
        for (const auto& [size, sum] : best_) {
            const auto end = projection_.fitted(sum.products, last_steps);
            if (end && (front.empty() || end->loss < front.back().loss)) {
                front.push_back({end->tape(), end->loss});
            }
        }
        return front;
    }

  private:
    bool over() const { return fits_ <= 0 || stop_.stopped(); }

    std::optional<PieceSum> fitted(const PieceProducts& products, int most_steps = steps) {
        --fits_;
        return projection_.fitted(products, most_steps);
    }

    PieceProducts next(const PieceSum& sum) {
        return dictionary_.next(projection_.directions(sum), next_terms);
    }

    /// As the best of its size, where it is.
    void keep(const PieceSum& sum) {
        const auto [at, added] = best_.try_emplace(sum.products.size(), sum);
        if (!added && sum.loss < at->second.loss) {
            at->second = sum;
        }
    }

    bool found_exact() const {
        return std::any_of(best_.begin(), best_.end(),
                           [&](const auto& entry) { return entry.second.loss <= exact_loss_; });
    }

    /// Whether the last two terms of the best sum say much: there is more to be found.
    bool falls() const {
        const auto best = std::min_element(
            best_.begin(), best_.end(),
            [](const auto& a, const auto& b) { return a.second.loss < b.second.loss; });
        if (best == best_.end() || best->first < 3) {
            return false;
        }
        const auto shorter = best_.find(best->first - 2);
        return shorter != best_.end() && best->second.loss <= falling * shorter->second.loss;
    }

    std::vector<PieceSum> longer(const std::vector<PieceSum>& sums) {
        std::vector<PieceSum> result;
        std::set<Kinds> seen;
        for (const PieceSum& sum : sums) {
            if (over()) {
                break;
            }
            for (const PieceProduct& product : next(sum)) {
                const PieceProducts products = with(sum.products, product);
                Kinds kinds = kinds_of(products);
                if (seen.contains(kinds) || over()) {
                    continue;
                }
                if (auto one = fitted(products)) {
                    seen.insert(std::move(kinds));
                    result.push_back(*std::move(one));
                }
            }
        }
        std::stable_sort(result.begin(), result.end(),
                         [](const PieceSum& a, const PieceSum& b) { return a.loss < b.loss; });
        return result;
    }

    /// Sums of one term more each time: the few best of a size go on.
    void grow() {
        std::vector<PieceSum> kept;
        if (auto start = projection_.solved({})) {
            kept.push_back(*std::move(start));
        }
        for (int terms = 0; terms < most_terms; ++terms) {
            kept = longer(kept);
            if (kept.empty()) {
                break;
            }
            kept.resize(std::min(kept.size(), width));
            kept[0] = simpler(kept[0]);
            keep(kept[0]);
            if (found_exact()) {
                break;
            }
        }
    }

    /// Without terms and factors that say nothing, and with the limits of those near to one.
    PieceSum simpler(PieceSum sum) {
        for (bool changed = true; changed;) {
            changed = false;
            const double bound = std::max(little * sum.loss, exact_loss_);
            for (const PieceProducts& products : simplifications(sum.products)) {
                auto one = fitted(products);
                if (one && one->loss <= bound) {
                    sum = *std::move(one);
                    changed = true;
                    break;
                }
                if (over()) {
                    break;
                }
            }
        }
        return sum;
    }

    /// Takes one or two terms out and puts others in their place. The next are made of what came of
    /// it, as long as that leaves not much more than the best (record-to-record travel: Dueck
    /// 1993): from the best alone 3,000 fits found 23 of 48 random sums, so 29. So many fits as
    /// `left` are not spent.
    void exchange(int left) {
        std::vector<std::size_t> sizes;
        for (const auto& [size, sum] : best_) {
            if (size > 2) {
                sizes.push_back(size);
            }
        }
        std::map<std::size_t, PieceSum> current = best_;
        while (!sizes.empty() && fits_ > left && !over() && !found_exact()) {
            const std::size_t size = sizes[random_.below(sizes.size())];
            PieceProducts products = current.at(size).products;
            for (std::size_t out = 1 + random_.below(2); out > 0; --out) {
                products = without(products, random_.below(products.size()));
            }
            auto one = projection_.solved(products);
            while (one && one->products.size() < size) {
                const PieceProducts following = next(*one);
                if (following.empty()) {  // nothing is left that single precision tells
                    --fits_;
                    one.reset();
                    break;
                }
                std::size_t at = 0;
                while (at + 1 < following.size() && random_.chance(0.5)) {
                    ++at;
                }
                one = fitted(with(one->products, following[at]));
            }
            if (one && one->loss < best_.at(size).loss) {
                const auto last = fitted(one->products, last_steps);
                keep(simpler(last ? *last : *one));
                current.at(size) = best_.at(size);
            } else if (one && one->loss < deviation * best_.at(size).loss) {
                current.at(size) = *one;
            }
        }
    }

    BaseColumns columns_;
    PieceDictionary dictionary_;
    VariableProjection projection_;
    int fits_;
    StopToken stop_;
    Random random_;
    double exact_loss_ = 0.0;
    std::map<std::size_t, PieceSum> best_;
};

}  // namespace

std::vector<Candidate> additive_sums(MatrixView<const double> x, std::span<const double> y,
                                     const AdditiveOptions& options) {
    if (y.size() != x.rows || y.empty()) {
        throw std::invalid_argument("y: needs one value for every row of X");
    }
    if (x.columns > most_inputs || !options.operators.has(Op::add) ||
        !options.operators.has(Op::mul)) {
        return {};
    }
    const SerialProducts one_thread;
    return AdditiveSearch(x, y, options).run();
}

}  // namespace closedform
