// libFuzzer target: any bytes loaded as a saved surrogate or front, and evaluated if they are one.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "closedform/c_api.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    closedform_error error;
    closedform_model* model = nullptr;
    if (closedform_load_memory(data, size, &model, &error) != CLOSEDFORM_OK) {
        return 0;
    }
    const std::size_t d = closedform_inputs(model);
    if (d <= 64) {
        std::vector<double> x(3 * d, 0.3);
        std::vector<double> out(3 * (1 + d + d * d));
        if (d > 0) {
            x[0] = NAN;
            x[d] = -INFINITY;
        }
        closedform_evaluate(model, x.data(), 3, 1, out.data(), out.data() + 3,
                            out.data() + 3 + 3 * d, &error);
    }
    for (std::size_t i = 0; i < closedform_formula_count(model); ++i) {
        closedform_model* formula = nullptr;
        closedform_choose(model, i, &formula, &error);
        closedform_free(formula);
    }
    closedform_free(model);
    return 0;
}
