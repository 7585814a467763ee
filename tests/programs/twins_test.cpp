// SPDX-License-Identifier: Apache-2.0
// A program and the same kernel in C++ issue the same commands: every activity of every component, from picosecond to
// picosecond.
#include "sim/program/interpreter.h"
#include "sim/workloads/program/front_end.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>

#include <limits>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

class Lines : public Recorder {
public:
    void activity(const Activity& a) override {
        lines.push_back(fmt::format("{}: {} of command {} from {} to {}, wanted at {}, {} bytes, work {}",
                                    a.component, a.what, a.command, a.begin.value(), a.end.value(), a.wanted.value(),
                                    a.bytes.value(), a.work));
    }
    std::vector<std::string> lines;
};

struct Input {
    std::string name;
    Dtype dtype;
    std::int64_t rows, cols;
};

/// A kernel in both languages, all its tensors with PE 0.
class Twins {
public:
    Twins(std::string kernel, int ranks, std::vector<Input> tensors, std::vector<std::int64_t> numbers)
        : kernel_(std::move(kernel)), ranks_(ranks), tensors_(std::move(tensors)), numbers_(std::move(numbers)) {}

    std::vector<std::string> program() const {
        const std::string file = std::string(TILEMESH_SOURCE_DIR) + "/tests/programs/twins.py";
        const auto text = workloads::load_program(file, kernel_, "twins_test");
        const program::Function& function = text->kernel(kernel_);
        Lines lines;
        machine::Simulation simulation(machine(), {&lines});
        std::vector<program::Value> arguments;
        for (const Input& input : tensors_) {
            const auto type = *program::type_from_name(name_of(input.dtype));
            const auto bytes = static_cast<std::uint64_t>(input.rows * input.cols) * bytes_per_element(input.dtype);
            const std::uint64_t address = simulation.machine().slice(0).allocate(bytes, input.name);
            program::ArrayLayout layout{1, input.rows, input.cols, {{0, address, 0, input.rows}}, false};
            arguments.push_back(program::Value::object(
                program::Kind::pointer, type,
                program::make<program::Array>(input.name, type, std::vector{input.rows, input.cols}, layout)));
        }
        for (const std::int64_t number : numbers_) arguments.push_back(program::Value::integer(number));
        std::vector<int> pes;
        for (int pe = 0; pe < ranks_; ++pe) pes.push_back(pe);
        for (const int pe : pes) {
            const auto run = [&, pe](tl::Context& tl) {
                program::Instance instance;
                instance.id[0] = pe;
                instance.count[0] = ranks_;
                instance.pe_of_rank = &pes;
                program::Interpreter(*text, tl, instance).run(function, arguments);
            };
            simulation.launch(pe, kernel_, run, ValueMode::none);
        }
        simulation.run();
        return lines.lines;
    }

    template <class Kernel>
    std::vector<std::string> native(Kernel kernel) const {
        Lines lines;
        machine::Simulation simulation(machine(), {&lines});
        std::vector<Tensor*> tensors;
        for (const Input& input : tensors_)
            tensors.push_back(&simulation.allocate(0, input.name, {input.rows, input.cols}, input.dtype));
        for (int pe = 0; pe < ranks_; ++pe)
            simulation.launch(
                pe, kernel_, [&, pe](tl::Context& tl) { kernel(tl, pe, tensors); }, ValueMode::none);
        simulation.run();
        return lines.lines;
    }

private:
    static machine::MachineConfig machine() {
        const std::string file = std::string(TILEMESH_SOURCE_DIR) + "/configs/machines/cube_line8.json";
        return machine::read_machine(JsonReader(parse_json_file(file), "test machine"));
    }

    std::string kernel_;
    int ranks_;
    std::vector<Input> tensors_;
    std::vector<std::int64_t> numbers_;
};

void check_alike(const std::vector<std::string>& program, const std::vector<std::string>& native) {
    CHECK(native.size() > 5);
    CHECK(program.size() == native.size());
    for (std::size_t i = 0; i < std::min(program.size(), native.size()); ++i) {
        CAPTURE(i);
        REQUIRE(program[i] == native[i]);
    }
}

}  // namespace

TEST_CASE("attention block after block: the program and the C++ kernel do the same at the same picosecond") {
    constexpr std::int64_t rows = 96, cols = 80, blocks = 5, dim = 64;
    const Twins twins("attend", 1,
                      {{"k", Dtype::f16, blocks * cols, dim},
                       {"o", Dtype::f16, rows, dim},
                       {"q", Dtype::f16, rows, dim},
                       {"v", Dtype::f16, blocks * cols, dim}},
                      {rows, cols, blocks, dim});
    const auto kernel = [](tl::Context& tl, int, const std::vector<Tensor*>& t) {
        const Tile q = tl.load(tl::at(*t[2]), {rows, dim});
        Tile m = tl.full({rows, 1}, -std::numeric_limits<float>::infinity());
        Tile l = tl.zeros({rows, 1}), o = tl.zeros({rows, dim});
        for (std::int64_t block = 0; block < blocks; ++block) {
            const Tile k = tl.load(tl::at(*t[0], 0, block * cols, 0), {cols, dim});
            const Tile v = tl.load(tl::at(*t[3], 0, block * cols, 0), {cols, dim});
            const Tile scores = tl.dot(q, tl.trans(k)) * 0.125F;
            const Tile m_new = tl.maximum(m, tl.max(scores));
            const Tile p = tl.exp(scores - m_new);
            const Tile fade = tl.exp(m - m_new);
            l = l * fade;
            l = l + tl.sum(p);
            const Tile p16 = tl.cast(p, Dtype::f16);
            o = tl.dot(p16, v, o * fade);
            m = m_new;
        }
        tl.store(tl::at(*t[1]), tl.cast(o / l, Dtype::f16));
    };
    check_alike(twins.program(), twins.native(kernel));
}

TEST_CASE("a product in blocks: the program's tiles of pointers move what boxes of a tensor do") {
    constexpr std::int64_t m = 128, n = 192, k = 160, rows = 64, cols = 96, deep = 32;
    const Twins twins("multiply", 1, {{"a", Dtype::f16, m, k}, {"b", Dtype::f16, k, n}, {"c", Dtype::f16, m, n}},
                      {m, n, k, rows, cols, deep});
    const auto kernel = [](tl::Context& tl, int, const std::vector<Tensor*>& t) {
        for (std::int64_t row = 0; row < m; row += rows)
            for (std::int64_t col = 0; col < n; col += cols) {
                Tile acc = tl.zeros({rows, cols});
                for (std::int64_t step = 0; step < k; step += deep) {
                    const Tile a = tl.load(tl::at(*t[0], 0, row, step), {rows, deep});
                    const Tile b = tl.load(tl::at(*t[1], 0, step, col), {deep, cols});
                    acc = tl.dot(a, b, acc);
                }
                tl.store(tl::at(*t[2], 0, row, col), tl.cast(acc, Dtype::f16));
            }
    };
    check_alike(twins.program(), twins.native(kernel));
}

TEST_CASE("messages round a ring, to a neighbour, and a barrier: the same from program and C++ kernel") {
    constexpr std::int64_t elements = 1000;
    constexpr int ranks = 4;
    const Twins twins("pass_on", ranks, {{"x", Dtype::f32, ranks, elements}, {"y", Dtype::f32, ranks, elements}},
                      {elements});
    const auto kernel = [](tl::Context& tl, int rank, const std::vector<Tensor*>& t) {
        Tile total = tl.reshape(tl.load(tl::at(*t[0], 0, rank, 0), {1, elements}), {elements});
        Tile held = total;
        for (int step = 0; step < ranks - 1; ++step) {
            tl.send((rank + 1) % ranks, held);
            held = tl.recv((rank + ranks - 1) % ranks, {elements}, Dtype::f32);
            total = tl.maximum(total, held);
        }
        if (rank < ranks - 1) tl.send(tl::Direction::east, total);
        if (rank > 0) total = total + tl.recv(tl::Direction::west, {elements}, Dtype::f32);
        tl.barrier();
        tl.store(tl::at(*t[1], 0, rank, 0), tl.reshape(total, {1, elements}));
    };
    check_alike(twins.program(), twins.native(kernel));
}

TEST_CASE("softmax step by step, with a wait: the same from program and C++ kernel") {
    constexpr std::int64_t rows = 50, columns = 300;
    const Twins twins("soften", 1, {{"x", Dtype::f32, rows, columns}, {"y", Dtype::f32, rows, columns}},
                      {rows, columns});
    const auto kernel = [](tl::Context& tl, int, const std::vector<Tensor*>& t) {
        Tile x = tl.load(tl::at(*t[0]), {rows, columns});
        x = x - tl.max(x);
        x = tl.exp(x);
        x = x / tl.sum(x);
        tl.wait(x);
        tl.store(tl::at(*t[1]), x);
    };
    check_alike(twins.program(), twins.native(kernel));
}
