#include <pybind11/gil_safe_call_once.h>
#include <pybind11/stl.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "device_rows.hpp"
#include "register.hpp"

namespace closedform {
namespace py = pybind11;
namespace {

// DLPack's structures, as its specification (dlpack.h, version 0.8) lays them out in memory.
struct DlDevice {
    std::int32_t type;
    std::int32_t index;
};
struct DlType {
    std::uint8_t code;
    std::uint8_t bits;
    std::uint16_t lanes;
};
struct DlTensor {
    void* data;
    DlDevice device;
    std::int32_t dimensions;
    DlType type;
    std::int64_t* shape;
    std::int64_t* strides;
    std::uint64_t byte_offset;
};
struct DlManagedTensor {
    DlTensor tensor;
    void* context;
    void (*deleter)(DlManagedTensor*);
};
constexpr std::int32_t dl_cuda = 2;
constexpr std::int32_t dl_cuda_managed = 13;
constexpr std::uint8_t dl_float = 2;

/// Takes over a capsule of DLPack's; a ValueError says what cannot be used, and the capsule stays
/// its owner's then.
DeviceMatrix from_dlpack(const py::capsule& capsule) {
    if (std::string(capsule.name() == nullptr ? "" : capsule.name()) != "dltensor") {
        throw py::value_error("is not a DLPack capsule, or was used before");
    }
    auto* managed = capsule.get_pointer<DlManagedTensor>();
    const DlTensor& tensor = managed->tensor;
    if (tensor.device.type != dl_cuda && tensor.device.type != dl_cuda_managed) {
        throw py::value_error("lies on a device that is not CUDA's");
    }
    if (tensor.dimensions != 2) {
        throw py::value_error("must be 2-D (rows, columns)");
    }
    if (tensor.type.code != dl_float || tensor.type.lanes != 1 ||
        (tensor.type.bits != 32 && tensor.type.bits != 64)) {
        throw py::value_error("must be float64 or float32");
    }
    const std::int64_t rows = tensor.shape[0];
    const std::int64_t columns = tensor.shape[1];
    if (tensor.strides != nullptr && rows > 1 &&
        (tensor.strides[0] != columns || (columns > 1 && tensor.strides[1] != 1))) {
        throw py::value_error("must be C-contiguous");
    }
    PyCapsule_SetName(capsule.ptr(), "used_dltensor");
    py::capsule owner(managed, [](void* used) {
        auto* tensor_of = static_cast<DlManagedTensor*>(used);
        if (tensor_of->deleter != nullptr) {
            tensor_of->deleter(tensor_of);
        }
    });
    return {reinterpret_cast<std::uintptr_t>(tensor.data) + tensor.byte_offset,
            static_cast<std::size_t>(rows), static_cast<std::size_t>(columns),
            tensor.type.bits == 32, std::move(owner)};
}

}  // namespace

void find_libraries() {
    static py::gil_safe_call_once_and_store<bool> told;
    told.call_once_and_store_result([] {
        std::vector<std::string> folders;
        for (const py::handle entry : py::module_::import("sys").attr("path")) {
            if (!py::isinstance<py::str>(entry)) {
                continue;
            }
            const std::filesystem::path packages =
                std::filesystem::path(entry.cast<std::string>()) / "nvidia";
            std::error_code none;  // no such folder
            for (const auto& package : std::filesystem::directory_iterator(packages, none)) {
                folders.push_back((package.path() / "lib").string());
            }
        }
        cuda::look_for_libraries_in(folders);
        return true;
    });
}

void register_cuda(py::module_& module) {
    py::register_exception<DeviceError>(module, "DeviceError", PyExc_RuntimeError);
    py::class_<DeviceMatrix>(module, "DeviceMatrix")
        .def(py::init<std::uintptr_t, std::size_t, std::size_t, bool, py::object>(),
             py::arg("address"), py::arg("rows"), py::arg("columns"), py::arg("single"),
             py::arg("owner"))
        .def_static("from_dlpack", &from_dlpack, py::arg("capsule"))
        .def_property_readonly("address", &DeviceMatrix::address)
        .def_property_readonly("single", &DeviceMatrix::single)
        .def_property_readonly("shape", [](const DeviceMatrix& matrix) {
            return py::make_tuple(matrix.rows(), matrix.columns());
        });
    module.def("cuda_devices", [] {
        py::list found;
        for (const cuda::DeviceInfo& device : cuda::devices()) {
            py::dict entry;
            entry["name"] = device.name;
            entry["compute_capability"] =
                std::to_string(device.major) + "." + std::to_string(device.minor);
            entry["memory"] = device.memory;
            entry["multiprocessors"] = device.multiprocessors;
            entry["clock"] = device.clock;
            entry["bandwidth"] = device.bandwidth;
            found.append(entry);
        }
        return found;
    });
    module.def("cuda_matrix_library", [] {
        find_libraries();
        return cuda::matrix_library();
    });
    module.def("cuda_release_memory", &cuda::release_memory);
    module.def("cuda_problem", [] {
        const cuda::DeviceProblem problem = cuda::problem();
        return py::make_tuple(problem.text, problem.surprising);
    });
}

}  // namespace closedform
