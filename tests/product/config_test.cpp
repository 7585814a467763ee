// SPDX-License-Identifier: Apache-2.0
// The member "products" of machines: what it refuses, what its values mean, and that shipped ones say where they are
// from.
#include "sim/product/config.h"
#include "sim/base/dotted_path.h"
#include "sim/base/error.h"
#include "sim/run/resolve.h"

#include <catch2/catch.hpp>

#include <set>

using namespace tilemesh;
using namespace tilemesh::product;

namespace {

const char* const least = R"("core_bytes": 1000, "multicast_bytes_per_cycle": 16, "read_bytes_per_cycle": 32)";

ProductConfig read(const std::string& more) {
    const Json json = parse_json_text(std::string("{") + least + more + "}", "m.json");
    return read_products(JsonReader(json, "m.json", "/products"));
}
std::string refusal(const std::string& more) {
    try {
        read(more);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("tiles of 32 x 32 elements have an exponent for every sixteen of them, or two bytes each") {
    CHECK(tile_bytes(Format::bfloat16) == 2048);
    CHECK(tile_bytes(Format::bfloat8_b) == 1024 + 64);
    CHECK(tile_bytes(Format::bfloat4_b) == 512 + 64);
}

TEST_CASE("a product of two tiles takes the engine's passes or the tile's bytes, whichever is longer") {
    const ProductConfig plain = read("");
    CHECK(plain.product_cycles(Format::bfloat16, Fidelity::lofi) == 16.0);
    CHECK(plain.product_cycles(Format::bfloat16, Fidelity::hifi4) == 64.0);
    CHECK(plain.pack_cycles(Format::bfloat16) == 0.0);
    const ProductConfig fed =
        read(R"(, "unpack_bytes_per_cycle": 64, "tile_overhead_cycles": 2, "pack_bytes_per_cycle": 32)");
    CHECK(fed.product_cycles(Format::bfloat16, Fidelity::lofi) == 34.0);   // 2048 / 64, and 2
    CHECK(fed.product_cycles(Format::bfloat8_b, Fidelity::lofi) == 19.0);  // 17, and 2
    CHECK(fed.product_cycles(Format::bfloat16, Fidelity::hifi4) == 66.0);
    CHECK(fed.pack_cycles(Format::bfloat4_b) == 18.0);
    const ProductConfig other = read(R"(, "tile_cycles": {"LoFi": 8, "HiFi2": 20, "HiFi4": 30})");
    CHECK(other.product_cycles(Format::bfloat16, Fidelity::hifi2) == 20.0);
}

TEST_CASE("mistakes in products are answered with their place and what to write") {
    CHECK(refusal(R"(, "launch_us": 1)") == "m.json: /products/launch_us: unknown key, did you mean launch_ns?");
    CHECK(refusal(R"(, "tile_cycles": {"LoFi": 16})").find("/products/tile_cycles") != std::string::npos);
    CHECK(refusal(R"(, "sustained": {"after_ms": 1})").find("/products/sustained") != std::string::npos);
    CHECK(refusal(R"(, "write_gbytes_per_s": 0)").find("/products/write_gbytes_per_s") != std::string::npos);
    const Json empty = Json::object();
    CHECK_THROWS_AS(read_products(JsonReader(empty, "m.json", "/products")), InputError);
}

TEST_CASE(
    "shipped chips say from which rows each fitted value is, and none was fitted to the smaller Blackhole grid") {
    for (const char* const machine : {"wormhole_n150", "blackhole_p150_13x10", "blackhole_p150_11x10"}) {
        const Json json = run::resolve_machine_file(std::filesystem::path(TILEMESH_CONFIGS) / "machines" /
                                                    (std::string(machine) + ".json"))
                              .json.at("products");
        const ProductConfig config = read_products(JsonReader(json, machine));
        CHECK(config.fitted.size() >= 7);
        std::set<std::string> parameters;
        for (const FittedValue& one : config.fitted) {
            CAPTURE(machine, one.parameter);
            CHECK(parameters.insert(one.parameter).second);
            CHECK_FALSE(one.meaning.empty());
            CHECK(one.rows.size() >= 3);
            for (const std::string& row : one.rows)
                CHECK((row.find("P150 11x10") != 0 || row.find("20480 x 22528 x 22528") != std::string::npos));
        }
    }
}
