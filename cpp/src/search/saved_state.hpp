#pragma once
// The state of a search as bytes, for one that goes on later on the same kind of machine: plain
// numbers one after another, read back in the order they were written.

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "closedform/expression/expression.hpp"
#include "closedform/search/candidate.hpp"

namespace closedform {

template <class T>
concept Plain = std::is_trivially_copyable_v<T>;

class StateWriter {
  public:
    template <Plain T>
    void put(const T& value) {
        const auto at = bytes_.size();
        bytes_.resize(at + sizeof(T));
        std::memcpy(bytes_.data() + at, &value, sizeof(T));
    }
    void put(const Candidate& candidate) {
        put(candidate.tape);
        put(candidate.loss);
        put(candidate.skeleton);
        put(candidate.sample_loss);
    }
    template <class T>
    void put(const std::vector<T>& values) {
        put(values.size());
        for (const T& value : values) {
            put(value);
        }
    }
    void put(const std::unordered_map<std::uint64_t, std::uint32_t>& counts) {
        put(counts.size());
        for (const auto& [key, count] : counts) {
            put(key);
            put(count);
        }
    }

    const std::string& bytes() const { return bytes_; }

  private:
    std::string bytes_;
};

/// Throws std::invalid_argument where there are fewer bytes than are asked for, and where they are
/// no expressions of so many inputs, so many to a tape: who wrote them is not known.
class StateReader {
  public:
    StateReader(std::string_view bytes, std::size_t inputs, std::size_t parts)
        : left_(bytes), inputs_(inputs), parts_(parts) {}

    template <Plain T>
    void get(T& value) {
        if (left_.size() < sizeof(T)) {
            refuse();
        }
        left_.copy(reinterpret_cast<char*>(&value), sizeof(T));
        left_.remove_prefix(sizeof(T));
    }
    void get(Candidate& candidate) {
        get(candidate.tape);
        get(candidate.loss);
        get(candidate.skeleton);
        get(candidate.sample_loss);
    }
    void get(Tape& tape) {
        tape.assign(count(), {});
        std::vector<std::size_t> sizes;  // of the subtrees that wait for their operator
        for (Node& node : tape) {
            get(node);
            const auto op = static_cast<int>(node.op);
            if (op < 0 || op >= all_op_count || tape.size() > max_tape_size) {
                refuse();
            }
            const bool input = node.op == Op::variable;
            const bool there =
                node.variable >= 0 && static_cast<std::size_t>(node.variable) < inputs_;
            const auto operands = static_cast<std::size_t>(arity(node.op));
            if ((input && !there) || operands > sizes.size()) {
                refuse();
            }
            std::size_t size = 1;
            for (std::size_t operand = 0; operand < operands; ++operand) {
                size += sizes.back();
                sizes.pop_back();
            }
            node.size = static_cast<std::uint16_t>(size);
            sizes.push_back(size);
        }
        if (!tape.empty() && sizes.size() != parts_) {
            refuse();
        }
    }
    template <class T>
    void get(std::vector<T>& values) {
        values.assign(count(), {});
        for (T& value : values) {
            get(value);
        }
    }
    void get(std::unordered_map<std::uint64_t, std::uint32_t>& counts) {
        counts.clear();
        for (std::size_t left = count(); left > 0; --left) {
            std::uint64_t key = 0;
            get(key);
            get(counts[key]);
        }
    }

    [[noreturn]] static void refuse() {
        throw std::invalid_argument("resume: the saved state is broken; remove the file");
    }

  private:
    std::size_t count() {
        std::size_t count = 0;
        get(count);
        if (count > left_.size()) {
            refuse();
        }
        return count;
    }

    std::string_view left_;
    std::size_t inputs_;
    std::size_t parts_;
};

}  // namespace closedform
