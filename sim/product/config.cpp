// SPDX-License-Identifier: Apache-2.0
// Reading "products", and the small questions that its values answer.
#include "sim/product/config.h"

#include <algorithm>

namespace tilemesh::product {
namespace {

constexpr double highest_rate = 1e6, most_cycles = 1e6;
const std::vector<std::string> formats{"bfloat16", "bfloat8_b", "bfloat4_b"};
const std::vector<std::string> fidelities{"LoFi", "HiFi2", "HiFi4"};

std::optional<double> read_optional_rate(JsonReader& reader, const char* key) {
    const auto member = reader.optional_member(key);
    if (!member) return {};
    return member->as_number(1e-3, highest_rate);
}

SustainedClock read_sustained(JsonReader reader) {
    SustainedClock clock;
    clock.after = from_nanoseconds(reader.number("after_ms", 0.0, 1e6) * 1e6);
    clock.ghz = reader.number("clock_ghz", 0.001, 100.0);
    reader.finish();
    return clock;
}

}  // namespace

const std::vector<std::string>& format_words() { return formats; }
std::string name_of(Format format) { return formats[static_cast<std::size_t>(format)]; }
std::uint64_t tile_bytes(Format format) {
    constexpr std::uint64_t elements = tile_side * tile_side, exponents = elements / 16;
    if (format == Format::bfloat16) return elements * 2;
    return format == Format::bfloat8_b ? elements + exponents : elements / 2 + exponents;
}

const std::vector<std::string>& fidelity_words() { return fidelities; }
std::string name_of(Fidelity fidelity) { return fidelities[static_cast<std::size_t>(fidelity)]; }

double ProductConfig::product_cycles(Format format, Fidelity fidelity) const {
    const double unpack =
        unpack_bytes_per_cycle ? static_cast<double>(tile_bytes(format)) / *unpack_bytes_per_cycle : 0.0;
    return std::max(cycles_of(fidelity), unpack) + tile_overhead_cycles;
}

double ProductConfig::pack_cycles(Format format) const {
    return pack_bytes_per_cycle ? static_cast<double>(tile_bytes(format)) / *pack_bytes_per_cycle : 0.0;
}

ProductConfig read_products(JsonReader reader) {
    ProductConfig read;
    if (auto cycles = reader.optional_member("tile_cycles")) {
        for (std::size_t i = 0; i < fidelities.size(); ++i)
            read.tile_cycles[i] = cycles->number(fidelities[i], 1.0, most_cycles);
        cycles->finish();
    }
    read.tile_overhead_cycles = reader.number("tile_overhead_cycles", 0.0, most_cycles, 0.0);
    read.unpack_bytes_per_cycle = read_optional_rate(reader, "unpack_bytes_per_cycle");
    read.pack_bytes_per_cycle = read_optional_rate(reader, "pack_bytes_per_cycle");
    read.core_bytes = reader.integer("core_bytes", 1, std::uint64_t{1} << 40);
    read.multicast_bytes_per_cycle = reader.number("multicast_bytes_per_cycle", 1e-3, highest_rate);
    read.read_bytes_per_cycle = reader.number("read_bytes_per_cycle", 1e-3, highest_rate);
    read.block_cycles = reader.number("block_cycles", 0.0, 1e9, 0.0);
    if (const auto rate = read_optional_rate(reader, "write_gbytes_per_s")) read.write = Rate::gbytes_per_s(*rate);
    read.launch = from_nanoseconds(reader.number("launch_ns", 0.0, 1e9, 0.0));
    if (const auto clock = reader.optional_member("sustained")) read.sustained = read_sustained(*clock);
    read.fitted = read_fitted_values(reader);
    reader.finish();
    return read;
}

}  // namespace tilemesh::product
