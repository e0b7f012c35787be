#pragma once
// Reading infix text, one operator's priority after another.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "closedform/expression/expression.hpp"
#include "closedform/expression/operator_table.hpp"

namespace closedform {

class Vocabulary;

/// The operator that is this power of its operand: square, cube.
std::optional<Op> named_power(double exponent);

class InfixParser {
  public:
    /// what: the text is, in messages. vocabulary: of a user's own operators; null for none.
    InfixParser(std::string_view text, std::span<const std::string> names, std::string_view what,
                const Vocabulary* vocabulary = nullptr)
        : text_(text), names_(names), what_(what), vocabulary_(vocabulary) {}
    virtual ~InfixParser() = default;
    InfixParser(const InfixParser&) = delete;
    InfixParser& operator=(const InfixParser&) = delete;

    Tape run();

  protected:
    /// What is neither an input nor an operator: reads it, and what belongs to it, or fails.
    virtual void parse_unknown(std::string_view word, std::size_t end, int depth);

    [[noreturn]] void fail(const std::string& what) const;
    void push(const Node& node);
    bool take(std::string_view token);
    void expect(std::string_view token);
    void parse_comparison(int depth);
    void skip_space();

    /// The letters, digits and underscores from here on; empty for none.
    std::string_view word() const;

    std::string_view text_;
    std::span<const std::string> names_;
    std::size_t at_ = 0;
    Tape tape_;

  private:
    std::string character() const;
    void parse_sum(int depth);
    void parse_product(int depth);
    std::optional<Op> take_operator(Priority priority);
    void parse_signed(int depth);
    void parse_power(int depth);
    void parse_atom(int depth);
    std::optional<Op> named(std::string_view word) const;
    bool parse_call(std::string_view word, std::size_t end, int depth);

    std::string_view what_;
    const Vocabulary* vocabulary_;
    std::vector<Op> operators_ = OpSet::all().operators();
};

}  // namespace closedform
