// SPDX-License-Identifier: Apache-2.0
// Tables of energies and areas in machines: how they are named, built on and changed, and what is refused.
#include "tests/command/example_panel.h"

#include <catch2/catch.hpp>

using namespace tilemesh;

namespace {

Json with_machine(const Json& keys) {
    Json panel = example_panel();
    panel["machine"] = {{"base", example_machine}};
    panel["machine"].update(keys);
    return panel;
}

const energy::Price& price(const run::Panel& panel, const std::string& key) {
    REQUIRE(panel.machine.energy);
    const energy::Price* const found = panel.machine.energy->find(key);
    INFO(key);
    REQUIRE(found);
    return *found;
}

std::string refusal(const Json& panel, const std::vector<std::string>& settings = {}) {
    return input_error([&] { read_example(panel, settings); });
}

}  // namespace

TEST_CASE("a machine names its table of energies, or a setting does, and every number has its source") {
    for (const run::Panel& panel :
         {read_example(with_machine({{"energy", "7nm"}})), read_example(example_panel(), {"machine.energy=7nm"}),
          read_example(example_panel(), {"machine.energy=" TILEMESH_CONFIGS "/energy/7nm.json"})}) {
        CHECK(panel.machine.energy->technology == "7 nm");
        CHECK(price(panel, "pj_per_mac.bf16").value == 0.59);
        CHECK(price(panel, "pj_per_mac.bf16").trust == "high");
        for (const auto& [key, one] : panel.machine.energy->prices) {
            INFO(key);
            CHECK(one.source.size() > 20);
            CHECK_FALSE(one.trust.empty());
        }
        CHECK_FALSE(panel.energy);
        CHECK(panel.resolved["machine"]["energy"]["technology"] == "7 nm");
    }
    CHECK_FALSE(read_example(example_panel()).machine.energy);
}

TEST_CASE("every vector operation has a price in the shipped table, and every part an area") {
    const run::Panel panel = read_example(example_panel(), {"machine.energy=7nm", "machine.area=7nm"});
    for (int i = 0; i < opcode_count; ++i)
        if (engine_of(static_cast<Opcode>(i)) == EngineKind::vector)
            price(panel, "pj_per_element." + std::string(name_of(static_cast<Opcode>(i))));
    for (const energy::Group& group : energy::area_groups())
        for (const std::string& key : group.keys) CHECK(panel.machine.area->find(group.unit + "." + key));
}

TEST_CASE("a table builds on another, key by key") {
    const Json own = {
        {"base", "7nm"},
        {"technology", "7 nm, mine"},
        {"pj_per_byte",
         {{"hbm_read", {{"value", 30.5}, {"source", "measured"}, {"trust", "high"}}}, {"hbm_write", 31}}}};
    const run::Panel panel = read_example(with_machine({{"energy", own}}));
    CHECK(panel.machine.energy->technology == "7 nm, mine");
    CHECK(price(panel, "pj_per_byte.hbm_read") == energy::Price{30.5, "measured", "high"});
    CHECK(price(panel, "pj_per_byte.hbm_write") == energy::Price{31.0, "no source given", ""});
    CHECK(price(panel, "pj_per_mac.bf16").value == 0.59);
    const Json once_more = {{"energy", {{"pj_per_byte", {{"hbm_read", 1.5}}}}}};
    const ScratchFolder folder;
    write_file(folder / "first.json", Json{{"base", example_machine}, {"energy", "7nm"}}.dump());
    Json second = once_more;
    second["base"] = "first.json";
    write_file(folder / "second.json", second.dump());
    Json top = example_panel();
    top["machine"] = (folder / "second.json").string();
    CHECK(price(read_example(top), "pj_per_byte.hbm_read").value == 1.5);
    CHECK(price(read_example(top), "pj_per_byte.hbm_write").value == 29.6);
}

TEST_CASE("a panel that builds on another names a table for its machine") {
    const ScratchFolder folder;
    write_file(folder / "base.json", example_panel().dump());
    const Json top = {{"base", (folder / "base.json").string()}, {"machine", {{"energy", "7nm"}}}, {"energy", true}};
    const run::Panel panel = read_example(top);
    CHECK(price(panel, "pj_per_mac.bf16").value == 0.59);
    CHECK(panel.energy);
}

TEST_CASE("a number set alone is a number without a source; one set behind the back of its source is refused") {
    const run::Panel panel =
        read_example(example_panel(), {"machine.energy=7nm", "machine.energy.pj_per_mac.f16=0.5"});
    CHECK(price(panel, "pj_per_mac.f16") == energy::Price{0.5, "no source given", ""});
    CHECK_THAT(refusal(example_panel(), {"machine.energy=7nm", "machine.energy.pj_per_mac.f16.value=0.5"}),
               Catch::StartsWith("--set machine.energy.pj_per_mac.f16.value=0.5: this number was changed and "
                                 "/machine/energy/pj_per_mac/f16/source was not"));
    const Json own = {{"base", "7nm"}, {"pj_per_mac", {{"f16", {{"value", 1}, {"source", "mine"}}}}}};
    CHECK_THAT(refusal(with_machine({{"energy", own}})), Catch::Contains("pj_per_mac/f16/trust was not"));
}

TEST_CASE("what no table has is refused with what it may be") {
    const auto of = [](const std::string& text) {
        Json table = Json::parse(text);
        table["technology"] = "test";
        return refusal(with_machine({{"energy", table}}));
    };
    CHECK_THAT(of(R"({"pj_per_mac": {"fp16": 1}})"),
               Catch::Contains("/machine/energy/pj_per_mac/fp16: unknown key, did you mean f16?"));
    CHECK_THAT(of(R"({"pj_per_bit": {"hbm_read": 3.7}})"),
               Catch::Contains("/machine/energy/pj_per_bit: unknown key, did you mean pj_per_byte?"));
    CHECK_THAT(of(R"({"pj_per_byte": {"hbm_read": -1}})"), Catch::Contains("expected a number from 0 to 1000000000"));
    CHECK_THAT(of(R"({"pj_per_byte": {"hbm_read": {"source": "x"}}})"), Catch::Contains("hbm_read/value: missing"));
    CHECK_THAT(of(R"({"pj_per_byte": {"hbm_read": {"value": 1, "trust": "some"}}})"),
               Catch::Contains("expected one of high, medium, low"));
    CHECK_THAT(refusal(with_machine({{"energy", Json::object()}})), Catch::Contains("/machine/energy/technology"));
    CHECK_THAT(refusal(with_machine({{"energy", "8nm"}})), Catch::Contains("8nm"));
}

TEST_CASE("energy is refused on a machine without a table, and so is a limit of power") {
    Json panel = example_panel();
    panel["energy"] = true;
    CHECK_THAT(refusal(panel), Catch::Contains("/energy: the machine cube_line8 has no table of energies") &&
                                   Catch::Contains("--set machine.energy=7nm"));
    CHECK(read_example(panel, {"machine.energy=7nm"}).energy);
    CHECK_THAT(refusal(example_panel(), {"machine.power_limit.machine_watts=300"}),
               Catch::Contains("power is known with the key \"energy\" only"));
    const std::vector<std::string> limited = {"machine.energy=7nm", "machine.power_limit.cube_watts=300"};
    CHECK(read_example(example_panel(), limited).energy);
    CHECK(read_example(example_panel(), limited).machine.power_limit->cube == 300.0);
    // A limit without an account would have no effect, also beside what is refused because of it.
    for (const std::vector<std::string>& steady :
         {std::vector<std::string>(), std::vector<std::string>{"steady=true", "values.mode=none"}}) {
        std::vector<std::string> settings = limited;
        settings.insert(settings.end(), steady.begin(), steady.end());
        settings.push_back("energy=false");
        CHECK_THAT(refusal(example_panel(), settings),
                   Catch::Contains("energy=false: found false beside machine.power_limit") &&
                       Catch::Contains("--set machine.power_limit=null"));
        settings.push_back("machine.power_limit=null");
        CHECK_FALSE(read_example(example_panel(), settings).energy);
    }
    CHECK_THAT(refusal(example_panel(), {"machine.energy=7nm", "machine.power_limit.window_ns=5"}),
               Catch::Contains("at least one of machine_watts, cube_watts, pe_watts"));
}
