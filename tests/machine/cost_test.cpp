// SPDX-License-Identifier: Apache-2.0
// How long dots and vector commands occupy their engines: dtype, batch, SRAM port, lanes, cost table.
#include "sim/pe/cost.h"
#include "sim/tile/evaluate.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::pe;

namespace {

MatrixConfig array_of(int size, double port = 1e12) {
    MatrixConfig config;
    config.rows = config.cols = size;
    config.sram_bytes_per_cycle = port;
    config.speed.fill(1.0);
    return config;
}

Command dot(int batch, int m, int n, int k, Dtype dtype = Dtype::f16, bool accumulates = false) {
    Command command;
    command.op = Opcode::dot;
    command.dtype = dtype;
    command.batch = batch;
    command.m = m;
    command.n = n;
    command.k = k;
    command.operand_count = accumulates ? 3 : 2;
    return command;
}

}  // namespace

TEST_CASE("a dot of several batches takes that many times as long, and fills and drains once") {
    const MatrixConfig config = array_of(16);
    const Cost one = matrix_cost(config, dot(1, 32, 32, 64)), five = matrix_cost(config, dot(5, 32, 32, 64));
    CHECK(one.occupancy_cycles == 2 * 2 * 64);  // folds of 16 x 16 results, each as long as k
    CHECK(five.occupancy_cycles == 5 * one.occupancy_cycles);
    CHECK(five.latency_cycles - five.occupancy_cycles == one.latency_cycles - one.occupancy_cycles);
}

TEST_CASE("a dtype of a quarter of the speed takes four times as long") {
    MatrixConfig config = array_of(16);
    config.speed[static_cast<std::size_t>(Dtype::f32)] = 0.25;
    CHECK(matrix_cost(config, dot(1, 32, 32, 64, Dtype::f32)).occupancy_cycles ==
          4 * matrix_cost(config, dot(1, 32, 32, 64, Dtype::f16)).occupancy_cycles);
}

TEST_CASE("a dot is never faster than its operands and results pass the SRAM port") {
    const double port = 8;
    const int m = 32, n = 16, k = 4;
    const auto bytes = [&](double width, double results) { return (m * k + k * n) * width + results * m * n * 4; };
    // Results are f32; an accumulator is read besides.
    CHECK(matrix_cost(array_of(16, port), dot(1, m, n, k)).occupancy_cycles == bytes(2, 1) / port);
    CHECK(matrix_cost(array_of(16, port), dot(1, m, n, k, Dtype::f32)).occupancy_cycles == bytes(4, 1) / port);
    CHECK(matrix_cost(array_of(16, port), dot(1, m, n, k, Dtype::f16, true)).occupancy_cycles == bytes(2, 2) / port);
    CHECK(matrix_cost(array_of(16, port), dot(3, m, n, k)).occupancy_cycles == 3 * bytes(2, 1) / port);
    // A wide port leaves the array to set the time: two folds, in which 16 rows of results shift out.
    CHECK(matrix_cost(array_of(16), dot(1, m, n, k)).occupancy_cycles == 2 * 16);
}

TEST_CASE("a product of 8-bit and wider operands has the speed of the wider and moves each as it is stored") {
    constexpr double port = 8;
    constexpr int m = 32, n = 48, k = 16;
    const auto made = [&](Dtype left, Dtype right) {
        Command command = dot(1, m, n, k, bytes_per_element(left) < bytes_per_element(right) ? right : left);
        command.left_bytes = static_cast<std::uint8_t>(bytes_per_element(left));
        command.right_bytes = static_cast<std::uint8_t>(bytes_per_element(right));
        return command;
    };
    const auto cycles = [&](Dtype left, Dtype right) {
        return matrix_cost(array_of(16, port), made(left, right)).occupancy_cycles;
    };
    CHECK(cycles(Dtype::f16, Dtype::f8e4m3) == (m * k * 2 + k * n * 1 + m * n * 4) / port);
    CHECK(cycles(Dtype::f8e5m2, Dtype::f16) == (m * k * 1 + k * n * 2 + m * n * 4) / port);
    CHECK(cycles(Dtype::f8e4m3, Dtype::f8e4m3) == (m * k + k * n + m * n * 4) / port);
    MatrixConfig fast = array_of(16);
    fast.speed[static_cast<std::size_t>(Dtype::f8e4m3)] = 2.0;
    const double f16 = matrix_cost(fast, dot(1, m, n, k)).occupancy_cycles;
    CHECK(matrix_cost(fast, made(Dtype::f16, Dtype::f8e4m3)).occupancy_cycles == f16);
    CHECK(matrix_cost(fast, made(Dtype::f8e4m3, Dtype::f8e4m3)).occupancy_cycles == f16 / 2);
}

TEST_CASE("a vector command takes its operation's cycles for every row of lanes begun") {
    VectorConfig config;
    config.lanes = 64;
    config.startup_cycles = 5;
    config.cycles_per_element.fill(1.0);
    config.cycles_per_element[static_cast<std::size_t>(Opcode::exp)] = 8.0;
    CHECK(vector_cost(config, Opcode::add, 64).occupancy_cycles == 1);
    CHECK(vector_cost(config, Opcode::add, 65).occupancy_cycles == 2);
    CHECK(vector_cost(config, Opcode::add, 1).occupancy_cycles == 1);
    CHECK(vector_cost(config, Opcode::exp, 640).occupancy_cycles == 10 * 8);
    CHECK(vector_cost(config, Opcode::exp, 640).latency_cycles == 10 * 8 + 5);
}

TEST_CASE("rates of a PE follow from its engines and its clock") {
    PeConfig pe;
    pe.clock = Clock(1.5);
    pe.matrix = array_of(16);
    pe.matrix.speed[static_cast<std::size_t>(Dtype::f32)] = 0.25;
    pe.vector.lanes = 64;
    pe.vector.cycles_per_element.fill(1.0);
    pe.vector.cycles_per_element[static_cast<std::size_t>(Opcode::exp)] = 8.0;
    CHECK(pe.macs_per_ns(Dtype::f16) == Approx(16 * 16 * 1.5));
    CHECK(pe.macs_per_ns(Dtype::f32) == Approx(16 * 16 * 1.5 / 4));
    CHECK(pe.elements_per_ns(Opcode::exp) == Approx(64 * 1.5 / 8));
}
