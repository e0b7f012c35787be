#pragma once

#include <vector>

#include "closedform/expression/canonical_form.hpp"

/// Canonical sums and products, put together one part after another.
namespace closedform {

/// A total order on forms: the order in which terms and factors are written. Negative, 0, positive.
int compare(const Form& a, const Form& b);
int compare(const Scaled& a, const Scaled& b);

Scaled number(double value);
bool is_number(const Scaled& s);
Form function_form(Op op, Scaled operand);

/// Terms of one form are one term, sums are laid open, the first term's scale is taken out.
class SumBuilder {
  public:
    void add(double weight, Scaled s);
    Scaled finish() &&;

  private:
    void add_term(double scale, Form form);

    double offset_ = 0.0;
    std::vector<Scaled> terms_;
};

/// Factors of one form are one factor, products are laid open, exponentials are one.
class ProductBuilder {
  public:
    void multiply(Scaled s, int exponent);
    Scaled finish() &&;

  private:
    void multiply_base(Form base, int exponent);
    void finish_exponential();
    std::size_t push(Form base, int exponent);

    double scale_ = 1.0;
    SumBuilder exp_argument_;
    std::vector<Form> bases_;
    std::vector<int> exponents_;
};

}  // namespace closedform
