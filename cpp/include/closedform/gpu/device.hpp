#pragma once
// What runs on a GPU through CUDA: the same arithmetic as on the CPU, in the precision named at
// each function. A library built without CUDA has these functions too; they throw then.
// Everything here uses the device that is CUDA's current one (CUDA_VISIBLE_DEVICES decides), or the
// one that holds the rows.

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "closedform/core/table.hpp"
#include "closedform/network/network.hpp"
#include "closedform/objective/full_data.hpp"
#include "closedform/structure/pair_scores.hpp"
#include "closedform/surrogate/fit_surrogate.hpp"

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

struct DeviceProblem {
    std::string text;  ///< one line that says what to do; "" for no problem
    /// True where a driver is there that cannot be used: whoever has a GPU wants to hear of it.
    bool surprising = false;
};

/// Why devices() is empty.
DeviceProblem problem();

/// As TensorSurrogate::derivatives, in the precision of the rows; results in the host's memory,
/// null ones left out. Rows beyond the grid are not looked for: throws std::invalid_argument under
/// Outside::error.
void derivatives(const TensorSurrogate& model, const DeviceRows& rows, double* value,
                 double* gradient, double* hessian);

/// ScoreOptions::pair_sums, in the precision of the rows, which must live as long as the model
/// must.
std::unique_ptr<PairRowSums> pair_sums(const TensorSurrogate& model, const DeviceRows& rows);

/// Rows to fit, copied to the device where they find room, else with every question. `rows` must
/// live as long. Inputs go there as float32 if that is what they are; products and sums are float64
/// always: normal equations lose twice the digits that the data do
/// (cuda/surrogate/als_moments_body.hpp).
std::unique_ptr<MomentRowSums> moment_sums(const FitRows& rows);

/// Who multiplies matrices: a library where one is found, or our own kernels even then.
enum class Products { of_library, own };

/// That library, as "cuBLAS 13.1"; "" where none is found, and our own kernels do the work.
std::string matrix_library();

/// Where else it may lie; to be said before it is looked for.
void look_for_libraries_in(const std::vector<std::string>& folders);

/// Gives back the memory, of devices and pinned, that is kept for the next call.
void release_memory();

/// As Network::evaluate, in the precision of the network.
template <class T>
void evaluate(const Network<T>& network, const DeviceRows& rows, const Head& head, double* value,
              double* gradient, Products products = Products::of_library);

/// All rows of a search, copied to the device where they find room, else with every batch. A batch
/// is one launch (of each chunk of rows, and for every 64 MiB of sums). X stays in its own
/// precision there, which rough losses are computed in; targets are float64. The arrays of x and
/// target must live as long. Throws std::invalid_argument where their sizes differ.
std::unique_ptr<LossRowSums> loss_sums(const Table& x, const Target& target);

/// The normal equations of batches of expressions, of values alone, as `loss_sums` otherwise; all
/// in float64: what a search judges its candidates by (SearchOptions::sample_sums).
std::unique_ptr<EquationRowSums> equation_sums(MatrixView<const double> x, const Target& target);

}  // namespace cuda
}  // namespace closedform
