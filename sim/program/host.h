// SPDX-License-Identifier: Apache-2.0
// What operations have in common: the commands of the PE, complaints with their place, and how values become what a
// command or a table of numbers needs.
#pragma once

#include "sim/base/error.h"
#include "sim/program/array_access.h"
#include "sim/program/index_tile.h"
#include "sim/program/mask.h"
#include "sim/program/operations.h"
#include "sim/program/value.h"
#include "sim/tile/context.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tilemesh::program {

/// One run of a kernel: which, of how many, and where the others are.
struct Instance {
    std::array<std::int64_t, 3> id{}, count{1, 1, 1};
    const std::vector<int>* pe_of_rank = nullptr;  // PE of each instance, when there is one per PE; else null
    /// The PEs to the east, west, north and south when those are not the machine's own; -1: none.
    std::optional<std::array<int, 4>> neighbours;
    std::uint64_t most_instructions = 1'000'000'000;
    std::function<void()> barrier;  // until every instance is there; empty: the machine's, to which all come
};

class Host {
public:
    Host(tl::Context& the_tl, const Instance& the_instance) : tl(the_tl), instance(the_instance) {}

    tl::Context& tl;
    const Instance& instance;

    /// KernelError; the interpreter adds where.
    template <class... Args>
    [[noreturn]] static void complain(fmt::format_string<Args...> format, Args&&... args) {
        throw KernelError(fmt::format(format, std::forward<Args>(args)...));
    }

    /// Integers that have been loaded, once they have arrived; anything else as it is.
    Value known(const Value& value);
    /// An integer that is known at once, or a complaint that calls it `what`.
    std::int64_t integer(const Value& value, std::string_view what);
    /// The same, and a boolean.
    bool truth(const Value& value, std::string_view what);
    std::vector<std::int64_t> integers(const Value& tuple, std::string_view what);
    /// A tuple of at most three dimensions, or a number for one.
    Shape shape(const Value& tuple);
    Type type(const Value& dtype);
    std::string text(const Value& value, std::string_view what);
    /// One of these words, or none of them ("" for none), or a complaint.
    std::string word(const Value& value, std::string_view what, std::initializer_list<std::string_view> words);
    /// The number of a network, of its number or name.
    int network(const Value& value);

    /// Integers and booleans as index tiles (scalars have no dimensions).
    Ref<IndexTile> index(const Value& value);
    Ref<Mask> mask(const Value& value, std::string_view what);
    /// An index tile as a value: a scalar when it has no dimensions.
    static Value of(Ref<IndexTile> index);
    static Value of(Ref<Mask> mask);

    /// The value as a tile of this type, at the cost of what makes it one; scalars as tiles without dimensions.
    Tile tile(const Value& value, Type type);
    /// The same, of the value's own tile if it is of this type, else of what `made` takes.
    const Tile& tile(const Value& value, Type type, Tile& made);
    /// A tile of commands, or a scalar's number rounded to the type.
    struct Argument {
        const Tile* given = nullptr;  // the value's own, which is not counted once more
        Tile made = {};
        float scalar = 0;
        std::optional<std::int64_t> whole = {};  // the scalar of an integer type
        operator tl::Operand() const {           // NOLINT: what takes operands takes these
            if (given || made) return tl::Operand(given ? *given : made);
            return whole ? tl::Operand::integer(*whole) : tl::Operand(scalar);
        }
    };
    /// `value` must outlive it.
    Argument argument(const Value& value, Type type);
    Argument argument(Value&& value, Type type) = delete;
    /// One command, element by element.
    Tile vector(Opcode op, std::initializer_list<tl::Operand> operands, Type type) {
        return tl.elementwise(op, std::span(operands.begin(), operands.size()), dtype_of(type));
    }
};

/// Is it, or will it be, a tile of the machine?
inline bool is_tile(const Value& value) { return value.kind() == Kind::tile; }
/// Integers or booleans known at once, or loaded.
bool is_integral(const Value& value);
bool is_number(const Value& value);
/// The type of its elements; `constant` for constants.
Type element_type(const Value& value);
/// The same; of constants the type that they have before they meet anything typed.
Type own_type(const Value& value);

// Groups of operations; each in a file of its name.
Value scalar_binary(Op op, const Value& a, const Value& b);
Value scalar_unary(Op op, const Value& a);
Value binary(Host& host, Op op, const Value& a, const Value& b);
Value unary(Host& host, Op op, const Value& a);
Value where(Host& host, const Value& condition, const Value& x, const Value& y);
Value fma(Host& host, const Value& x, const Value& y, const Value& z);
Value clamp(Host& host, const Value& x, const Value& low, const Value& high);
Value cast(Host& host, const Value& x, Type type);
Value bitcast(Host& host, const Value& x, Type type);
/// The same pointers, to elements of another type.
Value as_pointer(Host& host, const Value& x, Type type);

Value fill(Host& host, const Value& shape, const Value& value, const Value& dtype);
Value zeros_like(Host& host, const Value& x);
Value dot(Host& host, std::span<const Value* const> a);
Value reduction(Host& host, Op op, std::span<const Value* const> a);
Value softmax(Host& host, const Value& x, const Value& axis);

Value expand_dims(Host& host, const Value& x, const Value& axis);
Value broadcast_to(Host& host, const Value& x, const Value& shape);
Value broadcast_both(Host& host, const Value& a, const Value& b);
Value permute(Host& host, const Value& x, const Value& dims);
Value reshape(Host& host, const Value& x, const Value& shape);
Value join(Host& host, const Value& a, const Value& b);
Value split(Host& host, const Value& x);
Value cat(Host& host, const Value& a, const Value& b);

Value load(Host& host, std::span<const Value* const> a);
void store(Host& host, std::span<const Value* const> a);
/// Complains about words that say no order of atomic operations.
void check_order(Host& host, const Value& sem, const Value& scope);
void store(Host& host, const Value& to, const Value& value, const Value& mask, const Value& boundary, Merge merge,
           int network = any_network);
Merge merge_of(Op op);
Value atomic(Host& host, Op op, const Value& to, const Value* expected, const Value& value, const Value& mask);
Value make_block(Host& host, std::span<const Value* const> a, Kind kind);
Value advance(Host& host, const Value& block, const Value& offsets);
Value descriptor_load(Host& host, const Value& descriptor, const Value& offsets, const Value& network);
void descriptor_store(Host& host, const Value& descriptor, const Value& offsets, const Value& value,
                      const Value& network);
Value add_to_pointer(Host& host, const Value& pointer, const Value& offset, std::int64_t sign);
void multicast(Host& host, const Value& tile, const Value& to, const Value& network);
void send(Host& host, const Value& direction, const Value& tile, const Value& to, const Value& network);
Value receive(Host& host, const Value& direction, const Value& shape, const Value& dtype, const Value& source);

/// The dimensions of the block of a block pointer or a descriptor if they are more than three, else null.
const std::vector<std::int64_t>* many_dimensions_of_block(const Value& x);
/// The elements of a value of one dimension in these, however many they are.
Value in_dimensions(Host& host, const Value& flat, const std::vector<std::int64_t>& dims);
/// Operations on more than three dimensions are made of those on one to three, which `evaluate` does.
using Evaluate = std::function<Value(Op, std::span<const Value* const>)>;
bool makes_many_dimensions(Op op, std::span<const Value* const> a);
inline bool has_many_dimensions(Op op, std::span<const Value* const> a) {
    bool many = false;
    for (const Value* x : a) many = many || x->kind() == Kind::many;
    switch (op) {
        case Op::reshape:
        case Op::broadcast_to:
        case Op::zeros:
        case Op::full:
        case Op::expand_dims:
        case Op::join:
        case Op::store:
        case Op::descriptor_store:
            return many || makes_many_dimensions(op, a);
        case Op::copy:
        case Op::tuple:
        case Op::is:
        case Op::item:
        case Op::decides_and:
        case Op::decides_or:
            return false;
        default:
            return many;
    }
}
Value of_many_dimensions(Host& host, Op op, std::span<const Value* const> a, const Evaluate& evaluate);

Value item(Host& host, const Value& tuple, const Value& i);
Value attribute(Host& host, const Value& x, const Value& name);
Value method(Host& host, const Value& x, const Value& name);
bool is_a(Host& host, const Value& x, const Value& what);
/// Python's == of two objects, true or false, and its `is`.
bool equal(Host& host, const Value& a, const Value& b);
bool same(const Value& a, const Value& b);

}  // namespace tilemesh::program
