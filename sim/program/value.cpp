// SPDX-License-Identifier: Apache-2.0
#include "sim/program/value.h"

#include "sim/base/error.h"
#include "sim/base/names.h"
#include "sim/program/array.h"
#include "sim/program/mask.h"

namespace tilemesh::program {

std::string describe(const Value& value) {
    switch (value.kind()) {
        case Kind::unset:
            return "a variable without a value";
        case Kind::none:
            return "None";
        case Kind::integer:
            return value.is_constant() ? fmt::format("the constant {}", value.as_integer())
                                       : fmt::format("{} of {}", value.as_integer(), name_of(value.type()));
        case Kind::floating:
            return value.is_constant() ? fmt::format("the constant {}", value.as_floating())
                                       : fmt::format("{} of {}", value.as_floating(), name_of(value.type()));
        case Kind::text:
            return fmt::format("the text \"{}\"", printable(value.as<Text>().text, 40));
        case Kind::dtype:
            return fmt::format("the dtype {}", name_of(value.type()));
        case Kind::function:
            return "a function";
        case Kind::tuple:
            return fmt::format("a tuple of {}", value.as<Tuple>().items.size());
        case Kind::index:
            return fmt::format("integers {} of {}", shape_of(value).text(), name_of(value.type()));
        case Kind::mask:
            return fmt::format("a mask {}", shape_of(value).text());
        case Kind::loaded:
        case Kind::tile:
            return fmt::format("a tile {} of {}", shape_of(value).text(), name_of(value.type()));
        case Kind::many:
            return fmt::format("{} in {} dimensions", describe(value.as<ManyDimensions>().flat),
                               value.as<ManyDimensions>().dims.size());
        case Kind::pointer:
            return fmt::format("a pointer into {}", value.as<Array>().name());
        case Kind::pointers:
            return fmt::format("pointers {} into {}", shape_of(value).text(),
                               static_cast<Array&>(*value.as<IndexTile>().array).name());
        case Kind::block:
            return "a block pointer";
        case Kind::descriptor:
            return "a tensor descriptor";
    }
    return {};
}

bool has_shape(const Value& value) {
    switch (value.kind()) {
        case Kind::integer:
        case Kind::floating:
        case Kind::index:
        case Kind::mask:
        case Kind::loaded:
        case Kind::tile:
        case Kind::pointer:
        case Kind::pointers:
            return true;
        default:
            return false;
    }
}

Shape shape_of(const Value& value) {
    switch (value.kind()) {
        case Kind::index:
        case Kind::pointers:
            return value.as<IndexTile>().shape;
        case Kind::mask:
            return value.as<Mask>().shape;
        case Kind::loaded:
        case Kind::tile:
            return tile_of(value).shape();
        default:
            return Shape();
    }
}

}  // namespace tilemesh::program
