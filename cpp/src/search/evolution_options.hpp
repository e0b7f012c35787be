#pragma once
// Every number that the evolution was tuned with, in one place. Odds are of one decision each;
// kinds of one decision are given by their shares, which sum to 1 with the last one left out.

#include <cstddef>
#include <cstdint>

namespace closedform {

/// How new expressions are made from old ones (variation.hpp).
struct VariationOptions {
    double constant_from_data = 0.3;  ///< a constant is a value of some column, not exp(normal)
    double negative_constant = 0.5;
    double constant_leaf = 0.2;         ///< a leaf is a constant, not an input
    double binary_when_growing = 0.6;   ///< where a unary operator would do as well
    double unary_when_inserting = 0.4;  ///< the others put a binary one in
    double leaf_when_inserting = 0.6;   ///< its other operand; else a tree of `inserted_tree`
    std::size_t inserted_tree = 3;
    double power_when_wrapping = 0.05;  ///< a constant power is put around a tree, not a function
    double whole_exponent = 0.5;
    double half_exponent = 0.2;  ///< of those: one half less
    double negative_exponent = 0.4;
    double exponent_size = 1.5;          ///< standard deviation
    double varying_exponent = 0.1;       ///< where pow is drawn as a binary operator, it is one
    double new_value_of_constant = 0.3;  ///< a constant put in or shaken is drawn anew
    double small_step = 0.5;             ///< else a step of order one, of a constant put in
    double small_step_size = 0.1;
    double shake_size = 0.5;  ///< standard deviation of the logarithm of a shaken constant
    // Shares of the kinds of mutation; what is left puts a constant in.
    double point = 0.2;
    double replace = 0.2;
    double insert = 0.25;
    double remove = 0.15;
    std::size_t replacing_tree = 5;  ///< nodes at most
};

/// What an island does with them (island.hpp).
struct EvolutionOptions {
    VariationOptions variation;
    std::size_t bin_capacity = 16;             ///< members of one size
    std::size_t first_population = 40;         ///< random trees, beside the inputs and a constant
    std::size_t random_tree = 7;               ///< nodes at most of those
    std::size_t grown_term = 6;                ///< and of a term grown to be joined
    std::uint64_t stagnation_passes = 400000;  ///< without improvement, start afresh
    std::uint64_t most_idle = 10000;           ///< proposals without anything new to evaluate
    int draws_per_term = 20;                   ///< until the rules let one be joined
    std::size_t on_their_way = 256;  ///< candidates that are scored together, of an island
    /// Passes that each of those takes, until so many of them are known.
    struct {
        std::uint64_t passes = 8;
        std::uint64_t candidates = 32;
    } first_guess;
    double only_worth_their_size = 0.5;  ///< a parent's size is one better than all smaller ones
    int terms_tried = 8;                 ///< in one step of matching pursuit
    double term_from_population = 0.5;   ///< where the scale is free
    double whole_member = 0.5;           ///< then all of it, not a subtree
    double neighbour_first = 0.5;        ///< while there are neighbours to be looked at
    // Shares of the kinds of proposal; what is left shakes the parent's constants. Of 178 laws at
    // two seeds, 1.5e5 evaluations each, 193 of 356 searches end exact with these; 188 to 192 did
    // where the shares learnt from what paid (three measures of that), 186 and 191 where all
    // structures of up to 4 and 5 nodes were looked at besides.
    double mutation = 0.45;
    double crossover = 0.25;
    double added_term = 0.1;
    double factor = 0.06;
    double divisor = 0.06;
    double second_mutation = 0.3;  ///< of a mutant, at once
    double pursued_term = 0.5;     ///< an added term is the best of several, not another member
    double grown_factor = 0.5;     ///< a factor is grown, not another member
    std::size_t factor_tree = 5;   ///< nodes at most
    std::size_t divisor_tree = 4;
    // Constants.
    int sample_iterations = 20;         ///< of a fit on the sample
    int archive_iterations = 60;        ///< and on the archive's rows, to convergence
    int glance_iterations = 2;          ///< there, to see what was luck on the sample
    std::size_t most_reductions = 500;  ///< of a member, and of what it is reduced to
    int reduced_iterations = 4;         ///< of a reduction of a large candidate
    double near_enough = 0.1;           ///< share of a loss that further steps may still take away
    double sample_tolerance = 1e-3;     ///< relative decrease of the loss at which a fit stops
    double archive_tolerance = 1e-8;
    double reduced_tolerance = 1e-6;
    double floor = 1e-3;                  ///< a fit stops below this share of the exact loss
    std::size_t starts_per_constant = 5;  ///< of a structure with constants inside
    std::uint64_t inner_share = 4;    ///< one in so many passes is theirs where others are cheap
    std::size_t neighbours_of = 12;   ///< all neighbours of members this small are looked at
    double varying_exponent = 0.1;    ///< an expression with one is looked at
    std::size_t excess_per_term = 4;  ///< nodes a linear form may have beyond the limit
};

}  // namespace closedform
