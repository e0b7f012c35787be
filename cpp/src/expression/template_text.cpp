#include <algorithm>
#include <charconv>
#include <utility>

#include "closedform/expression/template.hpp"
#include "expression/infix_parser.hpp"

namespace closedform {
namespace {

class TemplateParser : public InfixParser {
  public:
    TemplateParser(std::string_view text, std::span<const std::string> names)
        : InfixParser(text, names, "template") {
        form_.inputs = names.size();
    }

    Template parse() {
        form_.tape = run();
        for (const Derived& one : derived_) {
            resolve(one);
        }
        for (const Derived& one : derived_) {
            if (holds(one.call, one.call, 0)) {
                fail_at(one.at, "'" + one.function + "' would be an argument of itself");
            }
        }
        if (form_.unknowns.empty()) {
            fail("has no unknown function, such as f(" + names_[0] + ")");
        }
        return std::move(form_);
    }

  protected:
    void parse_unknown(std::string_view word, std::size_t end, int depth) override {
        const std::size_t begin = at_;
        at_ = end;
        if (word == "D" && take("(")) {
            parse_derivative(depth);
        } else if (take("(")) {
            call(std::string(word), {}, arguments(depth), begin);
        } else if (take("[")) {
            const std::size_t index = number();
            expect("]");
            call(std::string(word) + "[" + std::to_string(index) + "]", {}, {}, begin);
        } else {
            at_ = begin;
            InfixParser::parse_unknown(word, end, depth);
        }
    }

  private:
    /// A derivative whose function may stand further on.
    struct Derived {
        std::size_t call;
        std::string function;
        std::vector<std::string> by;  ///< numbers from 1, or inputs' names
        bool elsewhere;               ///< at the arguments of the function's first call
        std::size_t at;               ///< in the text
    };

    /// Whether a call's arguments hold another, however deep.
    bool holds(std::size_t call, std::size_t other, std::size_t depth) const {
        const auto& arguments = form_.calls[call].arguments;
        return depth > form_.calls.size() ||
               std::any_of(arguments.begin(), arguments.end(), [&](const Tape& argument) {
                   return std::any_of(argument.begin(), argument.end(), [&](const Node& node) {
                       const auto at = static_cast<std::size_t>(node.variable);
                       return node.op == Op::variable && at >= form_.inputs &&
                              (at - form_.inputs == other ||
                               holds(at - form_.inputs, other, depth + 1));
                   });
               });
    }

    [[noreturn]] void fail_at(std::size_t at, const std::string& what) {
        at_ = at;
        fail(what);
    }

    /// D(f, 1) with its first bracket read.
    void parse_derivative(int depth) {
        skip_space();
        const std::size_t at = at_;
        const std::string function(word());
        if (function.empty()) {
            fail("expected a function's name");
        }
        at_ += function.size();
        std::vector<std::string> by;
        while (take(",")) {
            skip_space();
            by.emplace_back(word());
            if (by.back().empty()) {
                fail("expected the number or the name of an argument");
            }
            at_ += by.back().size();
        }
        if (by.empty()) {
            fail("expected ',' and the number of an argument");
        }
        expect(")");
        const bool own = take("(");
        const std::size_t here = form_.calls.size();
        derived_.push_back({here, function, std::move(by), !own, at});
        std::vector<Tape> values = own ? arguments(depth) : std::vector<Tape>{};
        // Arguments may hold calls of their own, which come first.
        derived_.back().call = form_.calls.size();
        if (own) {
            call(function, {}, std::move(values), at);
        } else {
            form_.calls.emplace_back();
            push(Node::input(static_cast<int>(form_.inputs + form_.calls.size() - 1)));
        }
    }

    /// What stands between brackets, the first one read.
    std::vector<Tape> arguments(int depth) {
        std::vector<Tape> found;
        do {
            const std::size_t begin = tape_.size();
            parse_comparison(depth + 1);
            Tape own(tape_.begin() + static_cast<std::ptrdiff_t>(begin), tape_.end());
            tape_.resize(begin);
            fix_sizes(own);
            found.push_back(std::move(own));
        } while (take(","));
        expect(")");
        return found;
    }

    std::size_t number() {
        skip_space();
        std::size_t value = 0;
        const auto [end, error] =
            std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
        if (error != std::errc{} || value > 1000) {
            fail("expected a number of a parameter");
        }
        at_ = static_cast<std::size_t>(end - text_.data());
        return value;
    }

    void call(const std::string& name, std::vector<std::size_t> by, std::vector<Tape> values,
              std::size_t at) {
        auto& unknowns = form_.unknowns;
        auto known = std::find_if(unknowns.begin(), unknowns.end(),
                                  [&](const auto& one) { return one.name == name; });
        if (known == unknowns.end()) {
            unknowns.push_back({name, values.size()});
            known = unknowns.end() - 1;
        } else if (known->arguments != values.size()) {
            fail_at(at, "'" + name + "' had " + std::to_string(known->arguments) +
                            " arguments before, and has " + std::to_string(values.size()));
        }
        form_.calls.push_back(
            {static_cast<std::size_t>(known - unknowns.begin()), std::move(by), std::move(values)});
        push(Node::input(static_cast<int>(form_.inputs + form_.calls.size() - 1)));
    }

    void resolve(const Derived& one) {
        const auto known =
            std::find_if(form_.unknowns.begin(), form_.unknowns.end(),
                         [&](const auto& unknown) { return unknown.name == one.function; });
        if (known == form_.unknowns.end()) {
            fail_at(one.at, "'" + one.function + "' stands nowhere with its arguments");
        }
        const auto which = static_cast<std::size_t>(known - form_.unknowns.begin());
        const auto first =
            std::find_if(form_.calls.begin(), form_.calls.end(), [&](const Template::Call& call) {
                return call.unknown == which && call.arguments.size() == known->arguments;
            });
        Template::Call& own = form_.calls[one.call];
        if (one.elsewhere) {
            own.unknown = which;
            own.arguments = first->arguments;
        }
        for (const std::string& by : one.by) {
            own.by.push_back(argument(by, own, one.at));
        }
    }

    std::size_t argument(const std::string& by, const Template::Call& call, std::size_t at) {
        const std::size_t count = call.arguments.size();
        std::size_t value = 0;
        const auto [end, error] = std::from_chars(by.data(), by.data() + by.size(), value);
        if (error == std::errc{} && end == by.data() + by.size()) {
            if (value < 1 || value > count) {
                fail_at(at, "the function has " + std::to_string(count) + " arguments, no number " +
                                by);
            }
            return value - 1;
        }
        for (std::size_t k = 0; k < count; ++k) {
            const Tape& own = call.arguments[k];
            if (own.size() == 1 && own[0].op == Op::variable &&
                static_cast<std::size_t>(own[0].variable) < form_.inputs &&
                names_[static_cast<std::size_t>(own[0].variable)] == by) {
                return k;
            }
        }
        fail_at(at, "'" + by + "' is none of the function's arguments");
    }

    Template form_;
    std::vector<Derived> derived_;
};

}  // namespace

Template parse_template(std::string_view text, std::span<const std::string> names) {
    return TemplateParser(text, names).parse();
}

}  // namespace closedform
