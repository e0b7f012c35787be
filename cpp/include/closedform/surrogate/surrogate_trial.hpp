#pragma once
// One of the many small fits by which the sizes of a surrogate are chosen, as it is told and as it
// answers: so that whoever has workers can let them do it.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "closedform/surrogate/tensor_surrogate.hpp"

namespace closedform {

/// How a chain of ever larger models starts.
enum class SurrogateStart {
    plain,     ///< offset 0: a single mode is a product
    centred,   ///< offset = mean of y
    additive,  ///< offset = mean, one mode per input that varies with that input only
};

struct SurrogateSize {
    SurrogateStart start = SurrogateStart::plain;
    std::size_t segments = 0;
    double smoothing = 0;
};

/// A fit of one size to the rows that one fold trains on.
struct SurrogateTrial {
    enum class Step {
        begin,   ///< the fewest modes
        grow,    ///< one mode more
        move,    ///< the same modes on the grid of another number of segments
        finish,  ///< to the end, and to all rows
    };
    Step step = Step::begin;
    SurrogateSize size;
    std::size_t fold = 0;
    std::uint64_t seed = 0;  ///< of the mode that is new
    TensorSurrogate model;   ///< that it goes on from; not to begin
};

struct FittedTrial {
    TensorSurrogate model;
    double training = 0;             ///< root mean square error on the rows fitted
    double squares = 0, weight = 0;  ///< sums over the rows that the fold holds out
};

/// What others answer within so many seconds, one for each trial or nothing for what is late; fewer
/// where they give no answer.
using TrialsElsewhere = std::function<std::vector<std::optional<FittedTrial>>(
    std::span<const SurrogateTrial> trials, double seconds)>;

}  // namespace closedform
