#include "terms/piece_dictionary.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <span>
#include <utility>

#include "core/blas.hpp"

namespace closedform {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr std::size_t most_products = 300'000;
constexpr double flat = 1e-9;      // range over size, at most
constexpr float inside = 1e-5F;    // share of a product's square outside the sum, at least
constexpr double accuracy = 1e-6;  // of members as combinations of a few columns: float32's own

std::size_t size_of(Index size) { return static_cast<std::size_t>(size); }

/// a b' and a b.
void product_transposed(const RowMajorFloats& a, const RowMajorFloats& b, RowMajorFloats& out) {
    out.resize(a.rows(), b.rows());
    multiply_transposed(a.data(), size_of(a.cols()), b.data(), size_of(a.rows()), size_of(b.rows()),
                        size_of(a.cols()), out.data());
}

void product(const RowMajorFloats& a, const RowMajorFloats& b, RowMajorFloats& out) {
    out.resize(a.rows(), b.cols());
    multiply(a.data(), b.data(), size_of(a.rows()), size_of(b.cols()), size_of(a.cols()),
             out.data());
}

/// Of what lies by so much along what is left, and by so much along it and all the rest.
float gain(float along, float within) {
    const float outside = 1.0F - within;
    return outside > inside ? along / outside : 0.0F;
}

bool says_something(const VectorXd& values) {
    return values.allFinite() &&
           values.maxCoeff() - values.minCoeff() > flat * values.cwiseAbs().maxCoeff();
}

/// Those with an inner constant, or those without.
std::vector<PieceAt> chosen(const std::vector<PieceAt>& members, bool with_constants) {
    std::vector<PieceAt> result;
    std::copy_if(members.begin(), members.end(), std::back_inserter(result),
                 [&](const PieceAt& member) {
                     const Piece& piece = all_pieces()[static_cast<std::size_t>(member.piece)];
                     return piece.has_constant() == with_constants;
                 });
    return result;
}

}  // namespace

PieceDictionary::PieceDictionary(const BaseColumns& columns, const OpSet& operators)
    : columns_(columns), operators_(operators) {
    for (int input = 0; input < columns.inputs(); ++input) {
        singles_.push_back(family(members(input, Starts::all), input));
    }
}

bool PieceDictionary::empty() const {
    return std::all_of(singles_.begin(), singles_.end(),
                       [](const Family& one) { return one.members.empty(); });
}

std::vector<PieceAt> PieceDictionary::members(int input, Starts starts) const {
    const auto x = columns_.column(input, Base::itself);
    const auto [low, high] = std::minmax_element(x.begin(), x.end());
    const std::vector<Piece>& pieces = all_pieces();
    VectorXd value(static_cast<Index>(columns_.rows()));
    VectorXd slope(value.size());
    std::vector<PieceAt> result;
    for (std::size_t p = 0; p < pieces.size(); ++p) {
        if (!uses_only(pieces[p].tape(input, 0.37), operators_)) {
            continue;
        }
        std::vector<double> constants;
        if (starts != Starts::more) {
            constants = pieces[p].starts(*low, *high);
        }
        if (starts != Starts::usual && pieces[p].more != nullptr) {
            const std::vector<double> more = pieces[p].more(*low, *high);
            constants.insert(constants.end(), more.begin(), more.end());
        }
        for (const double k : constants) {
            columns_.evaluate(pieces[p], input, k, {value.data(), columns_.rows()},
                              {slope.data(), columns_.rows()});
            if (says_something(value)) {
                result.push_back({input, static_cast<int>(p), k});
            }
        }
    }
    return result;
}

PieceDictionary::Family PieceDictionary::family(const std::vector<PieceAt>& members,
                                                int input) const {
    const auto rows = static_cast<Index>(columns_.rows());
    const auto count = static_cast<Index>(members.size());
    Family result{input, members, {}, {}, {}, {}};
    MatrixXd rest(rows, count);
    VectorXd slope(rows);
    for (Index m = 0; m < count; ++m) {
        const PieceAt& one = members[size_of(m)];
        if (m == 0 || members[size_of(m - 1)].piece != one.piece) {
            result.starts.push_back(static_cast<int>(m));
        }
        columns_.evaluate(all_pieces()[static_cast<std::size_t>(one.piece)], input, one.k,
                          {rest.col(m).data(), columns_.rows()}, {slope.data(), columns_.rows()});
        rest.col(m) /= rest.col(m).stableNorm();
    }
    result.starts.push_back(static_cast<int>(count));
    result.squares = rest.cwiseAbs2().transpose().cast<float>();
    // The largest of what is left is the next column, until all have come out (pivoted
    // Gram-Schmidt).
    const Index most = std::min(rows, count);
    MatrixXd basis(rows, most);
    MatrixXd parts(count, most);
    Index rank = 0;
    for (Index largest = 0; rank < most; ++rank) {
        const double size = std::sqrt(rest.colwise().squaredNorm().maxCoeff(&largest));
        if (!(size > accuracy)) {
            break;
        }
        basis.col(rank) = rest.col(largest) / size;
        parts.col(rank).noalias() = rest.transpose() * basis.col(rank);
        rest.noalias() -= basis.col(rank) * parts.col(rank).transpose();
    }
    result.basis = basis.leftCols(rank).transpose().cast<float>();
    result.parts = parts.leftCols(rank).cast<float>();
    return result;
}

void PieceDictionary::add_pairs() {
    const auto inputs = static_cast<int>(singles_.size());
    std::vector<std::vector<PieceAt>> usual;
    std::vector<std::vector<PieceAt>> plain;
    for (int input = 0; input < inputs; ++input) {
        usual.push_back(members(input, Starts::usual));
        plain.push_back(chosen(usual.back(), false));
    }
    std::size_t count = 0;
    for (std::size_t i = 0; i < usual.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            count += usual[i].size() * usual[j].size();
        }
    }
    // Of each input three families: what is paired with all the like, what has no constant, what
    // is paired with the latter alone.
    for (int input = 0; input < inputs; ++input) {
        const auto at = static_cast<std::size_t>(input);
        paired_.push_back(family(count > most_products ? plain[at] : usual[at], input));
        paired_.push_back(family(plain[at], input));
        paired_.push_back(family(members(input, Starts::more), input));
    }
    for (std::size_t i = 0; i < paired_.size(); i += 3) {
        for (std::size_t j = i + 3; j < paired_.size(); j += 3) {
            add_pair(i, j);
            add_pair(i + 2, j + 1);
            add_pair(i + 1, j + 2);
        }
    }
}

void PieceDictionary::add_own_pairs() {
    for (int input = 0; input < static_cast<int>(singles_.size()); ++input) {
        const std::vector<PieceAt> usual = members(input, Starts::usual);
        paired_.push_back(family(chosen(usual, false), input));
        paired_.push_back(family(chosen(usual, true), input));
        add_pair(paired_.size() - 2, paired_.size() - 1);
    }
}

void PieceDictionary::add_pair(std::size_t first, std::size_t second) {
    if (paired_[first].members.empty() || paired_[second].members.empty()) {
        return;
    }
    Pair pair{first, second, {}};
    product_transposed(paired_[first].squares, paired_[second].squares, pair.inverse_sizes);
    // One that is zero everywhere, or nearly, says nothing.
    constexpr float least = std::numeric_limits<float>::min();
    pair.inverse_sizes =
        (pair.inverse_sizes.array() > least).select(pair.inverse_sizes.array().inverse(), 0.0F);
    pairs_.push_back(std::move(pair));
}

PieceProducts PieceDictionary::next(const MatrixXd& directions, std::size_t count) const {
    const RowMajorFloats rows = directions.transpose().cast<float>();
    std::vector<Choice> choices;
    for (const Family& one : singles_) {
        choose_single(one, rows, choices);
    }
    for (const Pair& pair : pairs_) {
        choose_pair(pair, rows, choices);
    }
    const std::size_t taken = std::min(count, choices.size());
    std::partial_sort(choices.begin(), choices.begin() + static_cast<std::ptrdiff_t>(taken),
                      choices.end(),
                      [](const Choice& a, const Choice& b) { return a.gain > b.gain; });
    PieceProducts result;
    for (const Choice& one : std::span(choices).first(taken)) {
        result.push_back({{*one.first}});
        if (one.second != nullptr) {
            result.back().factors.push_back(*one.second);
        }
    }
    return result;
}

void PieceDictionary::choose_single(const Family& family, const RowMajorFloats& directions,
                                    std::vector<Choice>& choices) const {
    if (family.members.empty()) {
        return;
    }
    RowMajorFloats of_basis;
    RowMajorFloats along;
    product_transposed(family.basis, directions, of_basis);
    product(family.parts, of_basis, along);
    const Index last = directions.rows() - 1;
    for (std::size_t piece = 0; piece + 1 < family.starts.size(); ++piece) {
        Choice best{0.0F, nullptr, nullptr};
        for (int m = family.starts[piece]; m < family.starts[piece + 1]; ++m) {
            const float to_left = along(m, last) * along(m, last);
            const float value = gain(to_left, along.row(m).head(last).squaredNorm());
            if (value > best.gain) {
                best = {value, &family.members[static_cast<std::size_t>(m)], nullptr};
            }
        }
        if (best.first != nullptr) {
            choices.push_back(best);
        }
    }
}

void PieceDictionary::choose_pair(const Pair& pair, const RowMajorFloats& directions,
                                  std::vector<Choice>& choices) const {
    const Family& first = paired_[pair.first];
    const Family& second = paired_[pair.second];
    const Index count = directions.rows();
    const Index columns = second.basis.rows();
    RowMajorFloats weighted(count * columns, directions.cols());
    for (Index w = 0; w < count; ++w) {
        weighted.middleRows(w * columns, columns).array() =
            second.basis.array().rowwise() * directions.row(w).array();
    }
    RowMajorFloats of_bases;
    RowMajorFloats of_first;
    product_transposed(first.basis, weighted, of_bases);
    product(first.parts, of_bases, of_first);
    RowMajorFloats along(first.parts.rows(), second.parts.rows());
    RowMajorFloats within = RowMajorFloats::Zero(along.rows(), along.cols());
    for (Index w = 0; w < count; ++w) {
        multiply_transposed(of_first.data() + w * columns, size_of(of_first.cols()),
                            second.parts.data(), size_of(along.rows()), size_of(along.cols()),
                            size_of(columns), along.data());
        if (w + 1 < count) {
            within.array() += along.array().square();
        }
    }
    within.array() *= pair.inverse_sizes.array();
    along.array() = along.array().square() * pair.inverse_sizes.array();
    along.array() =
        (within.array() < 1.0F - inside).select(along.array() / (1.0F - within.array()), 0.0F);
    for (std::size_t p = 0; p + 1 < first.starts.size(); ++p) {
        for (std::size_t q = 0; q + 1 < second.starts.size(); ++q) {
            const auto block = along.block(first.starts[p], second.starts[q],
                                           first.starts[p + 1] - first.starts[p],
                                           second.starts[q + 1] - second.starts[q]);
            Index a = 0;
            Index b = 0;
            const float best = block.maxCoeff(&a, &b);
            if (best > 0.0F) {
                choices.push_back({best, &first.members[size_of(first.starts[p] + a)],
                                   &second.members[size_of(second.starts[q] + b)]});
            }
        }
    }
}

}  // namespace closedform
