#include "closedform/expression/evaluate.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/kernel_dispatch.hpp"
#include "core/parallel.hpp"
#include "expression/row_blocks.hpp"
#include "expression/workspace.hpp"

namespace closedform {

CLOSEDFORM_DECLARE_SETS(TapeKernels, tape_kernels)

const TapeKernels& tape_kernels() {
    static const TapeKernels& table = CLOSEDFORM_PICK_SET(TapeKernels, tape_kernels);
    return table;
}

Workspace::Workspace()
    : kernels_(tape_kernels()),
      scratch_(max_tape_size * block_rows),
      slopes_(max_tape_size * block_rows),
      adjoint_(max_tape_size * block_rows),
      tangent_(max_tape_size * block_rows),
      adjoint_tangent_(max_tape_size * block_rows),
      at_(max_tape_size) {}

const double* Workspace::forward(const Tape& tape, const double* const* columns, std::size_t rows) {
    node_evaluations_ += tape.size() * rows;
    kernels_.forward(tape.data(), tape.size(), columns, rows, scratch_.data(), at_.data());
    return at_[tape.size() - 1];
}

const double* Workspace::forward_all(const Tape& tape, const double* const* columns) {
    static constexpr auto all = [] {
        std::array<bool, max_tape_size> marked{};
        marked.fill(true);
        return marked;
    }();
    node_evaluations_ += tape.size() * block_rows;
    kernels_.forward_kept(tape.data(), tape.size(), columns, block_rows, all.data(),
                          scratch_.data(), slopes_.data(), at_.data());
    return at_[tape.size() - 1];
}

void Workspace::reverse(const Tape& tape, const bool* active) {
    std::fill_n(adjoint(tape.size() - 1), block_rows, 1.0);
    kernels_.reverse(tape.data(), tape.size(), at_.data(), slopes_.data(), block_rows, active,
                     adjoint_.data());
}

void Workspace::tangents(const Tape& tape, std::span<const std::size_t> varying, const bool* active,
                         const bool* varies, bool* live) {
    for (const std::size_t leaf : varying) {
        std::fill_n(tangent_.data() + leaf * block_rows, block_rows, 1.0);
    }
    kernels_.forward_tangent(tape.data(), tape.size(), at_.data(), slopes_.data(), varies,
                             tangent_.data());
    kernels_.reverse_tangent(tape.data(), tape.size(), at_.data(), slopes_.data(), active,
                             adjoint_.data(), varies, tangent_.data(), live,
                             adjoint_tangent_.data());
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

/// The variables of a tape, sorted by column: occurrences[first[k]] .. are the nodes of column k-th
/// in order that read the same column.
struct Reads {
    explicit Reads(const Tape& tape) {
        for (std::size_t i = 0; i < tape.size(); ++i) {
            if (tape[i].op == Op::variable) {
                nodes[count++] = i;
            }
        }
        std::sort(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(count),
                  [&](std::size_t a, std::size_t b) {
                      return std::pair(tape[a].variable, a) < std::pair(tape[b].variable, b);
                  });
        for (std::size_t i = 0; i < count; ++i) {
            if (i == 0 || tape[nodes[i]].variable != tape[nodes[i - 1]].variable) {
                column[columns] = static_cast<std::size_t>(tape[nodes[i]].variable);
                first[columns++] = i;
            }
        }
        first[columns] = count;
    }

    std::span<const std::size_t> occurrences(std::size_t k) const {
        return {nodes.data() + first[k], first[k + 1] - first[k]};
    }

    std::array<std::size_t, max_tape_size> nodes;
    std::size_t count = 0;
    std::array<std::size_t, max_tape_size> column;  ///< [columns], increasing
    std::array<std::size_t, max_tape_size + 1> first;
    std::size_t columns = 0;
};

/// What one thread needs to evaluate tapes; kept, for it is a megabyte.
struct Scratch {
    Workspace workspace;
    AlignedDoubles data;
    std::vector<const double*> pointers;

    /// Copies the columns a tape reads of one block of rows, the tail filled with its last row.
    template <class T>
    const double* const* load(const Reads& reads, MatrixView<const T> x, std::size_t begin,
                              std::size_t count) {
        if (pointers.size() < x.columns) {
            pointers.resize(x.columns);
        }
        if (data.size() < reads.columns * block_rows) {
            data.resize(reads.columns * block_rows);
        }
        for (std::size_t k = 0; k < reads.columns; ++k) {
            double* column = data.data() + k * block_rows;
            const T* from = x.row(begin) + reads.column[k];
            for (std::size_t r = 0; r < count; ++r) {
                column[r] = static_cast<double>(from[r * x.row_stride]);
            }
            std::fill(column + count, column + block_rows, column[count - 1]);
            pointers[reads.column[k]] = column;
        }
        return pointers.data();
    }
};

/// Adds a node's numbers for the block's rows to one entry a row of `out`.
void add_to(double* out, std::size_t stride, std::size_t count, const double* numbers) {
    for (std::size_t r = 0; r < count; ++r) {
        out[r * stride] += numbers[r];
    }
}

/// d2f/dx_i dx_j at a block of rows, after the reverse pass: for every i how the adjoints of the
/// occurrences of x_j, j >= i, change with x_i.
void block_hessian(const Tape& tape, const Reads& reads, Workspace& workspace, const bool* active,
                   std::size_t count, std::size_t d, double* hessian) {
    std::fill_n(hessian, count * d * d, 0.0);
    for (std::size_t k = 0; k < reads.columns; ++k) {
        std::array<bool, max_tape_size> varies{};
        std::array<bool, max_tape_size> live{};
        for (const std::size_t node : reads.occurrences(k)) {
            varies[node] = true;
        }
        mark_ancestors(tape, varies);
        workspace.tangents(tape, reads.occurrences(k), active, varies.data(), live.data());
        const std::size_t i = reads.column[k];
        for (std::size_t other = k; other < reads.columns; ++other) {
            const std::size_t j = reads.column[other];
            for (const std::size_t node : reads.occurrences(other)) {
                if (live[node]) {
                    add_to(hessian + i * d + j, d * d, count, workspace.adjoint_tangent(node));
                }
            }
            for (std::size_t r = 0; r < count; ++r) {
                hessian[(r * d + j) * d + i] = hessian[(r * d + i) * d + j];
            }
        }
    }
}

/// Blocks of rows one after another, many at a time on several threads: body(scratch, begin,
/// count).
template <class Body>
void over_blocks(std::size_t rows, unsigned threads, const Body& body) {
    const auto work = [&](std::size_t piece, unsigned) {
        thread_local Scratch scratch;
        const std::size_t end = std::min(rows, (piece + 1) * piece_rows);
        for (std::size_t begin = piece * piece_rows; begin < end; begin += block_rows) {
            body(scratch, begin, std::min(block_rows, end - begin));
        }
    };
    const std::size_t pieces = (rows + piece_rows - 1) / piece_rows;
    if (pieces == 1) {
        work(0, 0);
    } else {
        parallel_for(pieces, threads, work);
    }
}

void check_columns(const Tape& tape, std::size_t columns) {
    if (static_cast<std::size_t>(inputs_needed(tape)) > columns) {
        throw std::invalid_argument("X: the expression reads column " +
                                    std::to_string(inputs_needed(tape)) + ", but X has only " +
                                    std::to_string(columns));
    }
}

}  // namespace

template <class T>
void evaluate_derivatives(const Tape& tape, MatrixView<const T> x, double* value, double* gradient,
                          double* hessian, unsigned threads) {
    check_columns(tape, x.columns);
    const Reads reads(tape);
    const bool slopes = gradient != nullptr || hessian != nullptr;
    std::array<bool, max_tape_size> active{};
    for (std::size_t i = 0; i < reads.count; ++i) {
        active[reads.nodes[i]] = true;
    }
    mark_ancestors(tape, active);
    const std::size_t d = x.columns;
    over_blocks(x.rows, threads, [&](Scratch& scratch, std::size_t begin, std::size_t count) {
        Workspace& workspace = scratch.workspace;
        const double* const* columns = scratch.load(reads, x, begin, count);
        const double* values = slopes ? workspace.forward_all(tape, columns)
                                      : workspace.forward(tape, columns, in_groups(count));
        if (value != nullptr) {
            std::copy_n(values, count, value + begin);
        }
        if (slopes) {
            workspace.reverse(tape, active.data());
        }
        if (gradient != nullptr) {
            std::fill_n(gradient + begin * d, count * d, 0.0);
            for (std::size_t k = 0; k < reads.columns; ++k) {
                for (const std::size_t node : reads.occurrences(k)) {
                    add_to(gradient + begin * d + reads.column[k], d, count,
                           workspace.adjoint(node));
                }
            }
        }
        if (hessian != nullptr) {
            block_hessian(tape, reads, workspace, active.data(), count, d, hessian + begin * d * d);
        }
    });
}

template <class T>
void evaluate_constant_slopes(const Tape& tape, MatrixView<const T> x, MatrixView<double> out,
                              unsigned threads) {
    check_columns(tape, x.columns);
    const Reads reads(tape);
    const std::vector<std::size_t> positions = constant_positions(tape);
    std::array<bool, max_tape_size> active{};
    for (const std::size_t position : positions) {
        active[position] = true;
    }
    mark_ancestors(tape, active);
    over_blocks(x.rows, threads, [&](Scratch& scratch, std::size_t begin, std::size_t count) {
        Workspace& workspace = scratch.workspace;
        workspace.forward_all(tape, scratch.load(reads, x, begin, count));
        workspace.reverse(tape, active.data());
        for (std::size_t k = 0; k < positions.size(); ++k) {
            const double* slopes = workspace.adjoint(positions[k]);
            for (std::size_t r = 0; r < count; ++r) {
                out(begin + r, k) = slopes[r];
            }
        }
    });
}

template <class T>
void evaluate_nodes(const Tape& tape, std::span<const std::size_t> nodes, MatrixView<const T> x,
                    MatrixView<double> out, unsigned threads) {
    check_columns(tape, x.columns);
    const Reads reads(tape);
    over_blocks(x.rows, threads, [&](Scratch& scratch, std::size_t begin, std::size_t count) {
        scratch.workspace.forward_all(tape, scratch.load(reads, x, begin, count));
        for (std::size_t k = 0; k < nodes.size(); ++k) {
            const double* values = scratch.workspace.value(nodes[k]);
            for (std::size_t r = 0; r < count; ++r) {
                out(begin + r, k) = values[r];
            }
        }
    });
}

template void evaluate_derivatives(const Tape&, MatrixView<const double>, double*, double*, double*,
                                   unsigned);
template void evaluate_derivatives(const Tape&, MatrixView<const float>, double*, double*, double*,
                                   unsigned);
template void evaluate_constant_slopes(const Tape&, MatrixView<const double>, MatrixView<double>,
                                       unsigned);
template void evaluate_constant_slopes(const Tape&, MatrixView<const float>, MatrixView<double>,
                                       unsigned);
template void evaluate_nodes(const Tape&, std::span<const std::size_t>, MatrixView<const double>,
                             MatrixView<double>, unsigned);
template void evaluate_nodes(const Tape&, std::span<const std::size_t>, MatrixView<const float>,
                             MatrixView<double>, unsigned);

}  // namespace closedform
