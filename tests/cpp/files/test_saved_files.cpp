#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "closedform/c_api.h"
#include "closedform/files/front_file.hpp"
#include "closedform/files/saved_file.hpp"
#include "closedform/files/surrogate_file.hpp"
#include "core/random.hpp"
#include "files/corpus.hpp"

using closedform::FileError;

namespace {

/// CRC-32 bit by bit.
std::uint32_t checksum(std::string_view bytes) {
    std::uint32_t c = 0xFFFFFFFFU;
    for (const char byte : bytes) {
        c ^= static_cast<unsigned char>(byte);
        for (int bit = 0; bit < 8; ++bit) {
            c = c >> 1U ^ (0xEDB88320U & (0U - (c & 1U)));
        }
    }
    return ~c;
}

void put(std::string& to, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) {
        to += static_cast<char>(value >> 8 * i & 0xFFU);
    }
}

struct Member {
    std::string name;
    std::string bytes;
};

/// A stored zip archive with right checksums, so that what is wrong in its members is reached.
std::string zip(const std::vector<Member>& members) {
    std::string file;
    std::string directory;
    for (const Member& member : members) {
        const auto size = static_cast<std::uint32_t>(member.bytes.size());
        std::string common;
        put(common, 20, 2);                      // version needed
        put(common, 0, 8);                       // flags, stored, time, date
        put(common, checksum(member.bytes), 4);  //
        put(common, size, 4);
        put(common, size, 4);
        put(common, static_cast<std::uint32_t>(member.name.size()), 2);
        put(common, 0, 2);
        directory += std::string("PK\x01\x02\x14\x00", 6) + common;
        put(directory, 0, 2);  // comment
        put(directory, 0, 4);
        put(directory, 0, 4);  // attributes
        put(directory, static_cast<std::uint32_t>(file.size()), 4);
        directory += member.name;
        file += "PK\x03\x04" + common + member.name + member.bytes;
    }
    const auto begin = static_cast<std::uint32_t>(file.size());
    file += directory;
    file += std::string("PK\x05\x06\x00\x00\x00\x00", 8);
    put(file, static_cast<std::uint32_t>(members.size()), 2);
    put(file, static_cast<std::uint32_t>(members.size()), 2);
    put(file, static_cast<std::uint32_t>(directory.size()), 4);
    put(file, begin, 4);
    put(file, 0, 2);
    return file;
}

std::string npy(const std::string& descr, const std::string& shape, const std::string& data) {
    const std::string header =
        "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
    std::string bytes("\x93NUMPY\x01\x00", 8);
    put(bytes, static_cast<std::uint32_t>(header.size()), 2);
    return bytes + header + data;
}

template <class T>
std::string raw(const std::vector<T>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string text(std::string_view letters) {
    std::string data;
    for (const char letter : letters) {
        put(data, static_cast<unsigned char>(letter), 4);
    }
    return npy("<U" + std::to_string(letters.size()), "()", data);
}

/// u = 2 + f(x) through (0, 1), (1, 2), (3, 0).
std::vector<Member> small_surrogate() {
    return {{"format.npy", text("closedform-surrogate")},
            {"version.npy", npy("<i8", "()", raw<std::int64_t>({1}))},
            {"names.npy", npy("<U1", "(1,)", raw<std::uint32_t>({'x'}))},
            {"discrete.npy", npy("|b1", "(1,)", std::string(1, '\0'))},
            {"offset.npy", npy("<f8", "()", raw<double>({2}))},
            {"outside.npy", text("clamp")},
            {"held_out.npy", npy("<f8", "(3,)", raw<double>({0.5, 2, 0}))},
            {"held_out_rows.npy", text("the last third")},
            {"patches.npy", npy("<i8", "(1, 2)", raw<std::int64_t>({0, 0}))},
            {"nodes_0.npy", npy("<f8", "(3,)", raw<double>({0, 1, 3}))},
            {"factor_0.npy", npy("<f8", "(1, 3)", raw<double>({1, 2, 0}))}};
}

std::string with(const std::string& name, const std::string& bytes) {
    std::vector<Member> members = small_surrogate();
    for (Member& member : members) {
        if (member.name == name + ".npy") {
            member.bytes = bytes;
        }
    }
    return zip(members);
}

std::string refusal(const std::string& bytes) {
    try {
        closedform::read_surrogate(bytes);
    } catch (const FileError& error) {
        return error.what();
    }
    return "read";
}

/// Loads the bytes and, where that succeeds, evaluates: an error or numbers, never a crash. Returns
/// whether it was read.
bool survives(const std::string& bytes) {
    closedform_error error;
    closedform_model* model = nullptr;
    // From memory of exactly that size, so that AddressSanitizer sees a read beyond it.
    const std::vector<char> exact(bytes.begin(), bytes.end());
    if (closedform_load_memory(exact.data(), exact.size(), &model, &error) != CLOSEDFORM_OK) {
        CHECK(std::strlen(error.message) > 0);
        return false;
    }
    const std::size_t d = closedform_inputs(model);
    if (d <= 64) {
        std::vector<double> x(2 * d, 0.3);
        std::vector<double> out(2 * (1 + d + d * d));
        if (d > 0) {
            x[0] = NAN;
            x[d] = -INFINITY;
        }
        closedform_evaluate(model, x.data(), 2, 1, out.data(), out.data() + 2,
                            out.data() + 2 + 2 * d, &error);
    }
    closedform_free(model);
    return true;
}

}  // namespace

TEST_CASE("a surrogate written by hand is read") {
    const auto saved = closedform::read_surrogate(zip(small_surrogate()));
    CHECK(saved.names == std::vector<std::string>{"x"});
    CHECK(saved.held_out_rows == "the last third");
    const std::vector<double> x = {-1, 0.5, 2, 9};
    std::vector<double> u(4);
    saved.model.value(closedform::MatrixView<const double>(x.data(), 4, 1), u.data());
    CHECK(u == std::vector<double>{3, 3.5, 3, 2});
}

TEST_CASE("a damaged part of a surrogate is named") {
    const auto doubles = [](const std::string& shape, const std::vector<double>& values) {
        return npy("<f8", shape, raw(values));
    };
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"nodes_0", doubles("(3,)", {0, NAN, 3})},
        {"nodes_0", doubles("(3,)", {0, 1, 1})},
        {"nodes_0", doubles("(3,)", {0, 5e-324, 1})},
        {"nodes_0", doubles("(3,)", {-1.7e308, 1.7e308, 1.75e308})},
        {"nodes_0", doubles("(4,)", {0, 1, 2, 3})},
        {"nodes_0", doubles("(1000000000000,)", {0, 1, 3})},
        {"nodes_0", doubles("(4611686018427387904, 4)", {0, 1, 3})},
        {"nodes_0", doubles("(99999999999999999999,)", {0, 1, 3})},
        {"nodes_0", doubles("(0,)", {})},
        {"nodes_0", npy("|O", "(1,)", "pickle")},
        {"nodes_0", npy("<i8", "(3,)", raw<std::int64_t>({0, 1, 3}))},
        {"nodes_0", npy(">f8", "(3,)", raw<double>({0, 1, 3}))},
        {"factor_0", doubles("(1, 3)", {1, 2, INFINITY})},
        {"factor_0", doubles("(3,)", {1, 2, 0})},
        {"factor_0", doubles("(2, 3)", {1, 2, 0})},
        {"patches", npy("<i8", "(1, 2)", raw<std::int64_t>({-1, 0}))},
        {"patches", npy("<i8", "(1, 2)", raw<std::int64_t>({9, 9}))},
        {"names", npy("<U1", "(1,)", raw<std::uint32_t>({0xD800}))},
        {"names", npy("<U0", "(1,)", "")},
        {"names", npy("<U99999999999", "(1,)", "")},
        {"discrete", npy("|b1", "(2,)", "ab")},
        {"held_out", doubles("(3,)", {0.5, -1, 0})},
        {"offset", doubles("()", {NAN})},
        {"outside", text("nowhere")},
    };
    CHECK(refusal(zip(small_surrogate())) == "read");
    for (const auto& [name, bytes] : cases) {
        const std::string message = refusal(with(name, bytes));
        INFO(name << ": " << message);
        CHECK((message.find("has a damaged ") == 0 ||
               message.find("is not a saved surrogate: ") == 0));
    }
    CHECK(refusal(with("format", text("something else"))) == "is not a saved surrogate");
    CHECK(refusal(with("version", npy("<i8", "()", raw<std::int64_t>({7})))).find("version 7") !=
          std::string::npos);
    std::vector<Member> twice = small_surrogate();
    twice.push_back(twice.front());
    CHECK(refusal(zip(twice)) == "has two zip members of one name");
    std::string overlapping = zip(small_surrogate());
    const std::size_t second = overlapping.find("PK\x01\x02", overlapping.find("PK\x01\x02") + 1);
    overlapping.replace(second + 42, 4, 4, '\0');  // its place: that of the first
    CHECK(refusal(overlapping) != "read");
    std::string flipped = zip(small_surrogate());
    flipped[flipped.find("nodes_0.npy") + 80] ^= 1;
    CHECK(refusal(flipped).find("checksum") != std::string::npos);
    std::string compressed = zip(small_surrogate());
    compressed[compressed.rfind("PK\x01\x02") + 10] = 8;
    CHECK(refusal(compressed).find("compressed") != std::string::npos);
}

TEST_CASE("a damaged front is an error") {
    const std::string good = R"({"format": "closedform front", "version": 1, "names": ["x"],)"
                             R"( "best": 0, "formulas": [{"text": "x + 1", "loss": null}]})";
    CHECK(closedform::read_front(good).formulas.front().tape.size() == 3);
    const auto replaced = [&](const std::string& from, const std::string& to) {
        std::string bytes = good;
        return bytes.replace(bytes.find(from), from.size(), to);
    };
    std::string sum = "x";
    for (int i = 0; i < 200000; ++i) {
        sum += "+x";
    }
    for (const std::string& bytes :
         {std::string(), std::string("[]"), std::string(100000, '['), std::string(17 << 20, ' '),
          replaced("\"best\": 0", "\"best\": 1"), replaced("\"best\": 0", "\"best\": -1"),
          replaced("\"best\": 0", "\"best\": 0.5"), replaced("1, ", "1e300, "),
          replaced("1, ", "-1, "), replaced("null", "\"low\""), replaced("null", "1e999"),
          replaced("[\"x\"]", "\"x\""), replaced("x + 1", "y"), replaced("x + 1", sum),
          replaced("x + 1", std::string(100000, '-') + "x"),
          replaced("x + 1", std::string(100000, '(')), replaced("\"formulas\"", "\"f\""),
          replaced("x\"]", "\xff\"]")}) {
        INFO(bytes.substr(0, 100));
        CHECK_THROWS_AS(closedform::read_front(bytes), FileError);
    }
}

TEST_CASE("no change of a few bytes crashes a reader") {
    closedform::Random random(20260101, 0);
    const auto below = [&](std::size_t n) {
        return static_cast<std::size_t>(random.uniform() * static_cast<double>(n));
    };
    int read = 0;
    int refused = 0;
    const auto mutate = [&](std::string& bytes) {
        for (std::size_t change = 1 + below(4); change-- > 0 && !bytes.empty();) {
            const std::size_t at = below(bytes.size());
            switch (below(5)) {
                case 0:
                    bytes[at] = static_cast<char>(below(256));
                    break;
                case 1:
                    bytes[at] = "\x00\xff\x7f\x80"[below(4)];
                    break;
                case 2:
                    bytes.erase(at, 1 + below(16));
                    break;
                case 3:
                    bytes.insert(at, bytes.substr(below(bytes.size()), 1 + below(16)));
                    break;
                default:
                    bytes[at] = static_cast<char>(bytes[at] ^ static_cast<char>(1U << below(8)));
            }
        }
    };
    std::vector<std::string> files = {zip(small_surrogate())};
    for (const corpus::Entry& entry : corpus::all()) {
        files.push_back(closedform::read_file(entry.path));
    }
    for (const std::string& file : files) {
        for (int round = 0; round < 100; ++round) {
            std::string bytes = file;
            mutate(bytes);
            ++(survives(bytes) ? read : refused);
        }
        for (std::size_t size = 0; size < file.size(); size += 1 + file.size() / 50) {
            ++(survives(file.substr(0, size)) ? read : refused);
        }
    }
    for (int round = 0; round < 2000; ++round) {  // past the checksums
        std::vector<Member> members = small_surrogate();
        Member& member = members[below(members.size())];
        mutate(member.bytes);
        ++(survives(zip(members)) ? read : refused);
    }
    CHECK(read > 50);
    CHECK(refused > 2000);
}
