// A program of a user's own: a law is searched for, a surrogate fitted, both written, read back
// and evaluated.
#include <closedform/expression/evaluate.hpp>
#include <closedform/expression/infix.hpp>
#include <closedform/files/front_file.hpp>
#include <closedform/files/saved_file.hpp>
#include <closedform/files/surrogate_file.hpp>
#include <closedform/search/search.hpp>
#include <closedform/surrogate/fit_surrogate.hpp>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

using closedform::MatrixView;

namespace {

int failures = 0;

void check(bool holds, const char* what) {
    if (!holds) {
        std::fprintf(stderr, "failed: %s\n", what);
        ++failures;
    }
}

constexpr std::size_t rows = 200;
const std::vector<std::string> names = {"x", "y"};
const double fresh[] = {10.0, -7.0, 0.125, 3.5};  // two rows

struct Data {
    std::vector<double> inputs;
    std::vector<double> law;
    MatrixView<const double> view() const { return {inputs.data(), rows, 2}; }
};

Data sampled() {
    Data data;
    for (std::size_t i = 0; i < rows; ++i) {
        const double x = -2.0 + 4.0 * static_cast<double>(i) / static_cast<double>(rows - 1);
        const double y = std::sin(7.0 * static_cast<double>(i));
        data.inputs.insert(data.inputs.end(), {x, y});
        data.law.push_back(x * y + 2.0);
    }
    return data;
}

closedform::SearchOptions few_evaluations() {
    closedform::SearchOptions options;
    options.operators = closedform::OpSet::all();
    options.seconds = std::numeric_limits<double>::infinity();
    options.evaluations = 20000;
    options.seed = 1;
    options.threads = 2;
    return options;
}

void search_for_the_law(const Data& data, const std::filesystem::path& path) {
    const auto found = closedform::search(data.view(), closedform::ValueTarget(data.law, {}),
                                          few_evaluations(), {});
    check(found.reason == closedform::StopReason::exact, "an exact law ends the search");

    closedform::SavedFront front;
    front.names = names;
    for (const auto& candidate : found.front) {
        front.formulas.push_back({candidate.tape, "", candidate.loss});
    }
    front.best = front.formulas.size() - 1;
    closedform::write_front(path, front);

    const auto read = closedform::read_front(closedform::read_file(path));
    const closedform::SavedFormula& law = read.formulas.at(read.best);
    std::printf("law: %s\n", law.text.c_str());
    double value[2];
    double gradient[4];
    closedform::evaluate_derivatives(law.tape, MatrixView<const double>(fresh, 2, 2), value,
                                     gradient, nullptr, 1);
    check(std::abs(value[0] + 68.0) < 1e-9 && std::abs(value[1] - 2.4375) < 1e-9,
          "the law holds at fresh points");
    check(std::abs(gradient[0] + 7.0) < 1e-9 && std::abs(gradient[1] - 10.0) < 1e-9,
          "and so does its gradient");
    check(law.loss == found.front.back().loss, "losses are read as they were written");
}

void fit_and_save(const Data& data, const std::filesystem::path& path) {
    closedform::SurrogateOptions options;
    options.modes = 2;
    options.segments = 6;
    options.threads = 2;
    const auto fit = closedform::fit_surrogate(data.view(), data.law, {}, options);
    closedform::write_surrogate(path, {fit.model, names, fit.discrete, fit.held_out_error,
                                       fit.held_out_rows, fit.segments, fit.smoothing});
    const auto read = closedform::read_surrogate(closedform::read_file(path));
    const double inside[] = {0.5, 0.25};
    double before = 0.0;
    double after = 0.0;
    fit.model.value(MatrixView<const double>(inside, 1, 2), &before, 1);
    read.model.value(MatrixView<const double>(inside, 1, 2), &after, 1);
    check(std::abs(before - 2.125) < 0.05, "a surrogate fits");
    check(before == after, "a surrogate is read as it was written");
}

void ask_for_too_much(const Data& data) {
    auto options = few_evaluations();
    options.max_size = 1000;
    try {
        closedform::search(data.view(), closedform::ValueTarget(data.law, {}), options, {});
        check(false, "a size beyond the limit is refused");
    } catch (const std::invalid_argument& error) {
        std::printf("refused: %s\n", error.what());
        check(std::string(error.what()) == "max_size: is 1000, must be 1 to 255",
              "a bad option is named, with what it may be");
    }
}

}  // namespace

int main() {
    const auto folder = std::filesystem::temp_directory_path() / "closedform_consumer";
    std::filesystem::create_directories(folder);
    try {
        const Data data = sampled();
        search_for_the_law(data, folder / "law.json");
        fit_and_save(data, folder / "surrogate.npz");
        ask_for_too_much(data);
    } catch (const std::exception& error) {
        check(false, error.what());
    }
    std::filesystem::remove_all(folder);
    std::printf("search from C++: %d failures\n", failures);
    return failures == 0 ? 0 : 1;
}
