#include "closedform/evaluate.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

#include "closedform/parallel.hpp"
#include "closedform/row_blocks.hpp"
#include "kernel_sets.hpp"

namespace closedform {

CLOSEDFORM_DECLARE_SETS(TapeKernels, tape_kernels)

const TapeKernels& tape_kernels() {
    static const TapeKernels& table = CLOSEDFORM_PICK_SET(TapeKernels, tape_kernels);
    return table;
}

Workspace::Workspace()
    : kernels_(tape_kernels()),
      scratch_(max_tape_size * block_rows),
      adjoint_(max_tape_size * block_rows),
      tangent_(max_tape_size * block_rows),
      adjoint_tangent_(max_tape_size * block_rows),
      at_(max_tape_size) {}

const double* Workspace::forward(const Tape& tape, const double* const* columns, bool keep) {
    node_evaluations_ += tape.size() * block_rows;
    kernels_.forward(tape.data(), tape.size(), columns, scratch_.data(), at_.data(), keep);
    return at_[tape.size() - 1];
}

void Workspace::reverse(const Tape& tape, const bool* active) {
    std::fill_n(adjoint(tape.size() - 1), block_rows, 1.0);
    kernels_.reverse(tape.data(), tape.size(), at_.data(), active, adjoint_.data());
}

void Workspace::move(const Tape& tape, std::size_t moving, const bool* active, const bool* moves,
                     bool* live) {
    std::fill_n(tangent_.data() + moving * block_rows, block_rows, 1.0);
    kernels_.forward_tangent(tape.data(), tape.size(), at_.data(), moves, tangent_.data());
    kernels_.reverse_tangent(tape.data(), tape.size(), at_.data(), active, adjoint_.data(), moves,
                             tangent_.data(), live, adjoint_tangent_.data());
}

double* Workspace::room(std::size_t count) {
    if (room_.size() < count) {
        room_.resize(count);
    }
    return room_.data();
}

namespace {

// Rows of one parallel piece: enough blocks to outweigh handing out the piece.
constexpr std::size_t piece_rows = 64 * block_rows;

/// Copies the columns a tape reads of one block of rows, the tail filled with its last row.
template <class T>
class BlockColumns {
  public:
    BlockColumns(const Tape& tape, std::size_t columns)
        : data_(columns * block_rows), pointers_(columns) {
        for (std::size_t j = 0; j < columns; ++j) {
            pointers_[j] = data_.data() + j * block_rows;
            if (std::any_of(tape.begin(), tape.end(), [&](const Node& node) {
                    return node.op == Op::variable && static_cast<std::size_t>(node.variable) == j;
                })) {
                read_.push_back(j);
            }
        }
    }

    const double* const* load(MatrixView<const T> x, std::size_t begin, std::size_t count) {
        for (const std::size_t j : read_) {
            double* column = data_.data() + j * block_rows;
            const T* from = x.row(begin) + j;
            for (std::size_t r = 0; r < count; ++r) {
                column[r] = static_cast<double>(from[r * x.row_stride]);
            }
            std::fill(column + count, column + block_rows, column[count - 1]);
        }
        return pointers_.data();
    }

  private:
    std::vector<double> data_;
    std::vector<const double*> pointers_;
    std::vector<std::size_t> read_;
};

/// Calls work(workspace, columns, first row, row count) for every block, in parallel.
template <class T, class Work>
void for_blocks(const Tape& tape, MatrixView<const T> x, unsigned threads, const Work& work) {
    if (static_cast<std::size_t>(inputs_needed(tape)) > x.columns) {
        throw std::invalid_argument("X: the expression reads column " +
                                    std::to_string(inputs_needed(tape)) + ", but X has only " +
                                    std::to_string(x.columns));
    }
    parallel_for((x.rows + piece_rows - 1) / piece_rows, threads, [&](std::size_t piece, unsigned) {
        Workspace workspace;
        BlockColumns<T> columns(tape, x.columns);
        const std::size_t end = std::min(x.rows, (piece + 1) * piece_rows);
        for (std::size_t begin = piece * piece_rows; begin < end; begin += block_rows) {
            const std::size_t count = std::min(block_rows, end - begin);
            work(workspace, columns.load(x, begin, count), begin, count);
        }
    });
}

}  // namespace

template <class T>
void evaluate(const Tape& tape, MatrixView<const T> x, std::span<double> out, unsigned threads) {
    for_blocks(tape, x, threads,
               [&](Workspace& workspace, const double* const* columns, std::size_t begin,
                   std::size_t count) {
                   const double* values = workspace.forward(tape, columns, false);
                   std::copy_n(values, count, out.data() + begin);
               });
}

template <class T>
void evaluate_gradient(const Tape& tape, MatrixView<const T> x, MatrixView<double> out,
                       unsigned threads) {
    std::array<bool, max_tape_size> active{};
    for (std::size_t i = 0; i < tape.size(); ++i) {
        active[i] = tape[i].op == Op::variable;
    }
    mark_ancestors(tape, active);
    for_blocks(tape, x, threads,
               [&](Workspace& workspace, const double* const* columns, std::size_t begin,
                   std::size_t count) {
                   workspace.forward(tape, columns, true);
                   workspace.reverse(tape, active.data());
                   for (std::size_t r = 0; r < count; ++r) {
                       std::fill_n(out.row(begin + r), x.columns, 0.0);
                   }
                   for (std::size_t i = 0; i < tape.size(); ++i) {
                       if (tape[i].op != Op::variable) {
                           continue;
                       }
                       const double* adjoint = workspace.adjoint(i);
                       const auto column = static_cast<std::size_t>(tape[i].variable);
                       for (std::size_t r = 0; r < count; ++r) {
                           out(begin + r, column) += adjoint[r];
                       }
                   }
               });
}

template void evaluate(const Tape&, MatrixView<const double>, std::span<double>, unsigned);
template void evaluate(const Tape&, MatrixView<const float>, std::span<double>, unsigned);
template void evaluate_gradient(const Tape&, MatrixView<const double>, MatrixView<double>,
                                unsigned);
template void evaluate_gradient(const Tape&, MatrixView<const float>, MatrixView<double>, unsigned);

}  // namespace closedform
