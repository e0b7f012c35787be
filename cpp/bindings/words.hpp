#pragma once
// Names of the inputs as Python has them: a sequence of texts, which may bring what else formulas
// of these are written in (closedform.tables.words.Names).

#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <vector>

#include "closedform/expression/vocabulary.hpp"

namespace closedform {

struct Words {
    std::vector<std::string> names;
    std::shared_ptr<const Vocabulary> vocabulary;
};

}  // namespace closedform

namespace pybind11::detail {

template <>
struct type_caster<closedform::Words> {
    PYBIND11_TYPE_CASTER(closedform::Words, const_name("collections.abc.Sequence[str]"));

    bool load(handle source, bool convert) {
        make_caster<std::vector<std::string>> names;
        if (!names.load(source, convert)) {
            return false;
        }
        value.names = cast_op<std::vector<std::string>&&>(std::move(names));
        const object own = getattr(source, "vocabulary", none());
        if (!own.is_none()) {
            value.vocabulary = own.cast<std::shared_ptr<closedform::Vocabulary>>();
        }
        return true;
    }
};

}  // namespace pybind11::detail
