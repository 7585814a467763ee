// SPDX-License-Identifier: Apache-2.0
// What a variable of a program holds. Small values are held as they are, the others are counted objects that nothing
// changes once they are shared.
#pragma once

#include "sim/base/counted.h"
#include "sim/program/scalar.h"
#include "sim/tile/tile.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tilemesh::program {

using Object = Counted;

enum class Kind : std::uint8_t {
    unset,
    none,
    integer,
    floating,
    text,
    dtype,
    function,
    tuple,
    index,     // a tile of integers known at once
    mask,      // a tile of booleans known at once
    loaded,    // integers on their way from memory: known when they have arrived
    tile,      // what commands make
    many,      // any of those four, or pointers, with more than three dimensions
    pointer,   // to one element
    pointers,  // a tile of them
    block,     // a block pointer
    descriptor,
};

class Value {
public:
    Value() = default;  // unset
    static Value none() { return Value(Kind::none, Type::constant); }
    static Value integer(std::int64_t value, Type type = Type::constant) {
        Value v(Kind::integer, type);
        v.integer_ = value;
        return v;
    }
    static Value floating(double value, Type type = Type::constant) {
        Value v(Kind::floating, type);
        v.floating_ = value;
        return v;
    }
    static Value boolean(bool value) { return integer(value ? 1 : 0); }
    static Value dtype(Type type) { return Value(Kind::dtype, type); }
    static Value function(std::int64_t number) {
        Value v(Kind::function, Type::constant);
        v.integer_ = number;
        return v;
    }
    template <class T>
    static Value object(Kind kind, Type type, Ref<T> object, std::int64_t number = 0) {
        Value v(kind, type);
        v.object_ = std::move(object);
        v.integer_ = number;
        return v;
    }

    Kind kind() const { return kind_; }
    Type type() const { return type_; }
    bool is_none() const { return kind_ == Kind::none; }
    bool is_scalar() const { return kind_ == Kind::integer || kind_ == Kind::floating; }
    bool is_constant() const { return is_scalar() && type_ == Type::constant; }

    std::int64_t as_integer() const { return integer_; }
    float as_float() const {
        return kind_ == Kind::floating ? static_cast<float>(floating_) : float_of(type_, integer_);
    }
    double as_floating() const { return kind_ == Kind::floating ? floating_ : number_of(type_, integer_); }
    /// Of a scalar.
    bool is_true() const { return kind_ == Kind::floating ? floating_ != 0.0 : integer_ != 0; }
    /// The object of a kind that has one.
    template <class T>
    T& as() const {
        return static_cast<T&>(*object_);
    }
    template <class T>
    Ref<T> ref() const {
        return Ref<T>(static_cast<T*>(object_.get()));
    }

private:
    Value(Kind kind, Type type) : kind_(kind), type_(type) {}

    Kind kind_ = Kind::unset;
    Type type_ = Type::constant;
    union {
        std::int64_t integer_ = 0;
        double floating_;
    };
    Ref<Object> object_;
};

struct Text : Object {
    explicit Text(std::string the_text) : text(std::move(the_text)) {}
    std::string text;
};

struct Tuple : Object {
    explicit Tuple(std::vector<Value> the_items) : items(std::move(the_items)) {}
    std::vector<Value> items;
};

/// A tile of the machine, with the shape that the program sees (the tile's own view has it).
struct TileObject : Object {
    explicit TileObject(Tile the_tile) : tile(std::move(the_tile)) {}
    Tile tile;
};

inline Value text_value(std::string text) {
    return Value::object(Kind::text, Type::constant, make<Text>(std::move(text)));
}
inline Value tuple_value(std::vector<Value> items) {
    return Value::object(Kind::tuple, Type::constant, make<Tuple>(std::move(items)));
}
inline Value tile_value(Tile tile, Type type) {
    return Value::object(Kind::tile, type, make<TileObject>(std::move(tile)));
}
inline const Tile& tile_of(const Value& value) { return value.as<TileObject>().tile; }

/// Elements in more dimensions than tiles of the machine have: row by row in a value of one dimension.
struct ManyDimensions : Object {
    ManyDimensions(std::vector<std::int64_t> the_dims, Value the_flat)
        : dims(std::move(the_dims)), flat(std::move(the_flat)) {}
    std::vector<std::int64_t> dims;
    Value flat;
};

/// "an f16 tile [64, 128]", "the constant 3", for messages.
std::string describe(const Value& value);
/// The shape of whatever has one; a scalar's and a pointer's has no dimensions.
Shape shape_of(const Value& value);
bool has_shape(const Value& value);

}  // namespace tilemesh::program
