#pragma once
// What runs on a GPU through CUDA: the same arithmetic as on the CPU, in the precision named at
// each function. A library built without CUDA has these functions too; they throw then.
// Everything here uses the device that is CUDA's current one (CUDA_VISIBLE_DEVICES decides), or the
// one that holds the rows.

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "closedform/als.hpp"
#include "closedform/cell_moments.hpp"
#include "closedform/network.hpp"
#include "closedform/objective.hpp"
#include "closedform/separability.hpp"
#include "closedform/table.hpp"

namespace closedform {

/// No device, no driver, too little memory, or an error that CUDA reports; what() says which.
class DeviceError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Rows in the memory of the host or, contiguous, of a device.
struct DeviceRows {
    Table table;
    bool on_device = false;
};

/// What expressions are measured against: see ValueObjective and GradientObjective. Views; the
/// arrays stay their owner's.
struct BatchTargets {
    MatrixView<const double> targets;  ///< y [rows x 1], or directions, of the shape of X
    MatrixView<const double> scales;   ///< of directions; no columns: ones
    std::span<const double> weights;   ///< empty: ones
    bool directions = false;
    bool is_signed = false;
};

namespace cuda {

struct DeviceInfo {
    std::string name;
    int major = 0;  ///< compute capability
    int minor = 0;
    std::size_t memory = 0;  ///< bytes
    int multiprocessors = 0;
    double clock = 0;      ///< of theirs, a second
    double bandwidth = 0;  ///< of the memory at most, bytes a second
};

/// The devices that can be used; none where there is no driver.
std::vector<DeviceInfo> devices();

struct Problem {
    std::string text;  ///< one line that says what to do; "" for no problem
    /// True where a driver is there that cannot be used: whoever has a GPU wants to hear of it.
    bool surprising = false;
};

/// Why devices() is empty.
Problem problem();

/// As TensorSurrogate::derivatives, in the precision of the rows; results in the host's memory,
/// null ones left out. Rows beyond the grid are not looked for: throws std::invalid_argument under
/// Outside::error.
void derivatives(const TensorSurrogate& model, const DeviceRows& rows, double* value,
                 double* gradient, double* hessian);

/// What score_pairs asks for in ScoreOptions::totals, over all inputs, in the precision of the
/// rows.
PairTotals pair_totals(const TensorSurrogate& model, const DeviceRows& rows, double c);

/// Rows to fit, copied to the device where they find room, else with every gather. `rows` must live
/// as long. In float64 always: normal equations lose twice the digits that the data do.
std::unique_ptr<MomentRows> moments_of(const FitRows& rows);

/// As Network::evaluate, in the precision of the network.
template <class T>
void evaluate(const Network<T>& network, const DeviceRows& rows, const Head& head, double* value,
              double* gradient);

/// The value or gradient objective of whole batches of expressions, one launch a batch (and chunk
/// of rows), in the precision of X.
class BatchObjective {
  public:
    /// Copies the rows to the device where they find room, else with every batch; X and targets
    /// must live as long as this does. Throws std::invalid_argument where sizes differ.
    BatchObjective(const DeviceRows& x, const BatchTargets& targets);
    ~BatchObjective();
    BatchObjective(const BatchObjective&) = delete;
    BatchObjective& operator=(const BatchObjective&) = delete;

    /// One for every tape; the same sums as Objective::sums on the same rows.
    std::vector<LossSums> sums(std::span<const Tape> tapes);

  private:
    struct Scorer;
    std::unique_ptr<Scorer> scorer_;
};

}  // namespace cuda
}  // namespace closedform
