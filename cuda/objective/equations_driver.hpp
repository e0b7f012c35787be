#pragma once
// Normal equations of batches of expressions on a device: a generation of a search at once.
//
// A model of what it does, made before it had run on any: compiled for compute capability 9.0 the
// body takes 64 registers (40 bytes of spills, at its 8 blocks a multiprocessor) and, at 19 KiB of
// shared memory a block, 152 KiB of an H100's 227: 32 warps of 64. Its instructions, as
// disassembled, are per row about
//   forward   12 of a leaf, 100 of + or * (60 of them find and read two operands)
//   reverse   125 of an operator above constants, 30 of a constant, 12 of what is skipped
//   products  13 for each of every 4th row of each sum, and some 90 to find it
// so at N = 20 nodes (11 of them operators, 5 constants) some 150 a node and row, both passes and
// the products. 132 multiprocessors issue 4 x 32 of them at 1.755 GHz: 1.9e11 nodes a second at
// most, 1.1e11 where six cycles in ten issue one, which 8 warps a scheduler should give. exp, sin
// and pow take 40 to 150 more each. The arithmetic (a fiftieth of it is float64), the first-level
// cache (56 bytes a row and expression) and the device's memory are far from their limits: what it
// costs is the interpreter, so the next step would be operands that are found by their place alone.
//
// Measured on an H200 (1.98 GHz): 4,000 expressions of 25 nodes and 5 constants on 8,192 rows in
// 5.1 ms, 1.6e11 nodes a second, with exp and sin in each; some 0.3 ms for 250 candidates of a
// search.
//
// A search is another matter. An island has 256 candidates on their way, each of 7 passes, and the
// host needs some 50 us for one (proposals, canonical forms, terms that are pursued, steps of
// fits): on 8,192 rows the device's part of that is 8 us. So it is the host that decides, and what
// a device gives is 8,192 rows for the price of 512.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include "closedform/objective/full_data.hpp"
#include "closedform/objective/loss_sums.hpp"
#include "closedform/objective/target.hpp"
#include "cuda/objective/equations_body.hpp"
#include "cuda/objective/target_rows.hpp"
#include "cuda/runtime/bundle.hpp"
#include "cuda/runtime/chunk_sums.hpp"
#include "cuda/runtime/placement.hpp"
#include "cuda/runtime/row_store.hpp"

namespace closedform::gpu {

/// Expressions as TapeEquations reads them, one behind the other.
class SlopeTapes {
  public:
    SlopeTapes() : begin_{{0, 0, 0}} {}

    void add(const Tape& tape) {
        const auto first = static_cast<std::ptrdiff_t>(nodes_.size());
        std::int32_t operators = 0;
        for (const Node& node : tape) {
            const bool leaf = node.op == Op::constant || node.op == Op::variable;
            nodes_.push_back({node.value, leaf ? node.variable : operators++, node.size, node.op,
                              /*varies=*/false});
        }
        std::int32_t constants = 0;
        for (const std::size_t position : constant_positions(tape)) {
            kernels::SlopeNode& node = nodes_[static_cast<std::size_t>(first) + position];
            node.place = constants++;
            node.varies = true;
        }
        kernels::SlopeNode* own = nodes_.data() + first;
        for (unsigned i = 0; i < tape.size(); ++i) {
            if (arity(tape[i].op) != 0) {
                own[i].varies = own[i - 1].varies || own[kernels::first_operand(own, i)].varies;
            }
        }
        begin_.back().constants = static_cast<unsigned>(constants);
        begin_.push_back({static_cast<unsigned>(nodes_.size()), 0,
                          numbers() + equation_numbers(static_cast<std::size_t>(constants))});
        most_constants_ = std::max(most_constants_, static_cast<unsigned>(constants));
        most_operators_ = std::max(most_operators_, static_cast<unsigned>(operators));
    }

    std::size_t size() const { return begin_.size() - 1; }
    /// Sums of all of them.
    std::size_t numbers() const { return begin_.back().number; }
    const std::vector<kernels::SlopeNode>& nodes() const { return nodes_; }
    const std::vector<SlopeBatch::Begin>& begin() const { return begin_; }

    SlopeBatch there(const kernels::SlopeNode* nodes, const SlopeBatch::Begin* begin) const {
        return {nodes, begin, static_cast<unsigned>(size()), most_constants_, most_operators_};
    }

  private:
    std::vector<kernels::SlopeNode> nodes_;
    std::vector<SlopeBatch::Begin> begin_;
    unsigned most_constants_ = 0;
    unsigned most_operators_ = 0;
};

template <class X, class Runtime>
class EquationScorer : public EquationRowSums {
  public:
    /// As TapeScorer, of values alone: nothing else is a sum of squares.
    template <class... Arguments>
    EquationScorer(MatrixView<const X> x, const TargetArrays& target, std::size_t part_rows,
                   const Arguments&... arguments)
        : runtime_(arguments...),
          rows_(x, checked(target)),
          store_(runtime_, rows_.template sizes<RowStore<X, Runtime>>(part_rows), Order::by_columns,
                 rows_.packer()),
          part_rows_(part_rows * (1 + store_.most_rows() / (part_rows * most_parts))) {}

    /// To the end, whatever the token says: a device is soon through. All rows, however many.
    bool add(const std::span<const Tape>& tapes, const StopToken& /*stop*/,
             std::vector<EquationSums>& total) override {
        runtime_.make_current();
        const std::size_t parts = (store_.most_rows() + part_rows_ - 1) / part_rows_;
        const std::size_t most = most_part_bytes / sizeof(double) / (parts + 1);
        std::size_t first = 0;
        while (first < tapes.size()) {
            SlopeTapes batch;
            std::size_t next = first;
            while (next < tapes.size() && (next == first || batch.numbers() < most)) {
                rows_.check(tapes[next]);
                batch.add(tapes[next++]);
            }
            add_batch(batch, parts, std::span(total).subspan(first, next - first));
            first = next;
        }
        return true;
    }

    bool resident() const override { return store_.resident(); }

    const Runtime& runtime() const { return runtime_; }

  private:
    static const TargetArrays& checked(const TargetArrays& target) {
        if (target.kind != TargetArrays::Kind::values) {
            throw std::invalid_argument("values: normal equations on a device are of these alone");
        }
        return target;
    }

    void add_batch(const SlopeTapes& batch, std::size_t parts, std::span<EquationSums> total) {
        auto& stream = store_.stream(0);
        TapeEquations<X> body{};
        const std::size_t nodes_at =
            bundle_.add(runtime_, std::span<const kernels::SlopeNode>(batch.nodes()));
        const std::size_t begin_at =
            bundle_.add(runtime_, std::span<const SlopeBatch::Begin>(batch.begin()));
        bundle_.send(runtime_, stream);
        store_.after_first();
        body.batch = batch.there(bundle_.template at<kernels::SlopeNode>(nodes_at),
                                 bundle_.template at<SlopeBatch::Begin>(begin_at));
        body.rows.inputs = static_cast<unsigned>(rows_.inputs());
        body.rows.part_rows = static_cast<unsigned>(part_rows_);
        Placement<Runtime> placement(runtime_, body.space_bytes(), 0,
                                     std::max<std::size_t>(parts * batch.size(), 1));
        ChunkSums<double, Runtime> sums(runtime_, store_.used_slots(), parts, batch.numbers());
        store_.pass(rows_.packer(), [&](std::size_t slot, const auto& chunk) {
            rows_.aim(body.rows, chunk);
            sums.start(body, body.rows.parts() * batch.size(), slot, placement,
                       store_.stream(slot));
        });
        const double* found = sums.totals().data();
        for (std::size_t e = 0; e < batch.size(); ++e) {
            add_triangle(found + batch.begin()[e].number, batch.begin()[e].constants, total[e]);
            total[e].weight += rows_.total_weight();
        }
    }

    /// The triangle of [J r]^T [J r]: J^T J, below it J^T r and last r^T r.
    static void add_triangle(const double* from, std::size_t constants, EquationSums& to) {
        const std::size_t entries = constants * (constants + 1) / 2;
        to.weighted.gram.resize(entries, 0.0);
        to.weighted.gradient.resize(constants, 0.0);
        for (std::size_t i = 0; i < entries; ++i) {
            to.weighted.gram[i] += from[i];
        }
        for (std::size_t i = 0; i < constants; ++i) {
            to.weighted.gradient[i] += from[entries + i];
        }
        to.weighted.loss += from[entries + constants];
    }

    Runtime runtime_;
    TargetRows<X> rows_;
    Bundle<Runtime> bundle_;
    // After what its streams read, so that it dies before.
    RowStore<X, Runtime> store_;
    std::size_t part_rows_;
};

}  // namespace closedform::gpu
