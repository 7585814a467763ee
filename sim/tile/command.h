// SPDX-License-Identifier: Apache-2.0
// One instruction of the tile language as the machine sees it: which engine class runs it, how much work it is, which
// tiles it reads and the one it makes. Values, when they are computed at all, hang off it as a ValueStep.
#pragma once

#include "sim/base/dtype.h"
#include "sim/base/units.h"
#include "sim/tile/access.h"
#include "sim/tile/shape.h"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tilemesh {

/// Of a transfer that leaves it to the machine over which of its networks it goes.
constexpr int any_network = -1;

struct TileRecord;
class Tensor;
struct ValueStep;

/// Every command of the language. The order is the order of the cost table in the machine's configuration.
enum class Opcode : std::uint8_t {
    // matrix engine
    dot,
    // vector engine, one result element per operand element
    add,
    subtract,
    multiply,
    divide,
    maximum,
    minimum,
    fma,
    fms,
    exp,
    exp2,
    log,
    tanh,
    where,
    compare,
    cast,
    fill,
    repeat,
    log2,
    sqrt,
    rsqrt,
    sin,
    cos,
    erf,
    abs,
    floor,
    ceil,
    truncate,  // towards 0, as a conversion to integers does
    power,
    remainder,  // of a truncated division
    less,
    less_equal,
    equal,
    not_equal,
    both,
    either,
    exclusive,
    shift_left,
    shift_right,
    bits,  // the same bits as another type
    // vector engine, reductions along an axis
    reduce_max,
    reduce_sum,
    softmax,
    reduce_min,
    argmax,
    argmin,
    cumsum,
    // movers
    load,
    store,
    send,
    multicast,  // one message to several PEs, which routers copy
    receive,
};
constexpr int opcode_count = static_cast<int>(Opcode::receive) + 1;
std::string_view name_of(Opcode op);

/// Which kind of engine executes a command.
enum class EngineKind : std::uint8_t { matrix, vector, dma_load, dma_store, send, receive };
constexpr EngineKind engine_of(Opcode op) {
    switch (op) {
        case Opcode::dot:
            return EngineKind::matrix;
        case Opcode::load:
            return EngineKind::dma_load;
        case Opcode::store:
            return EngineKind::dma_store;
        case Opcode::send:
        case Opcode::multicast:
            return EngineKind::send;
        case Opcode::receive:
            return EngineKind::receive;
        default:
            return EngineKind::vector;
    }
}

constexpr bool is_send(Opcode op) { return engine_of(op) == EngineKind::send; }
/// Is there a tile that it makes?
constexpr bool makes_tile(Opcode op) { return op != Opcode::store && !is_send(op); }

/// A box of a tensor in HBM: what a load reads or a store writes. Its rows lie `row_stride` rows of the tensor apart.
struct TensorBox {
    Tensor* tensor = nullptr;
    std::array<std::int32_t, 3> offset{};
    Shape shape;
    std::int32_t row_stride = 1;

    /// Rows of the tensor from the box's first to behind its last.
    std::int32_t row_extent() const { return (shape.rows() - 1) * row_stride + 1; }
};

/// Where in a source a command comes from; no file: nowhere.
struct SourcePlace {
    const std::string* file = nullptr;  // outlives the simulation
    std::int32_t line = 0, column = 0;  // 0: not known

    /// "file.py:12:5: ", or nothing: what messages begin with.
    std::string text() const;
};

/// What a load, a store or a message moves, and where to.
struct Movement {
    TensorBox box;             // load, store, of a tensor
    Ref<Access> access;        // load, store, of anything else
    std::uint64_t behind = 0;  // load, store: 1 + index of the transfer of the same bytes it waited for; 0: none
    Shape message;             // send, multicast, receive: shape of the tile
    /// Of a multicast: PEs, at least two, all reached over one link of this one.
    std::vector<std::int32_t> receivers;
};

/// Two lines of a cache: most of a machine's commands wait in queues.
struct Command {
    Opcode op = Opcode::dot;
    Dtype dtype = Dtype::f32;  // of the operands that set the speed (dot) or of the data moved
    std::uint8_t operand_count = 0;
    std::uint8_t processor = 0;  // of its PE, that issued it
    std::int32_t peer = -1;      // send, receive: the other PE; multicast: the first of `receivers`
    std::uint64_t index = 0;     // position in the PE's program
    Picoseconds issued;          // when it came into its engine's queue
    SourcePlace place;
    std::array<TileRecord*, 4> operands{};
    TileRecord* output = nullptr;
    std::int32_t batch = 1, m = 1, n = 1, k = 1;  // dot
    // dot: bytes of an element of each operand where they differ from dtype's; 0: they do not
    std::uint8_t left_bytes = 0, right_bytes = 0;
    std::int8_t network = any_network;  // load, store, send, multicast: what its bytes go over
    std::int64_t elements = 0;          // vector: elements processed
    std::unique_ptr<Movement> moved;    // load, store, send, multicast, receive; null: another command
    std::unique_ptr<ValueStep> values;  // null when values are not computed; complete type in evaluate.h
};
static_assert(sizeof(Command) == 128);

/// The PEs that a send or a multicast goes to.
inline std::span<const std::int32_t> receivers_of(const Command& command) {
    if (!command.moved->receivers.empty()) return command.moved->receivers;
    return {&command.peer, 1};
}

/// What tells a command apart from all others of its PE.
constexpr std::uint64_t event_of(const Command& command) { return command.index << 8U | command.processor; }

}  // namespace tilemesh
