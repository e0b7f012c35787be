#include "expression/expand_products.hpp"

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

}  // namespace

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
