#include "expression/expand_products.hpp"

#include <cstdlib>
#include <utility>

namespace closedform {
namespace {

using Kind = Form::Kind;

constexpr std::size_t most_terms = 16;

/// The products whose sum `product` is, none with a sum raised to a positive power.
std::vector<Scaled> terms_of(const Form& product) {
    for (std::size_t i = 0; i < product.parts.size(); ++i) {
        const Form& base = product.parts[i].form;
        if (base.kind != Kind::sum || product.exponents[i] < 1) {
            continue;
        }
        Form rest = product;
        const auto at = static_cast<std::ptrdiff_t>(i);
        if (--rest.exponents[i] == 0) {
            rest.exponents.erase(rest.exponents.begin() + at);
            rest.parts.erase(rest.parts.begin() + at);
        }
        std::vector<Scaled> summands = base.parts;
        if (base.offset != 0.0) {
            summands.push_back({base.offset, Form{}});
        }
        std::vector<Scaled> result;
        for (const Scaled& summand : summands) {
            Form times = rest;
            times.parts.push_back({1.0, summand.form});
            times.exponents.push_back(1);
            for (Scaled& term : terms_of(times)) {
                result.push_back({summand.scale * term.scale, std::move(term.form)});
            }
            if (result.size() > most_terms) {
                return result;
            }
        }
        return result;
    }
    return {{1.0, product}};
}

/// Calls visit for every product in the form, inner ones first.
template <class Visit>
void for_products(Form& form, const Visit& visit) {
    for (Scaled& part : form.parts) {
        for_products(part.form, visit);
    }
    if (form.kind == Kind::product) {
        visit(form);
    }
}

/// The same for sums.
template <class Visit>
void for_sums(Form& form, const Visit& visit) {
    for (Scaled& part : form.parts) {
        for_sums(part.form, visit);
    }
    if (form.kind == Kind::sum) {
        visit(form);
    }
}

/// False where there is nothing to multiply out, or too much.
bool multiply_out(Form& product) {
    std::vector<Scaled> terms = terms_of(product);
    if (terms.size() == 1 || terms.size() > most_terms) {
        return false;
    }
    product = Form{};
    product.kind = Kind::sum;
    product.parts = std::move(terms);
    return true;
}

/// A term's factor, by its place in a product; the term itself where that is no product.
struct Power {
    const Form* base = nullptr;
    int exponent = 0;
};

std::vector<Power> factors_of(const Form& term) {
    if (term.kind == Kind::one) {
        return {};
    }
    if (term.kind != Kind::product) {
        return {{&term, 1}};
    }
    std::vector<Power> factors;
    for (std::size_t i = 0; i < term.parts.size(); ++i) {
        factors.push_back({&term.parts[i].form, term.exponents[i]});
    }
    return factors;
}

/// The exponent that a term has of `base`, if it is on the same side of the fraction bar; else 0.
int exponent_of(const Form& base, const Form& term, bool numerator) {
    for (const Power& own : factors_of(term)) {
        if ((own.exponent > 0) == numerator && same(*own.base, base)) {
            return own.exponent;
        }
    }
    return 0;
}

/// The factor that most terms have, two at least, to the least power that they have it in.
Power common_factor(const Form& sum) {
    Power common;
    std::size_t most = 1;
    for (const Scaled& term : sum.parts) {
        for (const Power& factor : factors_of(term.form)) {
            std::size_t count = 0;
            int least = factor.exponent;
            for (const Scaled& other : sum.parts) {
                const int own = exponent_of(*factor.base, other.form, factor.exponent > 0);
                count += own != 0 ? 1 : 0;
                least = own != 0 && std::abs(own) < std::abs(least) ? own : least;
            }
            if (count > most) {
                most = count;
                common = {factor.base, least};
            }
        }
    }
    return common;
}

/// term / factor, a term that has it.
Form divided(const Form& term, const Power& factor) {
    if (term.kind != Kind::product) {
        return {};
    }
    Form rest = term;
    for (std::size_t i = 0; i < rest.parts.size(); ++i) {
        if (same(rest.parts[i].form, *factor.base)) {
            rest.exponents[i] -= factor.exponent;
            if (rest.exponents[i] == 0) {
                const auto at = static_cast<std::ptrdiff_t>(i);
                rest.exponents.erase(rest.exponents.begin() + at);
                rest.parts.erase(rest.parts.begin() + at);
            }
            break;
        }
    }
    return rest.parts.empty() ? Form{} : rest;
}

/// a*b + a*c + d is a*(b + c) + d. False where no two terms share a factor.
bool take_out(Form& sum) {
    const Power common = common_factor(sum);
    if (common.base == nullptr) {
        return false;
    }
    Form inner;
    inner.kind = Kind::sum;
    Form outer = inner;
    outer.offset = sum.offset;
    for (const Scaled& term : sum.parts) {
        if (exponent_of(*common.base, term.form, common.exponent > 0) != 0) {
            inner.parts.push_back({term.scale, divided(term.form, common)});
        } else {
            outer.parts.push_back(term);
        }
    }
    while (take_out(inner)) {
    }
    Form product;
    product.kind = Kind::product;
    product.parts = {{1.0, *common.base}, {1.0, std::move(inner)}};
    product.exponents = {common.exponent, 1};
    outer.parts.push_back({1.0, std::move(product)});
    sum = std::move(outer);
    return sum.parts.size() > 1;
}

}  // namespace

std::optional<Scaled> factored(const Scaled& form) {
    Scaled result = form;
    bool changed = false;
    for_sums(result.form, [&](Form& sum) {
        const std::size_t terms = sum.parts.size();
        while (take_out(sum)) {
        }
        changed = changed || sum.parts.size() < terms;
    });
    return changed ? std::optional(std::move(result)) : std::nullopt;
}

std::vector<Scaled> expansions(const Scaled& form) {
    std::vector<Scaled> result;
    Scaled all = form;
    for_products(all.form, [&](Form& product) { multiply_out(product); });
    Scaled one = form;
    for_products(one.form, [&](Form& product) {
        Form before = product;
        if (multiply_out(product)) {
            result.push_back(one);
            product = std::move(before);
        }
    });
    if (result.size() > 1) {
        result.push_back(std::move(all));
    }
    return result;
}

}  // namespace closedform
