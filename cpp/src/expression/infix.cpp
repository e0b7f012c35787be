#include "closedform/expression/infix.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>

#include "closedform/expression/operator_table.hpp"
#include "closedform/expression/vocabulary.hpp"

namespace closedform {
namespace {

std::string number_text(double value) {
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    return {buffer.data(), end};
}

struct Piece {
    std::string text;
    Priority priority;
};

/// With parentheses only where needed.
std::string at_least(const Piece& piece, Priority wanted) {
    return piece.priority >= wanted ? piece.text : std::string("(").append(piece.text).append(")");
}

Priority above(Priority priority) { return static_cast<Priority>(static_cast<int>(priority) + 1); }

/// The operator that is this power of its operand: square, cube.
std::optional<Op> named_power(double exponent) {
    for (int i = 2; i < op_count; ++i) {
        const int power = facts(static_cast<Op>(i)).power;
        if (power > 0 && power == exponent) {
            return static_cast<Op>(i);
        }
    }
    return {};
}

Piece print_subtree(const Tape& tape, std::size_t root, std::span<const std::string> names,
                    const Vocabulary* vocabulary) {
    const Node& node = tape[root];
    if (node.op == Op::constant) {
        return {number_text(node.value),
                std::signbit(node.value) ? Priority::sign : Priority::atom};
    }
    if (node.op == Op::variable) {
        return {names[static_cast<std::size_t>(node.variable)], Priority::atom};
    }
    const OperatorFacts& op = facts(node.op);
    const bool own = node.op >= first_own_op && vocabulary != nullptr;
    const std::string name(own ? vocabulary->name(node.op) : op.name);
    if (op.operands == 1) {
        const Piece operand = print_subtree(tape, root - 1, names, vocabulary);
        if (op.power > 0) {
            return {at_least(operand, Priority::atom) + "**" + std::to_string(op.power),
                    Priority::power};
        }
        return {name + "(" + operand.text + ")", Priority::atom};
    }
    const auto [left_root, right_root] = operands(tape, root);
    const Piece left = print_subtree(tape, left_root, names, vocabulary);
    const Piece right = print_subtree(tape, right_root, names, vocabulary);
    // Where the parser reads x**3 as another operator, pow stays a call.
    if (node.op == Op::pow && tape[right_root].op == Op::constant &&
        !named_power(tape[right_root].value)) {
        return {at_least(left, Priority::atom) + "**" + right.text, Priority::power};
    }
    if (op.priority == Priority::atom) {
        return {name + "(" + left.text + ", " + right.text + ")", Priority::atom};
    }
    if (node.op == Op::mul && tape[left_root].op == Op::constant && tape[left_root].value == -1.0 &&
        tape[right_root].op != Op::constant) {
        return {std::string("-").append(at_least(right, Priority::power)), Priority::sign};
    }
    const std::string sign = op.priority == Priority::product ? name : " " + name + " ";
    // a > b > c is no comparison of a > b with c to Python.
    const bool chains = op.priority != Priority::comparison;
    return {at_least(left, chains ? op.priority : above(op.priority)) + sign +
                at_least(right, above(op.priority)),
            op.priority};
}

class Parser {
  public:
    Parser(std::string_view text, std::span<const std::string> names, const Vocabulary* vocabulary)
        : text_(text), names_(names), vocabulary_(vocabulary) {}

    Tape run() {
        parse_comparison(0);
        skip_space();
        if (at_ < text_.size()) {
            fail("unexpected '" + character() + "'");
        }
        fix_sizes(tape_);
        return std::move(tape_);
    }

  private:
    [[noreturn]] void fail(const std::string& what) const {
        std::string message = "expression '" + std::string(text_) + "', position " +
                              std::to_string(at_ + 1) + ": " + what;
        // A message is one line, whatever it quotes.
        std::replace_if(
            message.begin(), message.end(),
            [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
        throw std::invalid_argument(message);
    }

    /// The character here, with all its bytes.
    std::string character() const {
        std::size_t end = at_ + 1;
        while (end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xC0) == 0x80) {
            ++end;
        }
        return std::string(text_.substr(at_, end - at_));
    }

    void push(const Node& node) {
        if (tape_.size() >= max_tape_size) {
            fail("longer than 255 operators, constants and variables");
        }
        tape_.push_back(node);
    }

    void skip_space() {
        while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
            ++at_;
        }
    }

    bool take(std::string_view token) {
        skip_space();
        if (text_.substr(at_, token.size()) != token) {
            return false;
        }
        at_ += token.size();
        return true;
    }

    void expect(std::string_view token) {
        if (!take(token)) {
            fail("expected '" + std::string(token) + "'");
        }
    }

    void parse_comparison(int depth) {
        if (depth > 500) {
            fail("nested too deeply");
        }
        parse_sum(depth);
        if (const auto op = take_operator(Priority::comparison)) {
            parse_sum(depth);
            push(Node::function(*op));
            if (take_operator(Priority::comparison)) {
                fail("a comparison of comparisons needs parentheses");
            }
        }
    }

    void parse_sum(int depth) {
        parse_product(depth);
        while (const auto op = take_operator(Priority::sum)) {
            parse_product(depth);
            push(Node::function(*op));
        }
    }

    void parse_product(int depth) {
        parse_signed(depth);
        while (const auto op = take_operator(Priority::product)) {
            parse_signed(depth);
            push(Node::function(*op));
        }
    }

    /// A sign between two operands.
    std::optional<Op> take_operator(Priority priority) {
        skip_space();
        if (text_.substr(at_, 2) == "**") {
            return std::nullopt;
        }
        for (const Op op : operators_) {
            if (facts(op).priority == priority && take(facts(op).name)) {
                return op;
            }
        }
        return std::nullopt;
    }

    void parse_signed(int depth) {
        if (depth > 500) {
            fail("nested too deeply");
        }
        if (take("+")) {
            parse_signed(depth + 1);
            return;
        }
        if (!take("-")) {
            parse_power(depth);
            return;
        }
        const std::size_t begin = tape_.size();
        parse_signed(depth + 1);
        if (tape_.size() == begin + 1 && tape_.back().op == Op::constant) {
            tape_.back().value = -tape_.back().value;
        } else {
            tape_.insert(tape_.begin() + static_cast<std::ptrdiff_t>(begin), Node::constant(-1.0));
            push(Node::function(Op::mul));
        }
    }

    void parse_power(int depth) {
        parse_atom(depth);
        if (!take("**") && !take("^")) {
            return;
        }
        const std::size_t begin = tape_.size();
        parse_signed(depth +
                     1);  // right associative, and binds tighter than a sign before the base
        const bool number = tape_.size() == begin + 1 && tape_.back().op == Op::constant;
        const std::optional<Op> named = named_power(number ? tape_.back().value : 0.0);
        if (named) {
            tape_.pop_back();
        }
        push(Node::function(named.value_or(Op::pow)));
    }

    void parse_atom(int depth) {
        skip_space();
        if (take("(")) {
            parse_comparison(depth + 1);
            expect(")");
            return;
        }
        const auto here = at_ < text_.size() ? static_cast<unsigned char>(text_[at_]) : 0;
        if (std::isdigit(here) != 0 || here == '.') {
            double value = 0.0;
            const auto [end, error] =
                std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
            if (error != std::errc{}) {
                fail("not a number");
            }
            at_ = static_cast<std::size_t>(end - text_.data());
            push(Node::constant(value));
            return;
        }
        std::size_t end = at_;
        while (end < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[end])) != 0 ||
                                      text_[end] == '_' || (text_[end] & 0x80) != 0)) {
            ++end;
        }
        if (end == at_) {
            fail(at_ < text_.size() ? "unexpected '" + character() + "'" : "unexpected end");
        }
        const std::string_view word = text_.substr(at_, end - at_);
        for (std::size_t i = 0; i < names_.size(); ++i) {
            if (names_[i] == word) {
                at_ = end;
                push(Node::input(static_cast<int>(i)));
                return;
            }
        }
        parse_call(word, end, depth);
    }

    std::optional<Op> named(std::string_view word) const {
        for (const Op op : operators_) {
            if (facts(op).name == word) {
                return op;
            }
        }
        return vocabulary_ == nullptr ? std::nullopt : vocabulary_->find(word);
    }

    void parse_call(std::string_view word, std::size_t end, int depth) {
        const std::optional<Op> op = named(word);
        if (!op) {
            fail("unknown name '" + std::string(word) + "'");
        }
        at_ = end;
        expect("(");
        parse_comparison(depth + 1);
        if (arity(*op) == 2) {
            expect(",");
            parse_comparison(depth + 1);
        }
        expect(")");
        push(Node::function(*op));
    }

    std::string_view text_;
    std::span<const std::string> names_;
    const Vocabulary* vocabulary_;
    std::vector<Op> operators_ = OpSet::all().operators();
    std::size_t at_ = 0;
    Tape tape_;
};

}  // namespace

std::string print(const Tape& tape, std::span<const std::string> names,
                  const Vocabulary* vocabulary) {
    if (static_cast<std::size_t>(inputs_needed(tape)) > names.size()) {
        throw std::invalid_argument("names: the expression reads column " +
                                    std::to_string(inputs_needed(tape)) + ", but there are only " +
                                    std::to_string(names.size()) + " names");
    }
    return print_subtree(tape, tape.size() - 1, names, vocabulary).text;
}

Tape parse(std::string_view text, std::span<const std::string> names,
           const Vocabulary* vocabulary) {
    return Parser(text, names, vocabulary).run();
}

}  // namespace closedform
