// Every kernel of every table in the copies this processor runs, against the baseline's: what they
// compute differs by rounding alone (fused multiplications), whatever the numbers. A bound is a
// number of roundings times the absolute values of the terms, which the baseline computes from
// absolute values where a kernel is made of products and sums.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "closedform/core/aligned_vector.hpp"
#include "closedform/core/node.hpp"
#include "core/kernel_dispatch.hpp"
#include "core/random.hpp"
#include "kernels/simd/activation.hpp"
#include "kernels/simd/als.hpp"
#include "kernels/simd/direction.hpp"
#include "kernels/simd/gram_schmidt.hpp"
#include "kernels/simd/hinge.hpp"
#include "kernels/simd/pieces.hpp"
#include "kernels/simd/tape.hpp"
#include "kernels/simd/tensor.hpp"

namespace closedform {
CLOSEDFORM_DECLARE_SETS(TapeKernels, tape_kernels)
CLOSEDFORM_DECLARE_SETS(DirectionKernels, direction_kernels)
CLOSEDFORM_DECLARE_SETS(HingeKernels, hinge_kernels)
CLOSEDFORM_DECLARE_SETS(TensorRowKernels, tensor_row_kernels)
CLOSEDFORM_DECLARE_SETS(AlsRowKernels, als_row_kernels)
CLOSEDFORM_DECLARE_SETS(ActivationKernels, activation_kernels)
CLOSEDFORM_DECLARE_SETS(PieceKernels, piece_kernels)
CLOSEDFORM_DECLARE_SETS(GramSchmidtKernels, gram_schmidt_kernels)
}  // namespace closedform

using namespace closedform;

namespace {

/// Calls compare(baseline's table, another's) for every other set; says which are left out.
template <class Table, class Compare>
void with_each_set(const Table* (*baseline)(), const Table* (*v3)(), const Table* (*v4)(),
                   const Compare& compare) {
    const std::array<std::pair<InstructionSet, const Table* (*)()>, 2> others = {
        {{InstructionSet::x86_64_v3, v3}, {InstructionSet::x86_64_v4, v4}}};
    for (const auto& [set, table] : others) {
        const std::string called(name(set));
        CAPTURE(called);
        if (table == nullptr || !supported(set)) {
            MESSAGE(
                called << ": not compared, for "
                       << (table == nullptr ? "it is not compiled" : "this processor has it not"));
            continue;
        }
        compare(*baseline(), *table());
    }
}

#if defined(CLOSEDFORM_X86_SETS)
#define COMPARE_SETS(function, compare) \
    with_each_set(baseline::function, x86_64_v3::function, x86_64_v4::function, compare)
#else
#define COMPARE_SETS(function, compare)                                 \
    with_each_set(baseline::function, decltype (&baseline::function)(), \
                  decltype (&baseline::function)(), compare)
#endif

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// Numbers at which arithmetic is most likely to go wrong.
constexpr std::array<double, 29> awkward = {0.0,
                                            -0.0,
                                            1.0,
                                            -1.0,
                                            0.5,
                                            2.0,
                                            -2.0,
                                            3.0,
                                            infinity,
                                            -infinity,
                                            not_a_number,
                                            5e-324,
                                            -5e-324,
                                            1e-310,
                                            -1e-310,
                                            1e-160,
                                            1e160,
                                            1e300,
                                            -1e300,
                                            1e6,
                                            1e6 + 1,
                                            -3e7,
                                            800.0,
                                            -740.0,
                                            -800.0,
                                            1e-9,
                                            -1e-9,
                                            0.7853981,
                                            1.5707963267948966};

std::vector<double> random_numbers(std::size_t count, double low, double high, Random& random) {
    std::vector<double> numbers(count);
    for (double& number : numbers) {
        number = random.uniform(low, high);
    }
    return numbers;
}

std::vector<double> absolute(std::vector<double> numbers) {
    for (double& number : numbers) {
        number = std::abs(number);
    }
    return numbers;
}

/// Equal, both not numbers, or within `roundings` of `size`. Denormal results lose their digits.
bool close(double expected, double found, double roundings, double size) {
    if (std::isnan(expected) || std::isnan(found) || std::isinf(expected) || std::isinf(found)) {
        return (std::isnan(expected) && std::isnan(found)) || expected == found;
    }
    return std::abs(expected - found) <= roundings * (epsilon * size + 5e-324);
}

/// The first place where they differ by more, or "" for none.
template <class Numbers>
std::string difference(const Numbers& expected, const Numbers& found, double roundings,
                       const Numbers& size) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if (!close(expected[i], found[i], roundings, std::abs(size[i]))) {
            return "at " + std::to_string(i) + ": " + doctest::toString(expected[i]).c_str() +
                   " and " + doctest::toString(found[i]).c_str();
        }
    }
    return "";
}

template <class Numbers>
std::string difference(const Numbers& expected, const Numbers& found, double roundings) {
    return difference(expected, found, roundings, expected);
}

// Tapes ------------------------------------------------------------------------------------------

using Block = std::vector<double>;  // block_rows numbers

/// One operator over inputs 0 and 1, or a constant in place of one of them.
std::vector<Node> tape_of(Op op, bool binary, int constant_operand, double constant) {
    std::vector<Node> tape;
    for (int i = 0; i < (binary ? 2 : 1); ++i) {
        tape.push_back(i == constant_operand ? Node::constant(constant) : Node::input(i));
    }
    tape.push_back(Node::function(op));
    tape.back().size = static_cast<std::uint16_t>(tape.size());
    return tape;
}

bool is_binary(Op op) { return arity(op) == 2; }

/// Columns in which every awkward number meets every other, and random ones after them.
std::vector<std::array<Block, 2>> awkward_blocks(Random& random) {
    const std::size_t pairs = awkward.size() * awkward.size();
    std::vector<std::array<Block, 2>> blocks;
    for (std::size_t first = 0; first < pairs + 2 * block_rows; first += block_rows) {
        std::array<Block, 2> block = {Block(block_rows), Block(block_rows)};
        for (std::size_t i = 0; i < block_rows; ++i) {
            const std::size_t pair = first + i;
            const bool known = pair < pairs;
            block[0][i] = known ? awkward[pair % awkward.size()] : random.uniform(-4.0, 4.0);
            block[1][i] = known ? awkward[pair / awkward.size()] : random.uniform(-4.0, 4.0);
        }
        blocks.push_back(std::move(block));
    }
    return blocks;
}

/// Columns at which no operator is near a place where it loses its digits.
std::array<Block, 2> tame_block(Random& random) {
    return {random_numbers(block_rows, 0.3, 1.4, random),
            random_numbers(block_rows, 0.4, 2.0, random)};
}

constexpr std::array<bool, 10> every = {true, true, true, true, true, true, true, true, true, true};

Block forward(const TapeKernels& kernels, const std::vector<Node>& tape,
              const std::array<Block, 2>& columns, bool keep, std::size_t rows = block_rows) {
    const std::array<const double*, 2> inputs = {columns[0].data(), columns[1].data()};
    std::vector<double> scratch(tape.size() * block_rows, 0.25);
    std::vector<double> slopes(tape.size() * block_rows);
    std::vector<const double*> at(tape.size());
    if (keep) {
        kernels.forward_kept(tape.data(), tape.size(), inputs.data(), rows, every.data(),
                             scratch.data(), slopes.data(), at.data());
    } else {
        kernels.forward(tape.data(), tape.size(), inputs.data(), rows, scratch.data(), at.data());
    }
    return {at.back(), at.back() + block_rows};
}

void compare_forward(const TapeKernels& baseline, const TapeKernels& other) {
    Random random(1, 0);
    const auto blocks = awkward_blocks(random);
    for (int number = static_cast<int>(Op::add); number < op_count; ++number) {
        const Op op = static_cast<Op>(number);
        CAPTURE(number);
        for (int operand = -1; operand < (is_binary(op) ? 2 : 0); ++operand) {
            for (const auto& block : blocks) {
                const auto tape = tape_of(op, is_binary(op), operand, block[1][7]);
                for (const bool keep : {false, true}) {
                    const Block expected = forward(baseline, tape, block, keep);
                    // A power's exponent is rounded before it is raised: up to 745 of its units.
                    CHECK(difference(expected, forward(other, tape, block, keep), 1500) == "");
                    // Fewer rows: the same there, and nothing behind them.
                    Block some = expected;
                    std::fill(some.begin() + 56, some.end(), 0.25);
                    CHECK(difference(some, forward(other, tape, block, keep, 56), 1500) == "");
                }
            }
        }
    }
}

/// The passes over a tape and its tangents, with what goes in and comes out of them.
struct Passes {
    const TapeKernels& kernels;
    std::vector<Node> tape;
    std::array<const double*, 2> inputs;
    std::array<bool, 3> active;
    std::vector<double> scratch;
    std::vector<double> slopes;
    std::vector<const double*> at;

    Passes(const TapeKernels& kernels_, std::vector<Node> tape_,
           const std::array<Block, 2>& columns, std::array<bool, 3> active_)
        : kernels(kernels_),
          tape(std::move(tape_)),
          inputs{columns[0].data(), columns[1].data()},
          active(active_),
          scratch(tape.size() * block_rows),
          slopes(scratch.size()),
          at(tape.size()) {
        active[tape.size() - 1] = true;
        kernels.forward_kept(tape.data(), tape.size(), inputs.data(), block_rows, every.data(),
                             scratch.data(), slopes.data(), at.data());
    }
    /// Adjoints of the operands, the root's given.
    std::vector<double> reverse(const Block& root) const {
        std::vector<double> adjoint(tape.size() * block_rows, 0.25);
        std::copy(root.begin(), root.end(), adjoint.end() - block_rows);
        kernels.reverse(tape.data(), tape.size(), at.data(), slopes.data(), block_rows,
                        active.data(), adjoint.data());
        return adjoint;
    }
    /// Tangent of the root, those of the operands given.
    std::vector<double> forward_tangent(std::vector<double> tangent) const {
        kernels.forward_tangent(tape.data(), tape.size(), at.data(), slopes.data(), active.data(),
                                tangent.data());
        return tangent;
    }
    /// How the operands' adjoints change. The root's does not: `root` is its adjoint.
    std::vector<double> reverse_tangent(const Block& root,
                                        const std::vector<double>& tangent) const {
        const std::vector<double> adjoint = reverse(root);
        std::array<bool, 3> live{};
        std::vector<double> change(tape.size() * block_rows, 0.25);
        kernels.reverse_tangent(tape.data(), tape.size(), at.data(), slopes.data(), active.data(),
                                adjoint.data(), active.data(), tangent.data(), live.data(),
                                change.data());
        for (std::size_t node = 0; node < tape.size(); ++node) {
            if (!live[node]) {
                std::fill_n(change.begin() + static_cast<std::ptrdiff_t>(node * block_rows),
                            block_rows, 0.0);
            }
        }
        return change;
    }
};

/// What a derivative may round off: its own size, and one, for what cancels in it.
std::vector<double> plus_one(std::vector<double> numbers) {
    for (double& number : numbers) {
        number = std::abs(number) + 1.0;
    }
    return numbers;
}

void compare_passes(const TapeKernels& baseline, const TapeKernels& other, Op op,
                    const std::array<Block, 2>& columns, bool tame) {
    Random random(2, static_cast<std::uint64_t>(op));
    const std::vector<Node> tape = tape_of(op, is_binary(op), -1, 0.0);
    const Block root = random_numbers(block_rows, -1.0, 1.0, random);
    std::vector<double> tangent = random_numbers(tape.size() * block_rows, -1.0, 1.0, random);
    std::fill_n(tangent.begin(), block_rows / 4, 0.0);  // beside an infinite slope
    for (const bool left : {true, false}) {
        for (const bool right : {true, false}) {
            const Passes expected(baseline, tape, columns, {left, right, true});
            const Passes found(other, tape, columns, {left, right, true});
            const double roundings = tame ? 100 : 3000;
            const auto adjoint = expected.reverse(root);
            CHECK(difference(adjoint, found.reverse(root), roundings, plus_one(adjoint)) == "");
            if (!tame) {
                continue;
            }
            const auto moved = expected.forward_tangent(tangent);
            CHECK(difference(moved, found.forward_tangent(tangent), roundings, plus_one(moved)) ==
                  "");
            const auto change = expected.reverse_tangent(root, tangent);
            CHECK(difference(change, found.reverse_tangent(root, tangent), 10 * roundings,
                             plus_one(change)) == "");
        }
    }
}

/// tanh(a*b) / (1.5 + a) - b: slots reused and kept, an adjoint that is not the root's, a root
/// whose own adjoint changes nothing.
void compare_whole_tape(const TapeKernels& baseline, const TapeKernels& other) {
    std::vector<Node> tape = {Node::input(0),          Node::input(1),
                              Node::function(Op::mul), Node::function(Op::tanh),
                              Node::constant(1.5),     Node::input(0),
                              Node::function(Op::add), Node::function(Op::div),
                              Node::input(1),          Node::function(Op::sub)};
    const std::array<std::uint16_t, 10> sizes = {1, 1, 3, 4, 1, 1, 3, 8, 1, 10};
    for (std::size_t i = 0; i < tape.size(); ++i) {
        tape[i].size = sizes[i];
    }
    Random random(3, 0);
    const auto columns = tame_block(random);
    for (const bool keep : {false, true}) {
        const Block expected = forward(baseline, tape, columns, keep);
        CHECK(difference(expected, forward(other, tape, columns, keep), 50,
                         Block(block_rows, 4.0)) == "");
    }
    const std::array<const double*, 2> inputs = {columns[0].data(), columns[1].data()};
    const auto changes = [&](const TapeKernels& kernels) {
        std::vector<double> scratch(tape.size() * block_rows), slopes(scratch.size()),
            adjoint(scratch.size(), 1.0), tangent(scratch.size(), 0.5), change(scratch.size(), 0.0);
        std::vector<const double*> at(tape.size());
        std::array<bool, 10> varies = {};
        for (const std::size_t node : {4U, 6U, 7U, 9U}) {  // the constant, and what is above it
            varies[node] = true;
        }
        std::array<bool, 10> live{};
        kernels.forward_kept(tape.data(), tape.size(), inputs.data(), block_rows, every.data(),
                             scratch.data(), slopes.data(), at.data());
        kernels.reverse(tape.data(), tape.size(), at.data(), slopes.data(), block_rows,
                        every.data(), adjoint.data());
        kernels.forward_tangent(tape.data(), tape.size(), at.data(), slopes.data(), varies.data(),
                                tangent.data());
        kernels.reverse_tangent(tape.data(), tape.size(), at.data(), slopes.data(), every.data(),
                                adjoint.data(), varies.data(), tangent.data(), live.data(),
                                change.data());
        for (const auto* more : {&adjoint, &tangent, &change}) {
            scratch.insert(scratch.end(), more->begin(), more->end());
        }
        for (const bool flag : live) {
            scratch.push_back(flag ? 1.0 : 0.0);
        }
        return scratch;
    };
    const std::vector<double> expected = changes(baseline);
    CHECK(difference(expected, changes(other), 50, plus_one(expected)) == "");
}

void compare_sums_of_tapes(const TapeKernels& baseline, const TapeKernels& other) {
    Random random(4, 0);
    for (std::size_t count = 0; count <= 12; ++count) {
        CAPTURE(count);
        const std::size_t rows = block_rows - row_group * count;
        Block f = random_numbers(block_rows, -3.0, 3.0, random);
        Block y = random_numbers(block_rows, -3.0, 3.0, random);
        const Block scale = random_numbers(block_rows, 0.0, 2.0, random);
        const auto run = [&](const TapeKernels& kernels, const Block& a, const Block& b,
                             std::vector<double> columns) {
            std::vector<double*> jacobian(count + 1);
            for (std::size_t c = 0; c < count; ++c) {
                jacobian[c] = columns.data() + c * block_rows;
            }
            std::vector<double> out(count * (count + 1) / 2 + count + 2, 0.5);
            double* gradient = out.data() + count * (count + 1) / 2;
            std::array<bool, 12> moved{};
            for (std::size_t c = 0; c < count; ++c) {
                moved[c] = c % 3 != 1;
            }
            gradient[count] =
                kernels.normal_equations(a.data(), b.data(), scale.data(), rows, jacobian.data(),
                                         moved.data(), count, out.data(), gradient);
            gradient[count + 1] = kernels.square_error(a.data(), b.data(), scale.data(), rows);
            out.insert(out.end(), columns.begin(), columns.end());
            return out;
        };
        const std::vector<double> columns = random_numbers(count * block_rows, -1.0, 1.0, random);
        Block minus_y = absolute(y);
        for (double& value : minus_y) {
            value = -value;
        }
        const auto sizes = run(baseline, absolute(f), minus_y, absolute(columns));
        CHECK(difference(run(baseline, f, y, columns), run(other, f, y, columns), block_rows,
                         sizes) == "");
        f[7] = count % 2 == 0 ? not_a_number : infinity;
        CHECK(difference(run(baseline, f, y, columns), run(other, f, y, columns), block_rows,
                         sizes) == "");
    }
}

// Hinges -----------------------------------------------------------------------------------------

void compare_hinges(const HingeKernels& baseline, const HingeKernels& other) {
    Random random(14, 0);
    Block f = random_numbers(block_rows, -3.0, 3.0, random);
    Block label(block_rows);
    for (std::size_t i = 0; i < block_rows; ++i) {
        label[i] = i % 2 == 0 ? 1.0 : -1.0;
    }
    const Block weight = random_numbers(block_rows, 0.0, 2.0, random);
    const auto run = [&](const HingeKernels& kernels, const Block& a) {
        std::vector<double> out(3 * block_rows + 5);
        double* pulls = out.data() + 2 * block_rows;
        double* loss = pulls + block_rows;
        kernels.pull(a.data(), label.data(), pulls);
        kernels.products(a.data(), pulls, weight.data(), loss + 2);
        loss[0] = kernels.squares_above(a.data(), label.data(), weight.data(), out.data(),
                                        out.data() + block_rows);
        loss[1] = kernels.loss(a.data(), label.data(), weight.data());
        return out;
    };
    f[5] = 1.0;  // at the margin itself
    const auto expected = run(baseline, f);
    // The margin cancels, and the scale is steep where it is small.
    CHECK(difference(expected, run(other, f), 1e4, plus_one(expected)) == "");
    for (const double value : awkward) {
        CAPTURE(value);
        f[77] = value;
        const double found = run(other, f)[3 * block_rows];
        CHECK(close(run(baseline, f)[3 * block_rows], found, block_rows,
                    4.0 * block_rows * (1.0 + std::abs(value))));
        CHECK(std::isfinite(found) == std::isfinite(value));
    }
}

// Directions -------------------------------------------------------------------------------------

/// Blocks of numbers, one behind the other, and pointers to them.
struct Components {
    std::vector<double> numbers;
    std::size_t count;

    std::vector<double*> pointers() {
        std::vector<double*> result(count);
        for (std::size_t j = 0; j < count; ++j) {
            result[j] = numbers.data() + j * block_rows;
        }
        return result;
    }
};

void compare_norms(const DirectionKernels& baseline, const DirectionKernels& other,
                   std::size_t count, bool with_awkward) {
    Random random(5, count);
    Components g{random_numbers(count * block_rows, -2.0, 2.0, random), count};
    Block f = random_numbers(block_rows, -2.0, 2.0, random);
    if (with_awkward) {
        for (std::size_t i = 0; i < block_rows; ++i) {
            g.numbers[(i % count) * block_rows + i] = awkward[i % awkward.size()];
            f[i] = awkward[(i / 2) % awkward.size()];
        }
    }
    const std::vector<double*> components = g.pointers();
    const std::vector<const double*> views(components.begin(), components.end());
    const auto inverse_of = [&](const DirectionKernels& kernels) {
        Block inverse(block_rows, 7.0);
        kernels.inverse_norms(views.data(), count, f.data(), inverse.data());
        return inverse;
    };
    const Block inverse = inverse_of(baseline);
    CHECK(difference(inverse, inverse_of(other), 8.0 + static_cast<double>(count)) == "");

    const auto divided = [&](const DirectionKernels& kernels) {
        Block quotient(g.numbers.begin(), g.numbers.begin() + block_rows);
        kernels.divide(quotient.data(), f.data());
        return quotient;
    };
    CHECK(difference(divided(baseline), divided(other), 0) == "");
    const auto turned = [&](const DirectionKernels& kernels) {
        Components tangent{g.numbers, count};
        std::rotate(tangent.numbers.begin(), tangent.numbers.begin() + 3, tangent.numbers.end());
        const std::vector<double*> to = tangent.pointers();
        kernels.turn(views.data(), inverse.data(), to.data(), count);
        return tangent.numbers;
    };
    if (!with_awkward) {
        const std::vector<double> sizes(count * block_rows, 1000.0);  // 1 / |g| reaches some tens
        CHECK(difference(turned(baseline), turned(other), 100, sizes) == "");
    }
}

void compare_sums_of_directions(const DirectionKernels& baseline, const DirectionKernels& other,
                                double spoilt) {
    Random random(6, 0);
    Block a = random_numbers(block_rows, -2.0, 2.0, random);
    const Block b = random_numbers(block_rows, -2.0, 2.0, random);
    const Block c = random_numbers(block_rows, 0.0, 2.0, random);
    const auto run = [](const DirectionKernels& kernels, const Block& x, const Block& y,
                        const Block& z) {
        std::vector<double> out(5);
        kernels.differences(x.data(), z.data(), y.data(), z.data(), out.data(), out.data() + 1);
        out[2] = kernels.squares(x.data(), z.data());
        out[3] = kernels.dot3(x.data(), y.data(), z.data());
        Block scaled(block_rows, 7.0);
        kernels.add_scaled(x.data(), y.data(), true, scaled.data());
        out.insert(out.end(), scaled.begin(), scaled.end());
        kernels.add_scaled(x.data(), z.data(), false, scaled.data());
        out.insert(out.end(), scaled.begin(), scaled.end());
        return out;
    };
    auto sizes = run(baseline, absolute(a), absolute(b), c);
    sizes[0] = sizes[1];  // of the sums, not the differences
    a[100] = spoilt;
    CHECK(difference(run(baseline, a, b, c), run(other, a, b, c), block_rows, sizes) == "");
}

// Surrogates -------------------------------------------------------------------------------------

constexpr std::size_t cells = 5;

/// Quartics of `inputs` inputs whose values keep their digits, and rows on their cells.
struct Grids {
    std::size_t inputs, modes, padded, count, stride;
    std::vector<std::vector<double>> planes;  ///< per input [cells][5][padded], 0 beyond `modes`
    std::vector<int> cell;                    ///< [inputs][stride]
    std::vector<double> t, inverse_width;     ///< the same
    std::vector<double> multiplier;

    Grids(std::size_t inputs_, std::size_t modes_, std::size_t count_, std::size_t stride_)
        : inputs(inputs_),
          modes(modes_),
          padded((modes_ + 7) / 8 * 8),
          count(count_),
          stride(stride_),
          cell(inputs_ * stride_) {
        Random random(inputs * 100 + modes, count);
        for (std::size_t d = 0; d < inputs; ++d) {
            planes.emplace_back(cells * shape_count * padded, 0.0);
            for (std::size_t i = 0; i < cells * shape_count * modes; ++i) {
                const std::size_t plane = i / modes;
                const bool constant = plane % shape_count == 0;
                planes[d][plane * padded + i % modes] =
                    (random.chance(0.5) ? 1.0 : -1.0) *
                    (constant ? random.uniform(1.0, 2.0) : random.uniform(0.0, 0.3));
            }
        }
        t = random_numbers(inputs * stride, -0.5, 0.5, random);
        inverse_width = random_numbers(inputs * stride, 0.5, 2.0, random);
        multiplier = random_numbers(stride, 0.5, 1.5, random);
        for (int& c : cell) {
            c = static_cast<int>(random.uniform() * cells);
        }
    }
    Grids sizes() const {
        Grids result = *this;
        for (auto& plane : result.planes) {
            plane = absolute(plane);
        }
        result.t = absolute(t);
        return result;
    }
    std::vector<kernels::FactorView> views() const {
        std::vector<kernels::FactorView> result;
        for (const auto& plane : planes) {
            result.push_back({plane.data(), padded});
        }
        return result;
    }
    AlsBlock rows(bool with_multiplier = true) const {
        return {cell.data(), t.data(), with_multiplier ? multiplier.data() : nullptr, count};
    }
};

std::vector<double> tensor_numbers(const TensorRowKernels& kernels, const Grids& grids,
                                   bool hessian) {
    const std::size_t n = grids.count;
    const std::size_t d = grids.inputs;
    std::vector<double> out(n * (2 + d + d * d), 0.0);
    double* value = out.data() + n;
    const auto views = grids.views();
    AlignedDoubles space(kernels::tensor_row_space(d, true) * widest_pack);
    kernels.values(views.data(), d, grids.cell.data(), grids.t.data(), n, 0.75, out.data());
    kernels.derivatives(
        views.data(), d, grids.cell.data(), grids.t.data(), grids.inverse_width.data(), n, 0.75,
        space.data(), hessian ? value : nullptr, value + n, hessian ? value + n + n * d : nullptr);
    return out;
}

void compare_tensors(const TensorRowKernels& baseline, const TensorRowKernels& other) {
    for (const std::size_t inputs : {1U, 2U, 5U}) {
        for (const std::size_t modes : {1U, 7U, 8U, 9U, 17U}) {
            for (const std::size_t count : {1U, 3U, 127U, 128U}) {
                CAPTURE(inputs);
                CAPTURE(modes);
                CAPTURE(count);
                Grids grids(inputs, modes, count, tensor_block_rows);
                const double roundings = static_cast<double>(20 * inputs + modes);
                for (const bool hessian : {true, false}) {
                    const auto sizes = tensor_numbers(baseline, grids.sizes(), hessian);
                    CHECK(difference(tensor_numbers(baseline, grids, hessian),
                                     tensor_numbers(other, grids, hessian), roundings,
                                     sizes) == "");
                }
                for (std::size_t i = 0; i < grids.t.size(); i += 3) {
                    grids.t[i] = awkward[(i / 3) % awkward.size()];
                }
                const auto sizes = tensor_numbers(baseline, grids.sizes(), true);
                CHECK(difference(tensor_numbers(baseline, grids, true),
                                 tensor_numbers(other, grids, true), roundings, sizes) == "");
            }
        }
    }
}

void compare_locate(const TensorRowKernels& baseline, const TensorRowKernels& other) {
    Random random(8, 0);
    for (const std::size_t nodes : {1U, 2U, 3U, 33U}) {
        std::vector<double> grid = {-1.0};
        while (grid.size() < nodes) {
            grid.push_back(grid.back() + random.uniform(0.01, 1.0));
        }
        const auto center = random_numbers(nodes + 1, -1.0, 1.0, random);
        const auto inverse = random_numbers(nodes + 1, 0.5, 2.0, random);
        const GridView view{grid.data(), nodes, center.data(), inverse.data()};
        for (const std::size_t count : {1U, 2U, 31U, 32U, 33U, 127U, 128U}) {
            CAPTURE(nodes);
            CAPTURE(count);
            auto x = random_numbers(count, grid.front() - 0.2, grid.back() + 0.2, random);
            for (std::size_t i = 0; i < count; ++i) {
                x[i] = i % 3 == 0   ? awkward[i / 3 % awkward.size()]
                       : i % 3 == 1 ? grid[i % nodes]
                                    : x[i];
            }
            const auto run = [&](const TensorRowKernels& kernels) {
                std::vector<int> cell(tensor_block_rows, -7);
                std::vector<double> out(2 * tensor_block_rows, 0.0);
                kernels.locate(view, x.data(), count, cell.data(), out.data(),
                               out.data() + tensor_block_rows);
                out.insert(out.end(), cell.begin(), cell.begin() + static_cast<long>(count));
                return out;
            };
            CHECK(difference(run(baseline), run(other), 0) == "");  // no sum of products: equal
        }
    }
}

// Alternating least squares ----------------------------------------------------------------------

std::vector<double> als_products(const AlsRowKernels& kernels, const Grids& grids,
                                 bool with_multiplier, bool with_exchange) {
    std::vector<double> out(grids.count * grids.padded, 7.0);
    const auto views = grids.views();
    const std::size_t last = grids.inputs - 1;
    const AlsBlock rows = grids.rows(with_multiplier);
    kernels.products(views.data(), grids.inputs, 0, rows, grids.modes, out.data());
    if (with_exchange && last > 0) {  // without the first input, then without the last
        kernels.exchange(views.data(), grids.inputs, 0, last, grids.planes[last].data(), rows,
                         grids.modes, out.data());
    }
    return out;
}

std::vector<double> als_remainder(const AlsRowKernels& kernels, const Grids& grids,
                                  const std::vector<double>& share, double sign) {
    const auto products = als_products(kernels, grids, true, false);
    std::vector<double> left(grids.count, sign);
    kernels.subtract_modes(grids.views()[0], grids.cell.data(), grids.t.data(), grids.count,
                           products.data(), share.data(), left.data());
    return left;
}

std::vector<double> als_slopes(const AlsRowKernels& kernels, const Grids& grids, const Grids* steps,
                               const std::vector<double>& target) {
    const std::size_t part = cells * shape_count * grids.padded;
    std::vector<double> out(grids.inputs * part + 1, 0.25);
    std::vector<double*> right(grids.inputs);
    for (std::size_t d = 0; d < grids.inputs; ++d) {
        right[d] = out.data() + d * part;
    }
    AlignedDoubles space(2 * als_tile_rows * grids.inputs * grids.padded);
    const auto views = grids.views();
    const auto step_views = steps == nullptr ? views : steps->views();
    out.back() = kernels.add_slopes(views.data(), steps == nullptr ? nullptr : step_views.data(),
                                    grids.inputs, grids.rows(), target.data(),
                                    grids.inverse_width.data(), space.data(), right.data());
    return out;
}

void compare_als_rows(const AlsRowKernels& baseline, const AlsRowKernels& other) {
    for (const std::size_t inputs : {1U, 2U, 4U}) {
        for (const std::size_t modes : {1U, 7U, 8U, 13U}) {
            for (const std::size_t count : {1U, 31U, 33U, 512U}) {
                CAPTURE(inputs);
                CAPTURE(modes);
                CAPTURE(count);
                Grids grids(inputs, modes, count, als_block_rows);
                Random random(9, count);
                const double roundings = static_cast<double>(20 * inputs + modes + count);
                const auto share = random_numbers(grids.padded, -1.0, 1.0, random);
                CHECK(difference(als_remainder(baseline, grids, share, 1.0),
                                 als_remainder(other, grids, share, 1.0), roundings,
                                 als_remainder(baseline, grids.sizes(), absolute(share), -1.0)) ==
                      "");
                const auto target = random_numbers(als_block_rows, -1.0, 1.0, random);
                std::vector<double> opposed = absolute(target);
                for (double& value : opposed) {
                    value = -value;
                }
                CHECK(difference(als_slopes(baseline, grids, nullptr, target),
                                 als_slopes(other, grids, nullptr, target), roundings,
                                 plus_one(als_slopes(baseline, grids.sizes(), nullptr, opposed))) ==
                      "");
                const Grids steps(inputs, modes, count + 1, als_block_rows);
                const Grids step_sizes = steps.sizes();
                CHECK(difference(als_slopes(baseline, grids, &steps, target),
                                 als_slopes(other, grids, &steps, target), roundings,
                                 plus_one(als_slopes(baseline, grids.sizes(), &step_sizes,
                                                     opposed))) == "");
                // A mode that vanishes on a cell; then rows of no finite place, which are
                // multiplied alone: whether a division or a product exchanges them is up to their
                // neighbours.
                for (auto& planes : grids.planes) {
                    for (std::size_t k = 0; k < shape_count; ++k) {
                        planes[(2 * shape_count + k) * grids.padded] = 0.0;
                    }
                }
                for (const bool spoilt : {false, true}) {
                    for (std::size_t i = 0; spoilt && i < grids.t.size(); i += 5) {
                        grids.t[i] = awkward[(i / 5) % awkward.size()];
                    }
                    for (const bool more : {false, !spoilt}) {
                        CHECK(difference(als_products(baseline, grids, !more, more),
                                         als_products(other, grids, !more, more), 200,
                                         als_products(baseline, grids.sizes(), !more, more)) == "");
                    }
                }
            }
        }
    }
}

std::vector<double> als_moments(const AlsRowKernels& kernels, std::size_t modes, std::size_t padded,
                                std::size_t count, const std::vector<double>& numbers) {
    std::vector<double> moments(modes * moment_count * padded, 0.5);
    std::vector<double> right(shape_count * padded, 0.5);
    const double* powers = numbers.data() + count * padded;
    kernels.accumulate(numbers.data(), powers, powers + count * moment_count, count, modes, padded,
                       moments.data(), right.data());
    for (std::size_t m = 0; m < modes; ++m) {  // what lies beyond the diagonal is nobody's
        for (std::size_t k = 0; k < moment_count; ++k) {
            for (std::size_t n = m + 1; n < padded; ++n) {
                moments[(m * moment_count + k) * padded + n] = 0.0;
            }
        }
    }
    moments.insert(moments.end(), right.begin(), right.end());
    return moments;
}

std::vector<double> als_cell(const AlsRowKernels& kernels, std::size_t modes, std::size_t padded,
                             std::size_t width, const std::vector<double>& numbers) {
    const std::size_t first_node = 2;
    const std::size_t bandwidth = width * modes - 1;
    std::vector<double> band((first_node + width) * modes * (bandwidth + 1), 0.5);
    kernels.add_cell(numbers.data(), numbers.data() + modes * moment_count * padded, width, modes,
                     padded, first_node, band.data(), bandwidth);
    return band;
}

void compare_als_equations(const AlsRowKernels& baseline, const AlsRowKernels& other) {
    Random random(10, 0);
    for (const std::size_t modes : {1U, 2U, 7U, 8U, 9U, 16U}) {
        const std::size_t padded = (modes + 7) / 8 * 8;
        CAPTURE(modes);
        for (const std::size_t count : {0U, 1U, 5U, 40U}) {
            const auto numbers =
                random_numbers(count * (padded + moment_count + 1), -1.0, 1.0, random);
            CHECK(difference(als_moments(baseline, modes, padded, count, numbers),
                             als_moments(other, modes, padded, count, numbers),
                             static_cast<double>(count + 4),
                             als_moments(baseline, modes, padded, count, absolute(numbers))) == "");
        }
        for (const std::size_t width : {1U, 2U, 6U}) {
            const auto numbers = random_numbers(
                modes * moment_count * padded + moment_count * width * width, -1.0, 1.0, random);
            CHECK(difference(als_cell(baseline, modes, padded, width, numbers),
                             als_cell(other, modes, padded, width, numbers), 2 * moment_count,
                             als_cell(baseline, modes, padded, width, absolute(numbers))) == "");
        }
    }
}

void compare_bands(const AlsRowKernels& baseline, const AlsRowKernels& other) {
    Random random(11, 0);
    for (const std::size_t size : {1U, 2U, 17U, 64U}) {
        for (const std::size_t bandwidth : {0U, 1U, 7U, 8U, 30U}) {
            CAPTURE(size);
            CAPTURE(bandwidth);
            std::vector<double> band = random_numbers(size * (bandwidth + 1), -1.0, 1.0, random);
            const auto diagonal = [&](double value) {
                for (std::size_t j = 0; j < size; ++j) {
                    band[j * (bandwidth + 1)] = value;
                }
            };
            const auto run = [&](const AlsRowKernels& kernels) {
                std::vector<double> a = band;
                std::vector<double> b(size + 1, 1.0);
                const std::size_t half = size / 2;  // in two steps
                if (!kernels.factor_band(a.data(), size, bandwidth, 0, half) ||
                    !kernels.factor_band(a.data(), size, bandwidth, half, size)) {
                    return std::vector<double>(a.size() + b.size(), -1.0);
                }
                kernels.solve_band(a.data(), size, bandwidth, b.data());
                a.insert(a.end(), b.begin(), b.end());
                return a;
            };
            diagonal(2.0 + 2.0 * static_cast<double>(bandwidth));  // well conditioned
            const auto expected = run(baseline);
            CHECK(expected.back() == 1.0);
            CHECK(difference(expected, run(other), 10.0 * static_cast<double>(size + 1),
                             plus_one(expected)) == "");
            for (const double none : {0.0, -1.0, not_a_number}) {
                diagonal(none);
                CHECK(difference(run(baseline), run(other), 0) == "");
            }
        }
    }
}

// Activations ------------------------------------------------------------------------------------

template <class T>
void compare_activation(const ActivationKernels& baseline, const ActivationKernels& other,
                        Activation kind, std::size_t columns, bool with_slope) {
    constexpr std::size_t rows = 3;
    Random random(12, columns);
    std::vector<T> bias(columns);
    std::vector<T> start(rows * columns);
    for (T& value : bias) {
        value = static_cast<T>(random.uniform(-1.0, 1.0));
    }
    for (std::size_t i = 0; i < start.size(); ++i) {
        start[i] = static_cast<T>(i % 2 == 0 && i / columns > 0 ? awkward[i / 2 % awkward.size()]
                                                                : random.uniform(-6.0, 6.0));
    }
    const auto run = [&](const ActivationKernels& kernels) {
        std::vector<T> z = start;
        std::vector<T> slope(start.size(), T(0));
        T* to = with_slope ? slope.data() : nullptr;
        if constexpr (sizeof(T) == sizeof(double)) {
            kernels.doubles(kind, 0.7, bias.data(), rows, columns, z.data(), to);
        } else {
            kernels.floats(kind, 0.7, bias.data(), rows, columns, z.data(), to);
        }
        std::vector<double> out(z.begin(), z.end());
        out.insert(out.end(), slope.begin(), slope.end());
        return out;
    };
    const double unit = sizeof(T) == sizeof(double)
                            ? 1.0
                            : static_cast<double>(std::numeric_limits<float>::epsilon()) / epsilon;
    const auto expected = run(baseline);
    // Slopes of gelu_tanh cancel by the third power of z.
    CHECK(difference(expected, run(other), (sizeof(T) == sizeof(double) ? 500 : 4) * unit,
                     plus_one(expected)) == "");
}

// Sums of terms with inner constants --------------------------------------------------------------

void compare_pieces(const PieceKernels& baseline, const PieceKernels& other, Shape shape,
                    std::size_t rows) {
    Random random(14, rows);
    std::vector<double> u(rows);
    for (std::size_t i = 0; i < rows; ++i) {
        u[i] = i % 5 == 1 ? awkward[i / 5 % awkward.size()] : random.uniform(0.1, 6.0);
    }
    const auto run = [&](const PieceKernels& kernels, double k) {
        std::vector<double> out(2 * rows, 0.0);
        kernels.evaluate(shape, k, u.data(), rows, out.data(), out.data() + rows);
        return out;
    };
    for (const double k : {0.7, -0.4}) {
        const auto expected = run(baseline, k);
        std::vector<double> scale = plus_one(expected);
        for (std::size_t i = 0; i < rows; ++i) {
            scale[rows + i] += std::abs(u[i]);  // the slope of tanh cancels ...
            const double near_pole = std::abs(k * u[i] / (1.0 + k * u[i]));  // ... and so does this
            if (std::isfinite(near_pole)) {
                scale[i] *= 1.0 + near_pole;
                scale[rows + i] *= 1.0 + near_pole;
            }
        }
        CHECK(difference(expected, run(other, k), 50, scale) == "");
    }
}

void compare_projections(const GramSchmidtKernels& baseline, const GramSchmidtKernels& other,
                         std::size_t rows) {
    constexpr std::size_t count = 3;
    Random random(15, rows);
    std::vector<double> basis(count * rows);
    std::vector<double> column(rows);
    for (double& value : basis) {
        value = random.normal() / std::sqrt(static_cast<double>(rows));
    }
    for (double& value : column) {
        value = random.normal();
    }
    const auto run = [&](const GramSchmidtKernels& kernels) {
        std::vector<double> out = column;
        out.resize(rows + count + 1, 1.0);
        out.back() = kernels.project_out(basis.data(), count, rows, out.data(), out.data() + rows);
        return out;
    };
    const auto expected = run(baseline);
    CHECK(difference(expected, run(other), 20.0 * static_cast<double>(rows), plus_one(expected)) ==
          "");
}

}  // namespace

TEST_CASE("instruction sets: values of every operator") {
    COMPARE_SETS(tape_kernels, compare_forward);
    COMPARE_SETS(tape_kernels, compare_whole_tape);
}

TEST_CASE("instruction sets: derivatives of every operator") {
    COMPARE_SETS(tape_kernels, [](const TapeKernels& baseline, const TapeKernels& other) {
        Random random(13, 0);
        const auto tame = tame_block(random);
        const auto blocks = awkward_blocks(random);
        for (int number = static_cast<int>(Op::add); number < op_count; ++number) {
            CAPTURE(number);
            compare_passes(baseline, other, static_cast<Op>(number), tame, true);
            for (const auto& block : blocks) {
                compare_passes(baseline, other, static_cast<Op>(number), block, false);
            }
        }
    });
}

TEST_CASE("instruction sets: sums over a block") {
    COMPARE_SETS(tape_kernels, compare_sums_of_tapes);
}

TEST_CASE("instruction sets: hinges") { COMPARE_SETS(hinge_kernels, compare_hinges); }

TEST_CASE("instruction sets: directions") {
    COMPARE_SETS(direction_kernels,
                 [](const DirectionKernels& baseline, const DirectionKernels& other) {
                     for (const std::size_t count : {1U, 2U, 7U}) {
                         CAPTURE(count);
                         compare_norms(baseline, other, count, false);
                         compare_norms(baseline, other, count, true);
                     }
                     for (const double spoilt : {0.5, 5e-324, infinity, not_a_number}) {
                         CAPTURE(spoilt);
                         compare_sums_of_directions(baseline, other, spoilt);
                     }
                 });
}

TEST_CASE("instruction sets: rows of surrogates") {
    COMPARE_SETS(tensor_row_kernels, compare_locate);
    COMPARE_SETS(tensor_row_kernels, compare_tensors);
}

TEST_CASE("instruction sets: alternating least squares") {
    COMPARE_SETS(als_row_kernels, compare_als_rows);
    COMPARE_SETS(als_row_kernels, compare_als_equations);
    COMPARE_SETS(als_row_kernels, compare_bands);
}

TEST_CASE("instruction sets: activations") {
    COMPARE_SETS(
        activation_kernels, [](const ActivationKernels& baseline, const ActivationKernels& other) {
            for (int kind = 0; kind <= static_cast<int>(Activation::sin); ++kind) {
                for (const std::size_t columns : {1U, 7U, 8U, 33U}) {
                    CAPTURE(kind);
                    CAPTURE(columns);
                    for (const bool slope : {true, false}) {
                        compare_activation<double>(baseline, other, static_cast<Activation>(kind),
                                                   columns, slope);
                        compare_activation<float>(baseline, other, static_cast<Activation>(kind),
                                                  columns, slope);
                    }
                }
            }
        });
}

TEST_CASE("instruction sets: sums of terms with inner constants") {
    COMPARE_SETS(piece_kernels, [](const PieceKernels& baseline, const PieceKernels& other) {
        for (int shape = 0; shape <= static_cast<int>(Shape::tanh); ++shape) {
            for (const std::size_t rows : {1U, 7U, 8U, 33U}) {
                CAPTURE(shape);
                CAPTURE(rows);
                compare_pieces(baseline, other, static_cast<Shape>(shape), rows);
            }
        }
    });
    COMPARE_SETS(gram_schmidt_kernels,
                 [](const GramSchmidtKernels& baseline, const GramSchmidtKernels& other) {
                     for (const std::size_t rows : {1U, 7U, 8U, 33U}) {
                         CAPTURE(rows);
                         compare_projections(baseline, other, rows);
                     }
                 });
}
