// SPDX-License-Identifier: Apache-2.0
// Is what `list commands` says of programs what they do: does each operation become the command that it is said to?
#include "sim/program/commands_of.h"
#include "tests/interpreter/program_text.h"

#include <catch2/catch.hpp>

#include <deque>

namespace tilemesh::test {
namespace {

using program::Op;
using program::Type;

/// Executes nothing; remembers what was issued.
class Recorder final : public Executor {
public:
    std::vector<Opcode> issued;

    TileRecord* issue(Command& command, const Shape& shape, Dtype dtype) override {
        issued.push_back(command.op);
        if (!makes_tile(command.op)) return nullptr;
        TileRecord& record = records_.emplace_back();
        record.handles = 1;
        record.shape = shape;
        record.dtype = dtype;
        record.owner = this;
        return &record;
    }
    void unreferenced(TileRecord&) override {}
    void wait_until_ready(TileRecord&) override {}
    void barrier() override {}

private:
    std::deque<TileRecord> records_;
};

std::vector<Opcode> issued_by(const std::string& text) {
    const program::Program program =
        program::read_program("tile_program 1\nkernel k(%out) in \"k.py\" {\n" + text + "\n}\n", "k.tile");
    Recorder recorder;
    tl::ProgramInfo info;
    info.kernel = "k";
    tl::Context tl(recorder, info);
    const std::vector<int> ranks = {0, 1, 2};
    program::Instance instance;
    instance.id = {0, 0, 0};
    instance.count = {3, 1, 1};
    instance.pe_of_rank = &ranks;
    const std::vector<program::Value> arguments = {
        pointer(array("out", Type::f32, {64}, std::vector<float>(64, 0.0F)))};
    program::Interpreter(program, tl, instance).run(program.kernel("k"), arguments);
    return recorder.issued;
}

/// Tiles and pointers to give to an operation: f32 tiles %t and %u, a mask %m that a command made.
const std::string made =
    "%t = full (4, 4), 1.5, f32\n%u = full (4, 4), 2.5, f32\n%m = lt %t, %u\n"
    "%lanes = arange 0, 64\n%place = add %out, %lanes\n%line = full (64,), 0.5, f32\n"
    "%desc = make_tensor_descriptor %out, (8, 8), (8, 1), (4, 4)\n";

/// The operation applied to such; its parameters by position.
std::string applied(const program::Operation& operation) {
    const std::string name(operation.name);
    switch (operation.op) {
        case Op::and_:
        case Op::or_:
        case Op::xor_:
        case Op::logical_and:
        case Op::logical_or:
            return "%r = " + name + " %m, %m";
        case Op::shl:
        case Op::shr:
            return "%j = cast %t, i32\n%r = " + name + " %j, 1";
        case Op::where:
            return "%r = where %m, %t, %u";
        case Op::fma:
            return "%r = fma %t, %u, %t";
        case Op::cast:
            return "%r = cast %t, f16";
        case Op::zeros:
            return "%r = zeros (4, 4)";
        case Op::full:
            return "%r = full (4, 4), 1.0, f32";
        case Op::argmax:
        case Op::argmin:
        case Op::sum:
        case Op::max:
        case Op::min:
        case Op::cumsum:
        case Op::softmax:
            return "%r = " + name + " %t, 1";
        case Op::load:
            return "%r = load %place";
        case Op::store:
        case Op::atomic_add:
            return name + " %place, %line";
        case Op::descriptor_load:
            return "%r = descriptor_load %desc, (0, 0)";
        case Op::descriptor_store:
            return "descriptor_store %desc, (0, 0), %t";
        case Op::send:
            return "send src=%t, to=1";
        case Op::multicast:
            return "multicast src=%t, to=(1, 2)";
        case Op::recv:
            return "%r = recv shape=(4, 4), dtype=f32, source=1";
        default:
            return "%r = " + name + (operation.parameters.size() > 1 ? " %t, %u" : " %t");
    }
}

}  // namespace

TEST_CASE("an operation that is said to become a command issues it") {
    const std::size_t before = issued_by(made).size();
    for (const program::Operation& operation : program::operations()) {
        const auto command = program::command_of(operation.op);
        if (!command) continue;
        INFO(operation.name);
        auto issued = issued_by(made + applied(operation));
        issued.erase(issued.begin(), issued.begin() + static_cast<std::ptrdiff_t>(before));
        REQUIRE_FALSE(issued.empty());
        CHECK(issued.back() == *command);
    }
}

TEST_CASE("a command has the names of the operations that become it") {
    CHECK(program::operations_of(Opcode::divide) == std::vector<std::string_view>{"truediv", "fdiv"});
    CHECK(program::operations_of(Opcode::fms).empty());
}

TEST_CASE("words of caches, padding and orders of atomic operations are Triton's") {
    const auto out = array("out", Type::i32, {8}, {}, std::vector<std::int64_t>(8, 0));
    const auto says = [&](const std::string& line) {
        Trial trial;
        trial.parameters = "%out";
        trial.arguments = {pointer(out)};
        trial.text = "  " + line + "\n";
        return failure_of(trial);
    };
    for (const char* line : {
             R"(%x = load %out, cache_modifier=".cg", eviction_policy="evict_last")",
             R"(%x = load %out, padding_option="zero")",
             R"(store %out, 1, cache_modifier=".wt", eviction_policy="evict_first")",
             R"(%x = atomic_add %out, 1, sem="acq_rel", scope="sys")",
             R"(atomic_max %out, 1, sem="relaxed", scope="cta")",
             R"(%x = atomic_cas %out, 1, 2, sem="acquire", scope="gpu")",
             R"(%x = atomic_xchg %out, 1, sem="release")",
         }) {
        INFO(line);
        CHECK(says(line) == "");
    }
    for (const auto& [line, error] : {
             std::pair(R"(%x = load %out, cache_modifier=".wt")",
                       "cache_modifier is .wt, expected one of .ca, .cg, .cv"),
             std::pair(R"(%x = load %out, eviction_policy="last")",
                       "eviction_policy is last, expected one of evict_first"),
             std::pair(R"(%x = load %out, padding_option="zeros")",
                       "padding_option is zeros, expected one of zero, nan"),
             std::pair(R"(store %out, 1, cache_modifier=".ca")", "cache_modifier is .ca, expected one of .wb"),
             std::pair(R"(store %out, 1, eviction_policy="first")", "eviction_policy is first"),
             std::pair(R"(%x = atomic_add %out, 1, sem="acq")", "sem is acq, expected one of relaxed, acquire"),
             std::pair(R"(atomic_add %out, 1, scope="block")", "scope is block, expected one of cta, gpu, sys"),
             std::pair(R"(%x = atomic_cas %out, 1, 2, sem="seq_cst")", "sem is seq_cst"),
             std::pair(R"(atomic_xchg %out, 1, scope="device")", "scope is device"),
         }) {
        INFO(line);
        CHECK_THAT(says(line), Catch::Contains(error));
    }
}

}  // namespace tilemesh::test
