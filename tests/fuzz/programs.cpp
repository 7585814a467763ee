// SPDX-License-Identifier: Apache-2.0
// Any text as a tile program; what can be read is run, for a few instructions, on a processor that does nothing.
#include "sim/base/error.h"
#include "sim/program/interpreter.h"

#include <deque>
#include <string_view>

using namespace tilemesh;

namespace {

/// Tiles are there at once and take no room.
class Nowhere final : public Executor {
public:
    TileRecord* issue(Command& command, const Shape& shape, Dtype dtype) override {
        PayloadPtr values;
        if (command.values) values = evaluate(*command.values);
        if (!makes_tile(command.op)) return nullptr;
        TileRecord& record = records_.emplace_back();
        record.handles = 1;
        record.owner = this;
        record.shape = shape;
        record.dtype = dtype;
        record.ready = Picoseconds();
        record.values = std::move(values);
        return &record;
    }
    void unreferenced(TileRecord& record) override { record.values.reset(); }
    void wait_until_ready(TileRecord&) override {}
    void barrier() override {}

private:
    std::deque<TileRecord> records_;
};

program::Value argument(std::size_t i) {
    program::ArrayLayout layout;
    layout.length = 64;
    layout.homes.push_back({0, 0, 0, 64});
    const bool integers = i % 3 == 1;
    const program::Type type = integers ? program::Type::i32 : program::Type::f16;
    if (i % 3 == 2) return program::Value::integer(16, program::Type::i32);
    auto array = make<program::Array>("x", type, std::vector<std::int64_t>{64}, layout);
    auto values = std::make_shared<program::ArrayValues>();
    values->floats.assign(64, 1.0F);
    values->integers.assign(64, 3);
    array->set_values(values);
    return program::Value::object(program::Kind::pointer, type, array);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const program::Program program =
            program::read_program(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.tile");
        for (const program::Function& function : program.functions) {
            if (!function.kernel) continue;
            Nowhere nowhere;
            tl::ProgramInfo info;
            info.kernel = function.name;
            tl::Context context(nowhere, info);
            program::Instance instance;
            instance.count = {4, 2, 1};
            instance.most_instructions = 100;
            std::vector<program::Value> arguments;
            for (std::size_t i = 0; i < function.parameters.size(); ++i) arguments.push_back(argument(i));
            try {
                program::Interpreter(program, context, instance).run(function, std::move(arguments));
            } catch (const KernelError&) {
            }
        }
    } catch (const InputError&) {
    }
    return 0;
}
