#include "closedform/files/surrogate_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "closedform/files/saved_file.hpp"
#include "files/npy_array.hpp"
#include "files/stored_zip.hpp"

namespace closedform {
namespace {

constexpr std::int64_t version = 1;
// A node takes some 600 bytes of tables. No grid comes near: a row's cell is found by counting.
constexpr std::size_t most_nodes = std::size_t{1} << 18U;

[[noreturn]] void fail(const std::string& what) {
    throw FileError(FileError::Kind::malformed, what);
}

class Arrays {
  public:
    explicit Arrays(std::span<const char> bytes) : zip_(bytes) {}

    bool has(const std::string& name) const { return zip_.has(name + ".npy"); }

    NpyArray array(const std::string& name, const std::vector<std::size_t>& shape) const {
        NpyArray found(name, zip_.member(name + ".npy"));
        if (found.shape() != shape) {
            fail("has a damaged " + name + ": not of the shape the others ask for");
        }
        return found;
    }
    NpyArray array(const std::string& name) const { return {name, zip_.member(name + ".npy")}; }
    std::string text(const std::string& name) const { return array(name, {}).texts().front(); }

  private:
    StoredZip zip_;
};

/// Nodes so close or so far apart that their interpolant overflows would give NaN everywhere.
void check_finite(const GridBasis& basis, const std::string& name) {
    for (std::size_t cell = 0; cell < basis.cells(); ++cell) {
        const double* shape = basis.shape(cell, 0);
        const double* end = shape + basis.width() * GridBasis::coefficients_per_shape;
        if (!std::isfinite(basis.center(cell)) || !std::isfinite(basis.inverse_width(cell)) ||
            !std::all_of(shape, end, [](double c) { return std::isfinite(c); })) {
            fail("has a damaged " + name + ": nodes that cannot be interpolated");
        }
    }
}

/// Sizes are compared before anything is built of them.
TensorSurrogate read_model(const Arrays& arrays, std::size_t inputs) {
    const auto patches = arrays.array("patches", {inputs, 2}).integers();
    std::vector<GridBasis> bases;
    std::size_t all_nodes = 0;
    for (std::size_t d = 0; d < inputs; ++d) {
        const std::string name = "nodes_" + std::to_string(d);
        const NpyArray array = arrays.array(name);
        all_nodes += array.size();
        if (array.shape().size() != 1 || all_nodes > most_nodes) {
            fail("has a damaged " + name + ": not one row of nodes");
        }
        const std::int64_t patch = patches[2 * d];
        const std::int64_t degree = patches[2 * d + 1];
        if (std::min(patch, degree) < 0) {
            fail("has a damaged patches: a negative number");
        }
        bases.emplace_back(array.finite_doubles(), static_cast<std::size_t>(patch),
                           static_cast<std::size_t>(degree));
        check_finite(bases.back(), name);
    }
    const NpyArray first = arrays.array("factor_0");
    if (first.shape().size() != 2) {
        fail("has a damaged factor_0: not a matrix");
    }
    const std::size_t modes = first.shape().front();
    std::vector<std::vector<double>> factors;
    for (std::size_t d = 0; d < inputs; ++d) {
        factors.push_back(
            arrays.array("factor_" + std::to_string(d), {modes, bases[d].node_count()})
                .finite_doubles());
    }
    return {std::move(bases), modes, std::move(factors),
            arrays.array("offset", {}).finite_doubles().front(),
            outside_named(arrays.text("outside"))};
}

/// Arrays by name, as Arrays reads them.
class ArraysWriter {
  public:
    void add(const std::string& name, const std::string& bytes) { zip_.add(name + ".npy", bytes); }
    void add(const std::string& name, const std::vector<double>& values) {
        add(name, npy_bytes(values, {values.size()}));
    }
    void add_text(const std::string& name, std::string_view text) {
        add(name, npy_bytes(std::vector<std::string>{std::string(text)}, {}));
    }
    std::string finish() { return zip_.finish(); }

  private:
    ZipWriter zip_;
};

std::string archive_of(const SavedSurrogate& saved) {
    const TensorSurrogate& model = saved.model;
    const std::size_t inputs = model.inputs();
    std::vector<std::int64_t> patches;
    for (const GridBasis& basis : model.bases()) {
        patches.push_back(static_cast<std::int64_t>(basis.patch()));
        patches.push_back(static_cast<std::int64_t>(basis.degree()));
    }
    ArraysWriter arrays;
    arrays.add_text("format", "closedform-surrogate");
    arrays.add("version", npy_bytes(std::vector<std::int64_t>{version}, {}));
    arrays.add("names", npy_bytes(saved.names, {inputs}));
    arrays.add("discrete", npy_bytes(saved.discrete));
    arrays.add("offset", npy_bytes(std::vector<double>{model.offset()}, {}));
    arrays.add_text("outside", name(model.outside()));
    arrays.add("held_out",
               std::vector<double>{saved.held_out_error, static_cast<double>(saved.segments),
                                   saved.smoothing});
    arrays.add_text("held_out_rows", saved.held_out_rows);
    arrays.add("patches", npy_bytes(patches, {inputs, 2}));
    for (std::size_t d = 0; d < inputs; ++d) {
        arrays.add("nodes_" + std::to_string(d), model.basis(d).nodes());
        arrays.add("factor_" + std::to_string(d),
                   npy_bytes(model.factor(d), {model.modes(), model.basis(d).node_count()}));
    }
    return arrays.finish();
}

}  // namespace

bool looks_like_surrogate(std::span<const char> bytes) {
    return std::string_view(bytes.data(), std::min<std::size_t>(bytes.size(), 4)) == "PK\x03\x04";
}

SavedSurrogate read_surrogate(std::span<const char> bytes) {
    if (!looks_like_surrogate(bytes)) {
        fail("is not a saved surrogate");
    }
    try {
        const Arrays arrays(bytes);
        if (!arrays.has("format") || arrays.text("format") != "closedform-surrogate") {
            fail("is not a saved surrogate");
        }
        if (const auto found = arrays.array("version", {}).integers().front(); found != version) {
            throw FileError(FileError::Kind::newer, "has format version " + std::to_string(found) +
                                                        ", this closedform reads version " +
                                                        std::to_string(version) +
                                                        "; upgrade closedform");
        }
        SavedSurrogate saved;
        saved.names = arrays.array("names").texts();
        const std::size_t inputs = saved.names.size();
        saved.discrete = arrays.array("discrete", {inputs}).truths();
        const auto held_out = arrays.array("held_out", {3}).finite_doubles();
        if (!(held_out[1] >= 1 && held_out[1] <= static_cast<double>(most_nodes))) {
            fail("has a damaged held_out: no count of segments");
        }
        saved.held_out_error = held_out[0];
        saved.segments = static_cast<std::size_t>(held_out[1]);
        saved.smoothing = held_out[2];
        saved.held_out_rows = arrays.text("held_out_rows");
        saved.model = read_model(arrays, inputs);
        return saved;
    } catch (const std::invalid_argument& refused) {  // by the grid or the model
        fail("is not a saved surrogate: " + std::string(refused.what()));
    }
}

void write_surrogate(const std::filesystem::path& path, const SavedSurrogate& saved) {
    const std::size_t inputs = saved.model.inputs();
    if (inputs == 0 || saved.names.size() != inputs || saved.discrete.size() != inputs) {
        throw std::invalid_argument("surrogate: needs one name and one entry of discrete an input");
    }
    std::string bytes;
    try {
        bytes = archive_of(saved);
        read_surrogate(bytes);
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception& refused) {  // by the reader, or for what is not text
        throw std::invalid_argument("surrogate: could not be read again: " +
                                    std::string(refused.what()));
    }
    write_file(path, bytes);
}

}  // namespace closedform
