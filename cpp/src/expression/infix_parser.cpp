#include "expression/infix_parser.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <stdexcept>

#include "closedform/expression/vocabulary.hpp"

namespace closedform {

std::optional<Op> named_power(double exponent) {
    for (int i = 2; i < op_count; ++i) {
        const int power = facts(static_cast<Op>(i)).power;
        if (power > 0 && power == exponent) {
            return static_cast<Op>(i);
        }
    }
    return {};
}

Tape InfixParser::run() {
    parse_comparison(0);
    skip_space();
    if (at_ < text_.size()) {
        fail("unexpected '" + character() + "'");
    }
    fix_sizes(tape_);
    return std::move(tape_);
}

void InfixParser::fail(const std::string& what) const {
    std::string message = std::string(what_) + " '" + std::string(text_) + "', position " +
                          std::to_string(at_ + 1) + ": " + what;
    // A message is one line, whatever it quotes.
    std::replace_if(
        message.begin(), message.end(),
        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
    throw std::invalid_argument(message);
}

/// The character here, with all its bytes.
std::string InfixParser::character() const {
    std::size_t end = at_ + 1;
    while (end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xC0) == 0x80) {
        ++end;
    }
    return std::string(text_.substr(at_, end - at_));
}

void InfixParser::push(const Node& node) {
    if (tape_.size() >= max_tape_size) {
        fail("longer than 255 operators, constants and variables");
    }
    tape_.push_back(node);
}

void InfixParser::skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
        ++at_;
    }
}

bool InfixParser::take(std::string_view token) {
    skip_space();
    if (text_.substr(at_, token.size()) != token) {
        return false;
    }
    at_ += token.size();
    return true;
}

void InfixParser::expect(std::string_view token) {
    if (!take(token)) {
        fail("expected '" + std::string(token) + "'");
    }
}

void InfixParser::parse_comparison(int depth) {
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

void InfixParser::parse_sum(int depth) {
    parse_product(depth);
    while (const auto op = take_operator(Priority::sum)) {
        parse_product(depth);
        push(Node::function(*op));
    }
}

void InfixParser::parse_product(int depth) {
    parse_signed(depth);
    while (const auto op = take_operator(Priority::product)) {
        parse_signed(depth);
        push(Node::function(*op));
    }
}

/// A sign between two operands.
std::optional<Op> InfixParser::take_operator(Priority priority) {
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

void InfixParser::parse_signed(int depth) {
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

void InfixParser::parse_power(int depth) {
    parse_atom(depth);
    if (!take("**") && !take("^")) {
        return;
    }
    const std::size_t begin = tape_.size();
    parse_signed(depth + 1);  // right associative, and binds tighter than a sign before the base
    const bool number = tape_.size() == begin + 1 && tape_.back().op == Op::constant;
    const std::optional<Op> named = named_power(number ? tape_.back().value : 0.0);
    if (named) {
        tape_.pop_back();
    }
    push(Node::function(named.value_or(Op::pow)));
}

void InfixParser::parse_atom(int depth) {
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
    const std::string_view own = word();
    const std::size_t end = at_ + own.size();
    if (own.empty()) {
        fail(at_ < text_.size() ? "unexpected '" + character() + "'" : "unexpected end");
    }
    for (std::size_t i = 0; i < names_.size(); ++i) {
        if (names_[i] == own) {
            at_ = end;
            push(Node::input(static_cast<int>(i)));
            return;
        }
    }
    if (!parse_call(own, end, depth)) {
        parse_unknown(own, end, depth);
    }
}

std::optional<Op> InfixParser::named(std::string_view word) const {
    for (const Op op : operators_) {
        if (facts(op).name == word) {
            return op;
        }
    }
    return vocabulary_ == nullptr ? std::nullopt : vocabulary_->find(word);
}

bool InfixParser::parse_call(std::string_view word, std::size_t end, int depth) {
    const std::optional<Op> op = named(word);
    if (!op) {
        return false;
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
    return true;
}

void InfixParser::parse_unknown(std::string_view word, std::size_t /*end*/, int /*depth*/) {
    fail("unknown name '" + std::string(word) + "'");
}

std::string_view InfixParser::word() const {
    std::size_t end = at_;
    while (end < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[end])) != 0 ||
                                  text_[end] == '_' || (text_[end] & 0x80) != 0)) {
        ++end;
    }
    return text_.substr(at_, end - at_);
}

}  // namespace closedform
