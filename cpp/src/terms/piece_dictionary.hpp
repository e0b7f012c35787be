#pragma once
// Products of pieces at the constants to begin with, of which a sum's next term is chosen: the one
// that says most of what the sum leaves (order recursive matching pursuit, Natarajan 1995).

#include <Eigen/Core>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "closedform/expression/expression.hpp"
#include "terms/pieces.hpp"
#include "terms/variable_projection.hpp"

namespace closedform {

using RowMajorFloats = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// No product of two inputs' pieces is ever written down: their scalar products with a vector w are
/// U diag(w) V', and the many pieces of one input, smooth ones of the same numbers, are
/// combinations U = C B of a few columns that are orthonormal.
class PieceDictionary {
  public:
    /// Of pieces in these operators; the columns must outlive this.
    PieceDictionary(const BaseColumns& columns, const OpSet& operators);

    bool empty() const;

    /// Products of the pieces of two inputs, too.
    void add_pairs();

    /// Products of two pieces of one input, one with a constant and one without, too: so many that
    /// two of them are near to any smooth function.
    void add_own_pairs();

    /// At most so many products of different kinds, best first: those that would say most beside
    /// `directions`, orthonormal or zero columns, the last of which is what is left to say.
    PieceProducts next(const Eigen::MatrixXd& directions, std::size_t count) const;

  private:
    struct Family {
        int input = 0;
        std::vector<PieceAt> members;  ///< those of a piece one after another
        RowMajorFloats basis;          ///< orthonormal, a row each
        RowMajorFloats parts;          ///< of the members, whose values have size one
        RowMajorFloats squares;        ///< of their values
        std::vector<int> starts;       ///< first members of the pieces, and how many members
    };
    struct Pair {
        std::size_t first;
        std::size_t second;
        RowMajorFloats inverse_sizes;  ///< one over the squares of the products' sizes
    };
    /// The best product of a kind.
    struct Choice {
        float gain;
        const PieceAt* first;
        const PieceAt* second;  ///< null where there is none
    };

    /// Which of a piece's constants to begin with.
    enum class Starts : std::uint8_t { all, usual, more };

    Family family(const std::vector<PieceAt>& members, int input) const;
    std::vector<PieceAt> members(int input, Starts starts) const;
    void add_pair(std::size_t first, std::size_t second);
    void choose_single(const Family& family, const RowMajorFloats& directions,
                       std::vector<Choice>& choices) const;
    void choose_pair(const Pair& pair, const RowMajorFloats& directions,
                     std::vector<Choice>& choices) const;

    const BaseColumns& columns_;
    OpSet operators_;
    std::vector<Family> singles_;  ///< of each input
    std::vector<Family> paired_;   ///< what is multiplied with others
    std::vector<Pair> pairs_;
};

}  // namespace closedform
