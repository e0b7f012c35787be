#pragma once
// The operators, in one place: who needs one of their facts expands this list. Adding an operator
// is an entry here and its arithmetic in cpp/src/kernels/*_operators.hpp, which is by itself
// because it is compiled for the GPU, and once per instruction set, where nothing of the standard
// library may be inlined.
//
// X(enumerator, functor, operands, facts...): `functor` is the struct of the arithmetic, and the
// facts are designated initialisers of OperatorFacts (expression/operator_table.hpp, which says
// what they mean). Kernels expand the first three alone. Of the operands a and b, a unary operator
// has a; v is the value; texts for other languages have {0} and {1}. The order is the order of
// terms in canonical forms: new ones go to the end.

// clang-format off
#define CLOSEDFORM_OPERATORS(X)                                                                    \
    X(add, Add, 2, .name = "+", .priority = Priority::sum, .commutative = true,                    \
      .library = [](double a, double b) { return a + b; },                                         \
      .enclosure = enclosures::sum,                                                                \
      .slopes = {"1", "1"}, .sympy = "a + b")                                                      \
    X(sub, Sub, 2, .name = "-", .priority = Priority::sum,                                         \
      .library = [](double a, double b) { return a - b; },                                         \
      .enclosure = enclosures::difference,                                                         \
      .slopes = {"1", "-1"}, .sympy = "a - b")                                                     \
    X(mul, Mul, 2, .name = "*", .priority = Priority::product, .commutative = true,                \
      .library = [](double a, double b) { return a * b; },                                         \
      .enclosure = enclosures::product,                                                            \
      .slopes = {"b", "a"}, .sympy = "a*b")                                                        \
    X(div, Div, 2, .name = "/", .priority = Priority::product, .domain = {.pole = true},           \
      .cost = 5, .library = [](double a, double b) { return a / b; },                              \
      .enclosure = enclosures::quotient,                                                           \
      .slopes = {"1/b", "-v/b"}, .sympy = "a/b")                                                   \
    X(pow, Pow, 2, .name = "pow", .cost = 50,                                                      \
      .library = [](double a, double b) { return std::pow(a, b); },                                \
      .enclosure = enclosures::power, .one_whatever = true,                                        \
      .slopes = {"b*pow(a, b - 1)", "v*log(abs(a))"}, .sympy = "a**b",                             \
      .c = "{std}pow({0}, {1})", .fortran = "pow_({0}, {1})", .julia = "pow_({0}, {1})",           \
      .julia_guard = "pow_(a, b) = a < 0.0 && !isinteger(b) ? NaN : a^b",                          \
      .arrays = "{np}.power({0}, {1})")                                                            \
    X(sin, Sin, 1, .name = "sin", .parity = Parity::odd, .periodic = true, .ulps = 2, .cost = 20,  \
      .library = [](double a, double) { return std::sin(a); },                                     \
      .enclosure = enclosures::sine, .range = {-1.0, 1.0},                                         \
      .slopes = {"cos(a)"}, .sympy = "sin(a)",                                                     \
      .c = "{std}sin({0})", .fortran = "sin({0})", .julia = "sin_({0})",                           \
      .julia_guard = "sin_(a) = isfinite(a) ? sin(a) : NaN", .arrays = "{np}.sin({0})")            \
    X(cos, Cos, 1, .name = "cos", .parity = Parity::even, .periodic = true, .ulps = 2, .cost = 20, \
      .library = [](double a, double) { return std::cos(a); },                                     \
      .enclosure = enclosures::cosine, .range = {-1.0, 1.0},                                       \
      .slopes = {"-sin(a)"}, .sympy = "cos(a)",                                                    \
      .c = "{std}cos({0})", .fortran = "cos({0})", .julia = "cos_({0})",                           \
      .julia_guard = "cos_(a) = isfinite(a) ? cos(a) : NaN", .arrays = "{np}.cos({0})")            \
    X(tan, Tan, 1, .name = "tan", .parity = Parity::odd, .periodic = true, .increasing = true,     \
      .ulps = 2, .cost = 20, .library = [](double a, double) { return std::tan(a); },              \
      .enclosure = enclosures::tangent,                                                            \
      .slopes = {"v**2 + 1"}, .sympy = "tan(a)",                                                   \
      .c = "{std}tan({0})", .fortran = "tan({0})", .julia = "tan_({0})",                           \
      .julia_guard = "tan_(a) = isfinite(a) ? tan(a) : NaN", .arrays = "{np}.tan({0})")            \
    X(exp, Exp, 1, .name = "exp", .increasing = true, .ulps = 2, .cost = 20,                       \
      .library = [](double a, double) { return std::exp(a); },                                     \
      .enclosure = enclosures::exponential, .range = {.low = 0.0},                                 \
      .slopes = {"v"}, .sympy = "exp(a)",                                                          \
      .c = "{std}exp({0})", .fortran = "exp({0})", .julia = "exp({0})",                            \
      .arrays = "{np}.exp({0})")                                                                   \
    X(log, Log, 1, .name = "log", .increasing = true,                                              \
      .domain = {.low = 0.0, .open = true}, .ulps = 2, .cost = 20,                                 \
      .library = [](double a, double) { return std::log(a); },                                     \
      .enclosure = enclosures::increasing,                                                         \
      .slopes = {"1/a"}, .sympy = "log(a)",                                                        \
      .c = "{std}log({0})", .fortran = "log({0})", .julia = "log_({0})",                           \
      .julia_guard = "log_(a) = a < 0.0 ? NaN : log(a)", .arrays = "{np}.log({0})")                \
    X(sqrt, Sqrt, 1, .name = "sqrt", .increasing = true, .domain = {.low = 0.0}, .cost = 6,        \
      .library = [](double a, double) { return std::sqrt(a); },                                    \
      .enclosure = enclosures::increasing,                                                         \
      .slopes = {"0.5/v"}, .sympy = "sqrt(a)",                                                     \
      .c = "{std}sqrt({0})", .fortran = "sqrt({0})", .julia = "sqrt_({0})",                        \
      .julia_guard = "sqrt_(a) = a < 0.0 ? NaN : sqrt(a)", .arrays = "{np}.sqrt({0})")             \
    X(square, Square, 1, .name = "square", .power = 2, .parity = Parity::even,                     \
      .library = [](double a, double) { return a * a; },                                           \
      .enclosure = enclosures::square,                                                             \
      .slopes = {"2*a"}, .sympy = "a**2")                                                          \
    X(cube, Cube, 1, .name = "cube", .power = 3, .parity = Parity::odd, .ulps = 2,                 \
      .library = [](double a, double) { return a * a * a; },                                       \
      .enclosure = enclosures::increasing,                                                         \
      .slopes = {"3*a**2"}, .sympy = "a**3")                                                       \
    X(abs, Abs, 1, .name = "abs", .parity = Parity::even,                                          \
      .library = [](double a, double) { return std::abs(a); },                                     \
      .enclosure = enclosures::magnitude,                                                          \
      .slopes = {"sign(a)"}, .sympy = "Abs(a)",                                                    \
      .c = "{std}fabs({0})", .fortran = "abs({0})", .julia = "abs({0})",                           \
      .arrays = "{np}.abs({0})")                                                                   \
    X(tanh, Tanh, 1, .name = "tanh", .parity = Parity::odd, .increasing = true, .ulps = 4,         \
      .cost = 20,                                                                                  \
      .library = [](double a, double) { return std::tanh(a); },                                    \
      .enclosure = enclosures::increasing, .range = {-1.0, 1.0},                                   \
      .slopes = {"1 - v**2"}, .sympy = "tanh(a)",                                                  \
      .c = "{std}tanh({0})", .fortran = "tanh({0})", .julia = "tanh({0})",                         \
      .arrays = "{np}.tanh({0})")                                                                  \
    X(inv, Inv, 1, .name = "inv", .power = -1, .parity = Parity::odd, .domain = {.pole = true},    \
      .cost = 5, .library = [](double a, double) { return 1.0 / a; },                              \
      .enclosure = enclosures::reciprocal,                                                         \
      .slopes = {"-v**2"}, .sympy = "1/a")                                                         \
    X(erf, Erf, 1, .name = "erf", .parity = Parity::odd, .increasing = true, .ulps = 3,            \
      .cost = 40, .library = [](double a, double) { return std::erf(a); },                         \
      .enclosure = enclosures::increasing, .range = {-1.0, 1.0},                                   \
      .slopes = {"1.1283791670955126*exp(-a**2)"}, .sympy = "erf(a)",                              \
      .c = "{std}erf({0})", .fortran = "erf({0})", .julia = "erf_({0})",                           \
      .julia_guard = "erf_(a) = ccall((:erf, Base.Math.libm), Float64, (Float64,), a)",            \
      .arrays = "erf({0})")                                                                        \
    X(atan, Atan, 1, .name = "atan", .parity = Parity::odd, .increasing = true, .ulps = 3,         \
      .cost = 20, .library = [](double a, double) { return std::atan(a); },                        \
      .enclosure = enclosures::increasing,                                                         \
      .slopes = {"1/(a**2 + 1)"}, .sympy = "atan(a)",                                              \
      .c = "{std}atan({0})", .fortran = "atan({0})", .julia = "atan({0})",                         \
      .arrays = "{np}.arctan({0})")                                                                \
    X(asin, Asin, 1, .name = "asin", .parity = Parity::odd, .increasing = true,                    \
      .domain = {.low = -1.0, .high = 1.0}, .ulps = 3, .cost = 20,                                 \
      .library = [](double a, double) { return std::asin(a); },                                    \
      .enclosure = enclosures::increasing,                                                         \
      .slopes = {"1/sqrt(1 - a**2)"}, .sympy = "asin(a)",                                          \
      .c = "{std}asin({0})", .fortran = "asin({0})", .julia = "asin_({0})",                        \
      .julia_guard = "asin_(a) = abs(a) > 1.0 ? NaN : asin(a)", .arrays = "{np}.arcsin({0})")      \
    X(acos, Acos, 1, .name = "acos", .domain = {.low = -1.0, .high = 1.0}, .ulps = 3,              \
      .cost = 20, .library = [](double a, double) { return std::acos(a); },                        \
      .enclosure = enclosures::decreasing, .range = {.low = 0.0},                                  \
      .slopes = {"-1/sqrt(1 - a**2)"}, .sympy = "acos(a)",                                         \
      .c = "{std}acos({0})", .fortran = "acos({0})", .julia = "acos_({0})",                        \
      .julia_guard = "acos_(a) = abs(a) > 1.0 ? NaN : acos(a)", .arrays = "{np}.arccos({0})")      \
    X(sinh, Sinh, 1, .name = "sinh", .parity = Parity::odd, .increasing = true, .ulps = 3,         \
      .cost = 20, .library = [](double a, double) { return std::sinh(a); },                        \
      .enclosure = enclosures::increasing,                                                         \
      .slopes = {"cosh(a)"}, .sympy = "sinh(a)",                                                   \
      .c = "{std}sinh({0})", .fortran = "sinh({0})", .julia = "sinh({0})",                         \
      .arrays = "{np}.sinh({0})")                                                                  \
    X(cosh, Cosh, 1, .name = "cosh", .parity = Parity::even, .ulps = 3, .cost = 20,                \
      .library = [](double a, double) { return std::cosh(a); },                                    \
      .enclosure = enclosures::growing, .range = {.low = 1.0},                                     \
      .slopes = {"sinh(a)"}, .sympy = "cosh(a)",                                                   \
      .c = "{std}cosh({0})", .fortran = "cosh({0})", .julia = "cosh({0})",                         \
      .arrays = "{np}.cosh({0})")                                                                  \
    X(log10, Log10, 1, .name = "log10", .increasing = true,                                        \
      .domain = {.low = 0.0, .open = true}, .ulps = 3, .cost = 20,                                 \
      .library = [](double a, double) { return std::log10(a); },                                   \
      .enclosure = enclosures::increasing,                                                         \
      .slopes = {"0.4342944819032518/a"}, .sympy = "log(a, 10)",                                   \
      .c = "{std}log10({0})", .fortran = "log10({0})", .julia = "log10_({0})",                     \
      .julia_guard = "log10_(a) = a < 0.0 ? NaN : log10(a)", .arrays = "{np}.log10({0})")          \
    X(sign, Sign, 1, .name = "sign", .parity = Parity::odd,                                        \
      .library = [](double a, double) { return a > 0.0 ? 1.0 : (a < 0.0 ? -1.0 : a); },            \
      .enclosure = enclosures::exact, .jumps = true,                                               \
      .slopes = {"0"}, .sympy = "sign(a)",                                                         \
      .c = "({0} > 0.0 ? 1.0 : ({0} < 0.0 ? -1.0 : {0}))",                                         \
      .fortran = "merge(1.0_real64, merge(-1.0_real64, {0}, {0} < 0), {0} > 0)",                   \
      .julia = "sign({0})", .arrays = "{np}.sign({0})")                                            \
    X(max, Max, 2, .name = "max", .commutative = true,                                             \
      .library = [](double a, double b) { return a < b || std::isnan(b) ? b : a; },                \
      .enclosure = enclosures::larger,                                                             \
      .slopes = {"1 - (b > a)", "b > a"}, .sympy = "Max(a, b)",                                    \
      .c = "({0} < {1} || {1} != {1} ? {1} : {0})",                                                \
      .fortran = "merge({1}, {0}, {0} < {1} .or. ieee_is_nan({1}))", .julia = "max({0}, {1})",     \
      .arrays = "{np}.maximum({0}, {1})")                                                          \
    X(min, Min, 2, .name = "min", .commutative = true,                                             \
      .library = [](double a, double b) { return a > b || std::isnan(b) ? b : a; },                \
      .enclosure = enclosures::smaller,                                                            \
      .slopes = {"1 - (a > b)", "a > b"}, .sympy = "Min(a, b)",                                    \
      .c = "({0} > {1} || {1} != {1} ? {1} : {0})",                                                \
      .fortran = "merge({1}, {0}, {0} > {1} .or. ieee_is_nan({1}))", .julia = "min({0}, {1})",     \
      .arrays = "{np}.minimum({0}, {1})")                                                          \
    X(greater, Greater, 2, .name = ">", .priority = Priority::comparison, .values_only = true,     \
      .library = [](double a, double b) { return a > b ? 1.0 : 0.0; },                             \
      .enclosure = enclosures::comparison, .jumps = true,                                          \
      .slopes = {"0", "0"}, .sympy = "Piecewise((1, a > b), (0, True))",                           \
      .c = "({0} > {1} ? 1.0 : 0.0)", .fortran = "merge(1.0_real64, 0.0_real64, {0} > {1})",       \
      .julia = "({0} > {1} ? 1.0 : 0.0)", .arrays = "{np}.where({0} > {1}, 1.0, 0.0)")
// clang-format on
