#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "closedform/expression/infix.hpp"
#include "closedform/files/front_file.hpp"
#include "closedform/files/saved_file.hpp"
#include "closedform/files/surrogate_file.hpp"
#include "files/corpus.hpp"
#include "files/stored_zip.hpp"

using namespace closedform;

namespace {

/// A folder of a test's own, gone with it.
class Folder {
  public:
    explicit Folder(const std::string& name)
        : path_(std::filesystem::temp_directory_path() / ("closedform_" + name)) {
        std::filesystem::remove_all(path_);
        std::filesystem::create_directories(path_);
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
    std::size_t files() const {
        const std::filesystem::directory_iterator all(path_);
        return static_cast<std::size_t>(std::distance(begin(all), end(all)));
    }

  private:
    std::filesystem::path path_;
};

/// What `work` says when it throws an E.
template <class E, class Work>
std::string message(const Work& work) {
    try {
        work();
    } catch (const E& error) {
        return error.what();
    }
    return "nothing was thrown";
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

SavedFront small_front() {
    SavedFront front;
    front.names = {"a", "b"};
    const double nan = std::numeric_limits<double>::quiet_NaN();
    front.formulas = {{parse("b", front.names), "", 0.1 + 0.2},
                      {parse("a*b + 0.30000000000000004", front.names), "", nan},
                      {parse("exp(a)", front.names), "", -std::numeric_limits<double>::infinity()}};
    front.best = 1;
    front.ranges = {{-1.0, 1.0 / 3.0}, {0.0, 5e-324}};
    front.stopped = "exact";
    front.evaluations = std::uint64_t{1} << 60U;
    front.seconds = 0.1;
    return front;
}

SavedSurrogate small_surrogate() {
    SavedSurrogate saved;
    saved.model = TensorSurrogate(
        {GridBasis({0.0, 0.1, 1.0 / 3.0, 2.0, 5.0}, 1, 1), GridBasis({-1.0, 1e-300}, 0, 0)}, 2,
        {{1, 2, 3, 4, 0.1, 5, 6, 7, 8, 9}, {5e-324, 1, -2, 1e300}}, -0.7, Outside::clamp);
    saved.names = {"x", "Temperatur \xe2\x82\xac \xf0\x9f\x8c\xa1"};
    saved.discrete = {false, true};
    saved.held_out_error = 0.1;
    saved.held_out_rows = "the last third";
    saved.segments = 4;
    saved.smoothing = 1e-7;
    return saved;
}

}  // namespace

TEST_CASE("files of the corpus are written as Python writes them") {
    const Folder folder("corpus");
    for (const corpus::Entry& entry : corpus::all()) {
        CAPTURE(entry.path);
        const std::string bytes = read_file(entry.path);
        if (!looks_like_surrogate(bytes)) {
            write_front(folder / "front.json", read_front(bytes));
            CHECK(read_file(folder / "front.json") == bytes);
            continue;
        }
        write_surrogate(folder / "surrogate.npz", read_surrogate(bytes));
        const std::string written = read_file(folder / "surrogate.npz");
        const StoredZip before(bytes);
        const StoredZip after(written);
        for (const char* name : {"format", "version", "names", "discrete", "offset", "outside",
                                 "held_out", "held_out_rows", "patches", "nodes_0", "factor_0"}) {
            CAPTURE(name);
            const auto expected = before.member(std::string(name) + ".npy");
            const auto found = after.member(std::string(name) + ".npy");
            CHECK(std::string(found.begin(), found.end()) ==
                  std::string(expected.begin(), expected.end()));
        }
    }
    CHECK(folder.files() == 2);
}

TEST_CASE("a front is read as it was written") {
    const Folder folder("front");
    const SavedFront front = small_front();
    write_front(folder / "front.json", front);
    const SavedFront found = read_front(read_file(folder / "front.json"));
    CHECK(found.names == front.names);
    CHECK(found.best == front.best);
    CHECK(found.ranges == front.ranges);
    CHECK(found.stopped == front.stopped);
    CHECK(found.evaluations == front.evaluations);
    CHECK(found.seconds == front.seconds);
    REQUIRE(found.formulas.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(found.formulas[i].tape == front.formulas[i].tape);
        CHECK(found.formulas[i].text == print(front.formulas[i].tape, front.names));
    }
    CHECK(found.formulas[0].loss == 0.1 + 0.2);
    CHECK(std::isnan(found.formulas[1].loss));
    CHECK(std::isnan(found.formulas[2].loss));  // what is not finite has no form in JSON
}

TEST_CASE("a surrogate is read as it was written") {
    const Folder folder("surrogate");
    const SavedSurrogate saved = small_surrogate();
    write_surrogate(folder / "surrogate.npz", saved);
    const SavedSurrogate found = read_surrogate(read_file(folder / "surrogate.npz"));
    CHECK(found.names == saved.names);
    CHECK(found.discrete == saved.discrete);
    CHECK(found.held_out_error == saved.held_out_error);
    CHECK(found.held_out_rows == saved.held_out_rows);
    CHECK(found.segments == saved.segments);
    CHECK(found.smoothing == saved.smoothing);
    CHECK(found.model.modes() == 2);
    CHECK(found.model.offset() == saved.model.offset());
    CHECK(found.model.outside() == saved.model.outside());
    for (std::size_t d = 0; d < 2; ++d) {
        CHECK(found.model.basis(d).nodes() == saved.model.basis(d).nodes());
        CHECK(found.model.basis(d).patch() == saved.model.basis(d).patch());
        CHECK(found.model.basis(d).degree() == saved.model.basis(d).degree());
        CHECK(std::ranges::equal(found.model.factor(d), saved.model.factor(d)));
    }
}

TEST_CASE("what could not be read again is not written") {
    const Folder folder("refused");
    const auto front_refusal = [&](const auto& change) {
        SavedFront front = small_front();
        change(front);
        return message<std::invalid_argument>([&] { write_front(folder / "f", front); });
    };
    for (const std::string& said :
         {front_refusal([](SavedFront& f) { f.formulas.clear(); }),
          front_refusal([](SavedFront& f) { f.best = 3; }),
          front_refusal([](SavedFront& f) { f.names = {"a"}; }),
          front_refusal([](SavedFront& f) { f.names[1] = "\xff"; }),
          front_refusal([](SavedFront& f) { f.ranges.pop_back(); }),
          front_refusal([](SavedFront& f) { f.ranges[0].low = NAN; }),
          front_refusal([](SavedFront& f) { f.formulas[0].text = "c"; }),
          front_refusal([](SavedFront& f) { f.formulas[0].tape.clear(); })}) {
        CAPTURE(said);
        CHECK(said.find("front: could not be read again: ") == 0);
        CHECK(!has(said, "\n"));
    }
    const auto surrogate_refusal = [&](const auto& change) {
        SavedSurrogate saved = small_surrogate();
        change(saved);
        return message<std::invalid_argument>([&] { write_surrogate(folder / "s", saved); });
    };
    for (const std::string& said :
         {surrogate_refusal([](SavedSurrogate& s) { s.names.pop_back(); }),
          surrogate_refusal([](SavedSurrogate& s) { s.names[0] = "\xc0\x80"; }),
          surrogate_refusal([](SavedSurrogate& s) { s.names[0] = std::string(1, '\0'); }),
          surrogate_refusal([](SavedSurrogate& s) { s.held_out_rows = "\xe2\x82"; }),
          surrogate_refusal([](SavedSurrogate& s) { s.discrete.clear(); }),
          surrogate_refusal([](SavedSurrogate& s) { s.segments = 0; }),
          surrogate_refusal([](SavedSurrogate& s) { s.model.set_offset(NAN); })}) {
        CAPTURE(said);
        CHECK(said.find("surrogate: ") == 0);
    }
    CHECK(folder.files() == 0);
}

TEST_CASE("a write that fails names the path, and loses nothing") {
    const Folder folder("failed");
    const auto target = folder / "front.json";
    const auto nowhere = folder / "none/front.json";
    const std::string said = message<FileError>([&] { write_front(nowhere, small_front()); });
    CHECK(said == nowhere.string() + ": cannot be written: No such file or directory");
    // In the way of the move: a folder that is not empty.
    std::filesystem::create_directories(target / "something");
    CHECK(message<FileError>([&] { write_front(target, small_front()); }).find(target.string()) ==
          0);
    CHECK(folder.files() == 1);
    // In the way of the temporary file: the old one stays.
    write_front(folder / "kept.json", small_front());
    const std::string before = read_file(folder / "kept.json");
    std::filesystem::create_directories(folder / "kept.json.part/something");
    CHECK(has(message<FileError>([&] { write_front(folder / "kept.json", small_front()); }),
              "kept.json: cannot be written: "));
    CHECK(read_file(folder / "kept.json") == before);
    if (std::filesystem::exists("/dev/full")) {
        std::filesystem::create_symlink("/dev/full", folder / "full.part");
        CHECK(has(message<FileError>([&] { write_surrogate(folder / "full", small_surrogate()); }),
                  "full: cannot be written: No space left on device"));
    }
}
