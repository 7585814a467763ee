// SPDX-License-Identifier: Apache-2.0
#include "sim/base/fitted_values.h"

#include "sim/base/dotted_path.h"

#include <fmt/core.h>

namespace tilemesh {

std::vector<FittedValue> read_fitted_values(JsonReader& owner) {
    std::vector<FittedValue> fitted;
    const auto list = owner.optional_member("fitted_from");
    if (!list) return fitted;
    if (!list->is_array()) list->reject("a list of {parameter, value, rows, meaning}");
    for (JsonReader& element : list->elements()) {
        FittedValue one;
        one.parameter = element.string("parameter");
        one.value = element.number("value", -1e18, 1e18);
        const JsonReader rows = element.member("rows");
        if (!rows.is_array()) rows.reject("a list of texts");
        for (const JsonReader& row : rows.elements()) one.rows.push_back(row.as_string());
        one.meaning = element.string("meaning");
        element.finish();
        const Json* const value = member(owner.value(), one.parameter);
        if (value == nullptr || !value->is_number())
            element.complain(fmt::format("parameter: found {}, expected the dotted path of a number in {}",
                                         printable(one.parameter), printable(owner.place())));
        fitted.push_back(std::move(one));
    }
    return fitted;
}

}  // namespace tilemesh
