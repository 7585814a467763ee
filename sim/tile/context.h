// SPDX-License-Identifier: Apache-2.0
// `tl`: what a kernel writes. A kernel is a function `void kernel(tl::Context& tl, const Arguments&)` that every
// participating PE runs; it reads like Triton. Commands are asynchronous: each returns at once with a handle on a
// tile that will exist later, and the machine works out when. Shapes and dtypes are checked as a command is issued; a
// mistake is a KernelError naming kernel, PE, command and operands.
#pragma once

#include "sim/tile/access.h"
#include "sim/tile/evaluate.h"
#include "sim/tile/repetition.h"
#include "sim/tile/tensor.h"
#include "sim/tile/tile.h"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tilemesh::tl {

enum class Direction : std::uint8_t { east, west, north, south };
std::string_view name_of(Direction direction);

/// A place in a tensor: the element at (up to three) indices; the start of a load or store.
struct Pointer {
    Tensor* tensor = nullptr;
    std::array<std::int32_t, 3> offset{};
    std::int32_t row_stride = 1;  // rows of the tensor from one row of the box to the next
};
/// A pointer to element (i, j, k), right-aligned like shapes: at(t, j, k) of a 2-D tensor is element [j, k].
inline Pointer at(Tensor& tensor, std::int64_t i = 0, std::int64_t j = 0, std::int64_t k = 0) {
    return {&tensor, {to_index(i, "index"), to_index(j, "index"), to_index(k, "index")}};
}

/// The same place for every `row_stride`-th row: a gather or a scatter. Each row costs HBM its own bursts.
inline Pointer strided(Pointer pointer, std::int64_t row_stride) {
    pointer.row_stride = static_cast<std::int32_t>(row_stride);
    return pointer;
}

/// What a kernel knows of where it runs.
struct ProgramInfo {
    std::string kernel;               // its name, for messages
    std::string pe;                   // "machine.cube0.pe3"
    int pe_id = 0;                    // global number of this PE
    std::array<int, 2> program_id{};  // axis 0: PE within its cube, axis 1: cube
    std::array<int, 2> num_programs{1, 1};
    std::array<int, 4> neighbours{-1, -1, -1, -1};  // PE to the east, west, north, south; -1: none
    ValueMode values = ValueMode::none;
    bool integers_cost = false;             // does integer work take time?
    std::vector<std::string> networks{""};  // their names; one network has none
};

/// A tile or a number where the language takes either.
class Operand {
public:
    Operand(const Tile& tile) : tile_(&tile) {}  // NOLINT: implicit on purpose, `tl.maximum(m, 0.0F)` reads naturally
    Operand(float scalar) : scalar_(scalar) {}   // NOLINT
    /// An integer, of which f32 holds no more than 24 bits.
    static Operand integer(std::int64_t number) {
        Operand operand(static_cast<float>(number));
        operand.whole_ = number;
        return operand;
    }
    const Tile* tile() const { return tile_; }
    float scalar() const { return scalar_; }
    std::int64_t whole() const { return whole_; }

private:
    const Tile* tile_ = nullptr;
    float scalar_ = 0.0F;
    std::int64_t whole_ = 0;
};

class Context {
public:
    Context(Executor& executor, ProgramInfo info) : executor_(executor), info_(std::move(info)) {}
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    int program_id(int axis) const;
    int num_programs(int axis) const;
    const ProgramInfo& info() const { return info_; }
    /// What follows belongs to a phase, until it ends; see PhaseScope.
    void begin_phase(std::span<const Phase> path) { executor_.begin_phase(path); }
    void end_phase() { executor_.end_phase(); }
    bool follows_phases() const { return executor_.follows_phases(); }
    /// Null: everything is to be issued.
    Repetition* repetition() { return executor_.repetition(); }
    /// Integer work of the command processor: so many instructions.
    void spend(std::uint64_t instructions) { executor_.spend(instructions); }
    /// Where in a source the commands that follow come from, for messages; null: nowhere.
    void set_place(const SourcePlace* place) { place_ = place; }
    SourcePlace place() const { return place_ ? *place_ : SourcePlace(); }
    std::uint64_t commands_issued() const { return next_command_; }

    /// HBM -> SRAM. The box of `shape` at `from`; dtype is the tensor's. `network`, here and below: the number of
    /// that over which it goes if it leaves the PE, request and data of a load both.
    Tile load(Pointer from, Shape shape, int network = any_network);
    /// The same, with the dtype stated and checked.
    Tile load(Pointer from, Shape shape, Dtype dtype);
    /// Whatever else memory holds, as a tile of `shape`. `always`: its values are computed in every run.
    Tile load(Ref<Access> from, Shape shape, Dtype dtype, bool always = false, int network = any_network);
    /// SRAM -> HBM. Dtype and element count must match; the tile's shape is the box.
    void store(Pointer to, const Tile& tile, int network = any_network);
    void store(Ref<Access> to, const Tile& tile, int network = any_network);

    /// [b, m, k] x [b, k, n] (+ acc [b, m, n] f32) -> f32 [b, m, n]; leading dimension optional; b of the second may
    /// be 1.
    Tile dot(const Tile& a, const Tile& b);
    Tile dot(const Tile& a, const Tile& b, const Tile& acc);

    // Views: no command, no time, no copy.
    Tile trans(const Tile& tile);                 // swaps the last two dimensions
    Tile reshape(const Tile& tile, Shape shape);  // same elements in the same order
    Tile slice(const Tile& tile, int axis, std::int64_t begin, std::int64_t end);
    Tile permute(const Tile& tile, std::span<const int> axes);  // dimension i is the tile's dimension axes[i]
    Tile broadcast_to(const Tile& tile, Shape shape);           // dimensions of 1 repeated

    // Reductions keep the reduced dimension as 1, so that the result broadcasts back.
    Tile reduce(Opcode op, const Tile& tile, int axis, Dtype dtype);
    Tile max(const Tile& tile, int axis = -1);
    Tile sum(const Tile& tile, int axis = -1);
    Tile softmax(const Tile& tile, int axis = -1);  // last axis only; a row of -inf becomes zeros

    /// Any command of the vector engine that works element by element, with the dtype of its result.
    Tile elementwise(Opcode op, std::span<const Operand> operands, Dtype dtype);

    Tile exp(const Tile& tile);
    Tile exp2(const Tile& tile);
    Tile log(const Tile& tile);
    Tile tanh(const Tile& tile);
    Tile cast(const Tile& tile, Dtype dtype);

    Tile add(Operand a, Operand b);
    Tile subtract(Operand a, Operand b);
    Tile multiply(Operand a, Operand b);
    Tile divide(Operand a, Operand b);
    Tile maximum(Operand a, Operand b);
    Tile minimum(Operand a, Operand b);
    // The product is rounded to f32 before the sum: fms(x, y, z) is 0 where z is what x * y gives. (Fused, it would
    // be the rounding error of that product: at a score of 1e9 an exponent of 32 instead of 0.)
    Tile fma(Operand a, Operand b, Operand c);  // a * b + c
    Tile fms(Operand a, Operand b, Operand c);  // a * b - c
    /// mask ? a : b. The mask is a tile of dtype mask.
    Tile where(const Tile& mask, Operand a, Operand b);
    /// An element mask computed from indices, row by row, at `operations` vector operations per element.
    Tile compare(Shape shape, MaskRow visible, int operations = 1);
    /// The same by element: predicate(batch, row, col).
    template <class Predicate>
    requires std::is_invocable_r_v<bool, Predicate, std::int32_t, std::int32_t, std::int32_t> Tile
    compare(Shape shape, Predicate predicate, int operations = 1) {
        const auto by_row = [predicate](std::int32_t batch, std::int32_t row, std::span<float> visible) {
            for (std::size_t i = 0; i < visible.size(); ++i) {
                visible[i] = predicate(batch, row, static_cast<std::int32_t>(i)) ? 1.0F : 0.0F;
            }
        };
        return compare(shape, MaskRow(by_row), operations);
    }

    Tile zeros(Shape shape, Dtype dtype = Dtype::f32) { return full(shape, 0.0F, dtype); }
    Tile full(Shape shape, float value, Dtype dtype = Dtype::f32);
    Tile arange(std::int64_t begin, std::int64_t end);  // i32 [end - begin]
    /// Made of the index: element i (flat, row-major) is generator(i), at `operations` vector operations per element.
    Tile fill(Shape shape, Dtype dtype, std::function<float(std::int32_t)> generator, int operations = 1);
    /// The same with integers, exactly.
    Tile fill_integers(Shape shape, Dtype dtype, std::function<std::int64_t(std::int32_t)> numbers);
    /// The rows of a tile of rank 3 `times` times: [b, r, c] becomes [b, r * times, c]. One after the other begins
    /// again at the first (row i is row i % r), or each stays (row i is row i / times).
    enum class Repeat : std::uint8_t { all_rows, each_row };
    Tile repeat(const Tile& tile, std::int64_t times, Repeat what);

    /// Asynchronous: returns when the command is queued. The tile is read from SRAM until it has left.
    void send(int pe, const Tile& tile, int network = any_network);
    void send(Direction direction, const Tile& tile, int network = any_network);
    /// The same tile to several PEs, each of which receives it as it would a send. Where routers copy, one message
    /// goes out over each link of this PE that leads to some of them; elsewhere it is a send to each, in this order.
    void multicast(std::span<const std::int32_t> pes, const Tile& tile, int network = any_network);
    /// The next message of that source, in the order of its sends whichever networks they took; its shape and dtype
    /// must be these.
    Tile recv(int pe, Shape shape, Dtype dtype);
    Tile recv(Direction direction, Shape shape, Dtype dtype);

    /// The kernel stands still until the tile is ready (a blocking call of other tile languages).
    void wait(const Tile& tile);
    void barrier();
    /// The kernel stands still until all commands it has issued are done.
    void drain();
    /// What follows is a launch of its own, as on machines that are driven from outside: it begins when the engines
    /// have done what came before, and costs what the machine says (nothing by default). Messages go on meanwhile.
    void launch(const LaunchedWork& work);

private:
    Tile elementwise(Opcode op, std::initializer_list<Operand> operands);
    Tile reduce(Opcode op, const Tile& tile, int axis);
    /// Issues the command and wraps its output. `computed`: whether the run computes any of its values.
    Tile finish(Command& command, const Shape& shape, Dtype dtype, bool computed);
    void issue_message(Opcode op, std::span<const std::int32_t> pes, const Tile& tile, int network);
    int neighbour(Direction direction, std::string_view what);
    Command begin(Opcode op, Dtype dtype);
    bool has_network(int network) const {
        return network == any_network || (network >= 0 && network < static_cast<int>(info_.networks.size()));
    }
    void set_network(Command& command, int network);
    bool computes_values() const { return info_.values != ValueMode::none; }
    bool computes(const Tile& tile) const { return computes_values() && tile && tile.record().computed; }
    ValueStep& new_step(Command& command, const Shape& shape, Dtype dtype);
    void add_operand(Command& command, const Tile& tile);
    void check_box(Opcode op, const TensorBox& box);
    [[noreturn]] void refuse(Opcode op, std::string_view text) const;
    /// The same for what is no command: views and wait.
    [[noreturn]] void refuse_here(std::string_view what, std::string_view text) const;

    Executor& executor_;
    ProgramInfo info_;
    const SourcePlace* place_ = nullptr;
    std::uint64_t next_command_ = 0;
};

/// What follows belongs to a phase (Executor::begin_phase), as long as this lives.
class PhaseScope {
public:
    PhaseScope(Context& tl, std::span<const Phase> path) : tl_(tl) { tl_.begin_phase(path); }
    PhaseScope(const PhaseScope&) = delete;
    PhaseScope& operator=(const PhaseScope&) = delete;
    ~PhaseScope() { tl_.end_phase(); }

private:
    Context& tl_;
};

}  // namespace tilemesh::tl

namespace tilemesh {
inline Tile operator+(const Tile& a, const Tile& b) { return a.context().add(a, b); }
inline Tile operator-(const Tile& a, const Tile& b) { return a.context().subtract(a, b); }
inline Tile operator*(const Tile& a, const Tile& b) { return a.context().multiply(a, b); }
inline Tile operator/(const Tile& a, const Tile& b) { return a.context().divide(a, b); }
inline Tile operator+(const Tile& a, float b) { return a.context().add(a, b); }
inline Tile operator-(const Tile& a, float b) { return a.context().subtract(a, b); }
inline Tile operator*(const Tile& a, float b) { return a.context().multiply(a, b); }
inline Tile operator/(const Tile& a, float b) { return a.context().divide(a, b); }
}  // namespace tilemesh
