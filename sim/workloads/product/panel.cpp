// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/product/panel.h"

#include "sim/workloads/product/product_run.h"

namespace tilemesh::workloads {
namespace {

constexpr std::uint64_t longest_side = std::uint64_t{1} << 20, most_repeats = std::uint64_t{1} << 30;

std::uint64_t read_tiles(JsonReader& kernel, const char* key) {
    JsonReader reader = kernel.member(key);
    const std::uint64_t elements = reader.as_integer(product::tile_side, longest_side);
    if (elements % product::tile_side != 0) reader.reject("a multiple of 32, the side of a tile");
    return elements / product::tile_side;
}

ProductChoice read_product_choice(JsonReader& reader) {
    ProductChoice choice;
    choice.where = reader.place();
    choice.kernel = choice.label = multicast_2d;
    if (reader.is_string()) return choice;
    reader.member("kernel");
    if (const auto label = reader.optional_member("label")) choice.label = run::read_name(*label);
    if (reader.has("block_m") || reader.has("block_n") || reader.has("block_k"))
        choice.block = product::Block{read_tiles(reader, "block_m"), read_tiles(reader, "block_n"),
                                      read_tiles(reader, "block_k")};
    reader.finish();
    return choice;
}

bool read_is_in_cores(JsonReader& problem, const char* key) {
    return problem.word(key, {"dram", "sram"}, "dram") == "sram";
}

}  // namespace

product::Grid ProductPanel::grid() const {
    const noc::GridConfig& cube = machine.network.pes_in_cube;
    return {static_cast<std::uint64_t>(cube.cols), static_cast<std::uint64_t>(cube.rows)};
}

product::Floor ProductPanel::floor() const {
    const double dram = machine.hbm.peak().gbytes_per_s() * static_cast<double>(machine.pes());
    return {*products, grid(), machine.pe.clock, Rate::gbytes_per_s(dram)};
}

ProductPanel read_product_panel(JsonReader& panel, const run::Setup& setup, std::vector<JsonReader>& kernels) {
    ProductPanel read{setup, {}, 1, {}, {}};
    if (const auto products = panel.member("machine").optional_member("products")) {
        read.products = product::read_products(*products);
        const auto& sustained = read.products->sustained;
        if (sustained && sustained->ghz > setup.machine.pe.clock.ghz())
            products->complain("sustained/clock_ghz: found more than pe/clock_ghz, expected at most that");
    }
    JsonReader problem = panel.member("problem");
    read.shape.m = problem.integer("m", 1, longest_side);
    read.shape.k = problem.integer("k", 1, longest_side);
    read.shape.n = problem.integer("n", 1, longest_side);
    read.shape.format = problem.choice("dtype", product::format_words(), product::Format::bfloat16);
    read.shape.fidelity = problem.choice("fidelity", product::fidelity_words(), product::Fidelity::hifi2);
    read.shape.in0_in_cores = read_is_in_cores(problem, "in0");
    read.shape.out_in_cores = read_is_in_cores(problem, "out");
    read.repeats = problem.integer("repeats", 1, most_repeats, 1);
    problem.finish();
    for (JsonReader& kernel : kernels) read.choices.push_back(read_product_choice(kernel));
    return read;
}

}  // namespace tilemesh::workloads
