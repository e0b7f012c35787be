#include "closedform/c_api.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "closedform/core/matrix_view.hpp"
#include "closedform/expression/evaluate.hpp"
#include "closedform/files/front_file.hpp"
#include "closedform/files/saved_file.hpp"
#include "closedform/files/surrogate_file.hpp"
#include "closedform/gpu/device.hpp"

/// A surrogate, or one formula of a front.
struct closedform_model {
    std::optional<closedform::SavedSurrogate> surrogate;
    std::shared_ptr<const closedform::SavedFront> front;
    std::size_t index = 0;

    const std::vector<std::string>& names() const {
        return surrogate ? surrogate->names : front->names;
    }
    const closedform::SavedFormula& formula() const { return front->formulas[index]; }
};

namespace closedform {
namespace {

/// Copies the message's beginning: whole code points, one line.
void write(closedform_error* error, std::string_view message) {
    if (error == nullptr) {
        return;
    }
    std::size_t size = std::min(message.size(), sizeof(error->message) - 1);
    while (size < message.size() && size > 0 && (message[size] & 0xC0) == 0x80) {
        --size;
    }
    std::transform(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size),
                   error->message, [](char c) { return c >= 0 && c < ' ' ? ' ' : c; });
    error->message[size] = '\0';
}

int status_of(FileError::Kind kind) {
    switch (kind) {
        case FileError::Kind::unreadable:
            return CLOSEDFORM_CANNOT_READ;
        case FileError::Kind::newer:
            return CLOSEDFORM_NEWER_FILE;
        default:
            return CLOSEDFORM_BAD_FILE;
    }
}

/// Runs `work`; what it throws becomes a status and a message that begins with `subject`.
template <class Work>
int guarded(closedform_error* error, const char* subject, const Work& work) noexcept {
    int status = CLOSEDFORM_FAILED;
    try {
        try {
            work();
            return CLOSEDFORM_OK;
        } catch (const FileError& failure) {
            status = status_of(failure.kind());
            write(error, std::string(subject) + ": " + failure.what());
        } catch (const OutsideGrid& failure) {
            status = CLOSEDFORM_OUTSIDE;
            write(error, failure.what());
        } catch (const DeviceError& failure) {
            status = CLOSEDFORM_NO_DEVICE;
            write(error, std::string("device: ") + failure.what());
        } catch (const std::invalid_argument& failure) {
            status = CLOSEDFORM_BAD_ARGUMENT;
            write(error, failure.what());
        } catch (const std::bad_alloc&) {
            status = CLOSEDFORM_NO_MEMORY;
            write(error, "out of memory");
        } catch (const std::exception& failure) {
            write(error, failure.what());
        }
    } catch (...) {  // no memory for the message either
        write(error, "failed");
    }
    return status;
}

void require(bool given, const char* message) {
    if (!given) {
        throw std::invalid_argument(message);
    }
}

std::unique_ptr<closedform_model> model_of(std::span<const char> bytes) {
    auto model = std::make_unique<closedform_model>();
    if (looks_like_surrogate(bytes)) {
        model->surrogate = read_surrogate(bytes);
    } else if (const auto first = std::find_if_not(
                   bytes.begin(), bytes.end(),
                   [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; });
               first != bytes.end() && *first == '{') {
        model->front = std::make_shared<SavedFront>(read_front(bytes));
        model->index = model->front->best;
    } else {
        throw FileError(FileError::Kind::malformed,
                        "is neither a saved surrogate nor a saved front");
    }
    return model;
}

template <class T>
int evaluate_rows(int device, const closedform_model* model, const T* rows, std::size_t row_count,
                  unsigned threads, double* value, double* gradient, double* hessian,
                  closedform_error* error) noexcept {
    return guarded(error, "", [&] {
        require(model != nullptr, "model: is null");
        const std::size_t inputs = model->names().size();
        require(rows != nullptr || row_count == 0 || inputs == 0, "rows: is null");
        require(value != nullptr || gradient != nullptr || hessian != nullptr,
                "value, gradient, hessian: are all null");
        require(device == CLOSEDFORM_CPU || device == CLOSEDFORM_CUDA, "device: is none of these");
        require(device == CLOSEDFORM_CPU || model->surrogate,
                "device: formulas are evaluated on the CPU");
        const MatrixView<const T> view(rows, row_count, inputs);
        if (device == CLOSEDFORM_CUDA) {
            cuda::derivatives(model->surrogate->model, {view, false}, value, gradient, hessian);
        } else if (model->surrogate) {
            model->surrogate->model.derivatives(view, value, gradient, hessian, threads);
        } else {
            evaluate_derivatives(model->formula().tape, view, value, gradient, hessian, threads);
        }
    });
}

}  // namespace
}  // namespace closedform

using closedform::guarded;
using closedform::require;

int closedform_c_api_version(void) { return CLOSEDFORM_C_API_VERSION; }

const char* closedform_version(void) { return CLOSEDFORM_VERSION; }

int closedform_load(const char* path, closedform_model** model, closedform_error* error) {
    return guarded(error, path, [&] {
        require(model != nullptr, "model: is null");
        *model = nullptr;
        require(path != nullptr, "path: is null");
        *model = closedform::model_of(closedform::read_file(path)).release();
    });
}

int closedform_load_memory(const void* bytes, std::size_t size, closedform_model** model,
                           closedform_error* error) {
    return guarded(error, "bytes", [&] {
        require(model != nullptr, "model: is null");
        *model = nullptr;
        require(bytes != nullptr || size == 0, "bytes: is null");
        *model = closedform::model_of({static_cast<const char*>(bytes), size}).release();
    });
}

std::size_t closedform_formula_count(const closedform_model* model) {
    return model == nullptr || model->surrogate ? 0 : model->front->formulas.size();
}

int closedform_choose(const closedform_model* model, std::size_t index, closedform_model** formula,
                      closedform_error* error) {
    return guarded(error, "index", [&] {
        require(formula != nullptr, "formula: is null");
        *formula = nullptr;
        require(model != nullptr, "model: is null");
        require(index < closedform_formula_count(model), "index: the front has no such formula");
        auto chosen = std::make_unique<closedform_model>();
        chosen->front = model->front;
        chosen->index = index;
        *formula = chosen.release();
    });
}

void closedform_free(closedform_model* model) { delete model; }

std::size_t closedform_inputs(const closedform_model* model) {
    return model == nullptr ? 0 : model->names().size();
}

const char* closedform_input_name(const closedform_model* model, std::size_t input) {
    return input < closedform_inputs(model) ? model->names()[input].c_str() : nullptr;
}

const char* closedform_text(const closedform_model* model) {
    return model == nullptr || model->surrogate ? "" : model->formula().text.c_str();
}

double closedform_loss(const closedform_model* model) {
    if (model == nullptr) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    return model->surrogate ? model->surrogate->held_out_error : model->formula().loss;
}

int closedform_evaluate(const closedform_model* model, const double* rows, std::size_t row_count,
                        unsigned threads, double* value, double* gradient, double* hessian,
                        closedform_error* error) {
    return closedform_evaluate_on(CLOSEDFORM_CPU, model, rows, row_count, threads, value, gradient,
                                  hessian, error);
}

int closedform_evaluate_float(const closedform_model* model, const float* rows,
                              std::size_t row_count, unsigned threads, double* value,
                              double* gradient, double* hessian, closedform_error* error) {
    return closedform_evaluate_float_on(CLOSEDFORM_CPU, model, rows, row_count, threads, value,
                                        gradient, hessian, error);
}

int closedform_evaluate_on(int device, const closedform_model* model, const double* rows,
                           std::size_t row_count, unsigned threads, double* value, double* gradient,
                           double* hessian, closedform_error* error) {
    return closedform::evaluate_rows(device, model, rows, row_count, threads, value, gradient,
                                     hessian, error);
}

int closedform_evaluate_float_on(int device, const closedform_model* model, const float* rows,
                                 std::size_t row_count, unsigned threads, double* value,
                                 double* gradient, double* hessian, closedform_error* error) {
    return closedform::evaluate_rows(device, model, rows, row_count, threads, value, gradient,
                                     hessian, error);
}
