#pragma once
// Functions of one input with at most one inner constant, of which terms are products.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "closedform/expression/expression.hpp"
#include "kernels/simd/pieces.hpp"

namespace closedform {

/// What the inner constant of a piece is multiplied by, or the whole piece where it has none.
enum class Base : std::uint8_t {
    itself,
    square,
    cube,
    inverse,
    root,
    logarithm,
    logarithm_above,  ///< log(1 + x)
};
inline constexpr std::size_t base_count = 7;

struct Piece {
    std::string_view text;  ///< of x and the inner constant k
    Base base = Base::itself;
    Shape shape = Shape::plain;
    /// Constants to begin with, from the least and the largest value of an input; one, not read,
    /// where there is no constant.
    std::vector<double> (*starts)(double low, double high) = nullptr;
    /// Texts of pieces that it comes near to for some constant; "" for 1.
    std::vector<std::string_view> limits = {};
    std::optional<Base> lead = std::nullopt;  ///< that the shape is multiplied by
    /// More constants to begin with, or null. They are many: alone and with plain pieces only.
    std::vector<double> (*more)(double low, double high) = nullptr;

    bool has_constant() const { return shape != Shape::plain; }
    /// As an expression of one input.
    Tape tape(int input, double k) const;
};

const std::vector<Piece>& all_pieces();

/// Its position among them; throws std::invalid_argument where there is none.
int piece_of(std::string_view text);

/// Every base of every input, evaluated once.
class BaseColumns {
  public:
    explicit BaseColumns(MatrixView<const double> x);

    std::size_t rows() const { return rows_; }
    int inputs() const { return inputs_; }
    std::span<const double> column(int input, Base base) const;

    /// Values of a piece and, where it has a constant, their derivatives by it.
    void evaluate(const Piece& piece, int input, double k, std::span<double> value,
                  std::span<double> slope) const;

  private:
    std::size_t rows_;
    int inputs_;
    std::vector<double> values_;
};

}  // namespace closedform
