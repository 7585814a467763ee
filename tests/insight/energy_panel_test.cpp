// SPDX-License-Identifier: Apache-2.0
// Energy of whole panels: it is bytes, operations and time of the result times the keys of the table, sums up in
// every direction, follows its keys and nothing else, and changes nothing.
#include "sim/report/energy_text.h"
#include "sim/report/result_json.h"
#include "sim/report/table.h"
#include "tests/insight/traced.h"

#include <catch2/catch.hpp>

#include <cstdio>
#include <cstdlib>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

report::KernelResult run_with_energy(Json panel, const Json& changes = Json::object()) {
    run::Resolved resolved = run::resolve_panel_object(panel, "test", TILEMESH_SOURCE_DIR);
    run::apply_setting(resolved, run::parse_setting("machine.energy=7nm"));
    run::apply_setting(resolved, run::parse_setting("machine.area=7nm"));
    resolved.json["energy"] = true;
    for (const auto& [key, value] : changes.items())
        run::apply_setting(resolved, {"machine." + key, value, "a test's change"});
    const Traced done = traced(resolved.json, {}, false);
    INFO(done.result.error);
    REQUIRE(done.result.status == report::Status::ok);
    REQUIRE(done.result.energy);
    return done.result;
}

double joules_of(const report::KernelResult& result, const std::string& key) {
    for (const report::EnergyUse& use : result.energy->uses)
        if (use.key == key) return use.joules;
    return 0.0;
}

struct Moved {
    double hbm = 0.0, link = 0.0, die_to_die = 0.0, macs = 0.0, elements = 0.0;
};
/// PEs that a link in a cube passes, by the numbers in its path: "machine.cube0.pe7_to_pe0".
double length_of(const std::string& path, int cols) {
    int cube = 0, from = 0, to = 0;
    REQUIRE(std::sscanf(path.c_str(), "machine.cube%d.pe%d_to_pe%d", &cube, &from, &to) == 3);
    return std::abs(from / cols - to / cols) + std::abs(from % cols - to % cols);
}

/// What the parts of the machine recorded; bytes of links in cubes times their lengths.
Moved recorded(const report::KernelResult& result, int cols) {
    Moved moved;
    for (const report::ComponentResult& part : result.components) {
        const auto bytes = static_cast<double>(part.bytes.value()), work = static_cast<double>(part.work);
        if (part.kind == "hbm") moved.hbm += bytes;
        if (part.kind == "matrix") moved.macs += work;
        if (part.kind == "vector") moved.elements += work;
        if (part.kind != "link") continue;
        const bool crosses = part.path.find("_to_cube") != std::string::npos;
        (crosses ? moved.die_to_die : moved.link) += crosses ? bytes : bytes * length_of(part.path, cols);
    }
    return moved;
}

int cols_of(const Json& panel) {
    const Json machine = run::resolve_panel_object(panel, "test", TILEMESH_SOURCE_DIR).json.at("machine");
    return machine.at("cube").at("cols").get<int>();
}

double counted(const report::KernelResult& result, const std::string& group) {
    double sum = 0.0;
    for (const report::EnergyUse& use : result.energy->uses)
        if (use.key.starts_with(group)) sum += use.count;
    return sum;
}

Json tiny_users(Json panel) {
    panel["problem"]["users"] = Json::array({{{"keys", 96}, {"queries", 1}}, {{"keys", 300}, {"queries", 1}}});
    return panel;
}

const std::vector<std::pair<std::string, Json>>& panels() {
    static const std::vector<std::pair<std::string, Json>> all = [] {
        std::vector<std::pair<std::string, Json>> made;
        for (const std::string kernel : {"ring_kv", "mesh_kv", "head_parallel", "ring_kv_backward"})
            made.emplace_back(kernel, attention_panel(kernel, 4));
        made.emplace_back("mesh_mlo", tiny_users(attention_panel("mesh_mlo", 5)));
        Json paged = attention_panel("ring_kv", 3);
        paged["problem"]["pages"] = {{"page_keys", 24}, {"table", "shuffled"}};
        made.emplace_back("pages", paged);
        made.emplace_back("cubes", shipped_panel("multi_user_prefill_validation", "mesh_kv"));
        made.emplace_back("program", shipped_panel("programs/ring_attention", "ring_attention"));
        made.emplace_back("local", shipped_panel("local_ladder", "flash"));
        made.emplace_back("matmul", shipped_panel("programs/mesh_matmul_4x4", "summa"));
        return made;
    }();
    return all;
}

}  // namespace

TEST_CASE("energy is the recorded bytes, operations and time times the keys, and sums up by part, phase and window") {
    for (const auto& [name, panel] : panels()) {
        CAPTURE(name);
        if (panel["kernels"].empty()) FAIL("no kernel");
        const report::KernelResult result = run_with_energy(panel);
        const report::EnergyResult& energy = *result.energy;
        CAPTURE(energy.missing);
        REQUIRE(energy.has_total());
        const Moved moved = recorded(result, cols_of(panel));
        CHECK(counted(result, "pj_per_byte.hbm") == moved.hbm);
        CHECK(counted(result, "pj_per_mac.") == moved.macs);
        CHECK(counted(result, "pj_per_element.") == moved.elements);
        CHECK(joules_of(result, "pj_per_byte.hbm_read") + joules_of(result, "pj_per_byte.hbm_write") ==
              Approx(moved.hbm * 29.6e-12));
        CHECK(joules_of(result, "pj_per_byte_mm.link") == Approx(moved.link * 1.2e-12 * 5.6));
        CHECK(joules_of(result, "pj_per_byte.die_to_die") == Approx(moved.die_to_die * 4e-12));
        double uses = 0.0, parts = 0.0, phases = 0.0, windows = 0.0;
        for (const auto& use : energy.uses) uses += use.joules;
        for (const auto& part : energy.parts) parts += part.joules;
        for (const auto& phase : energy.phases) phases += phase.joules;
        for (std::size_t i = 0; i < energy.power_w.size(); ++i)
            windows += energy.power_w[i] * to_seconds(std::min(energy.window, result.time - energy.window * i));
        for (const double sum : {uses, parts, phases, windows}) CHECK(sum == Approx(energy.joules).epsilon(1e-12));
        CHECK(energy.average_w == Approx(energy.joules / to_seconds(result.time)));
        CHECK(energy.peak_w >= energy.average_w);
        CHECK(energy.phases.size() > 2);
    }
}

TEST_CASE("a key that is twice as large doubles what it is the price of, and nothing else") {
    const Json panel = attention_panel("ring_kv", 4);
    const report::KernelResult before = run_with_energy(panel);
    for (const report::EnergyUse& changed : before.energy->uses) {
        CAPTURE(changed.key);
        const report::KernelResult after = run_with_energy(panel, {{"energy." + changed.key, 2.0 * changed.value}});
        CHECK(after.time == before.time);
        for (const report::EnergyUse& use : before.energy->uses)
            CHECK(joules_of(after, use.key) == Approx(use.joules * (use.key == changed.key ? 2.0 : 1.0)));
        CHECK(after.energy->joules == Approx(before.energy->joules + changed.joules));
    }
}

TEST_CASE("accounting for energy changes nothing else, and goes with a trace") {
    const Json panel = attention_panel("mesh_kv", 4);
    const report::KernelResult plain = traced(panel, {}, false).result;
    report::KernelResult with = run_with_energy(panel);
    const report::EnergyResult energy = *with.energy;
    with.energy.reset();
    with.host = plain.host;
    CHECK(with == plain);
    Json asked = panel;
    asked["machine"]["energy"] = "7nm";
    asked["machine"]["area"] = "7nm";
    asked["energy"] = true;
    CHECK(traced(asked).result.energy == energy);
}

TEST_CASE("the energy of a result survives its file, with a total and without") {
    for (const auto& changes : {Json::object(), Json{{"energy.pj_per_mac", nullptr}, {"area.mm2", nullptr}}}) {
        const report::KernelResult result = run_with_energy(attention_panel("ring_kv", 3), changes);
        CHECK(result.energy->has_total() == changes.empty());
        CHECK(result.energy->area.missing.empty() == changes.empty());
        CHECK(report::read_kernel_result(Json::parse(report::kernel_to_json(result).dump()), "test") == result);
    }
}

TEST_CASE("types that nobody has published an energy of have no total by the shipped table") {
    Json panel = attention_panel("ring_kv", 3);
    panel["problem"]["dtype"] = "f8e4m3";
    const report::KernelResult result = run_with_energy(panel);
    REQUIRE(result.energy->missing.size() == 1);
    CHECK(result.energy->missing[0].starts_with("machine.energy.pj_per_mac.f8e4m3 is missing (needed for "));
    CHECK(run_with_energy(panel, {{"energy.pj_per_mac.f8e4m3", 0.4}}).energy->has_total());
}

TEST_CASE("energy per query token is that of the run over the queries of all users") {
    const report::KernelResult result = run_with_energy(tiny_users(attention_panel("mesh_mlo", 4)));
    CHECK(result.energy->query_tokens == 2);
    CHECK(result.energy->joules_per_query_token == Approx(result.energy->joules / 2));
    CHECK(run_with_energy(panels().back().second).energy->query_tokens == 0);
}

TEST_CASE("a limit of power is checked without asking for energy, and makes a caution where it is exceeded") {
    Json panel = attention_panel("ring_kv", 4);
    panel["machine"]["energy"] = "7nm";
    const auto cautions = [&](double watts) {
        panel["machine"]["power_limit"] = {{"machine_watts", watts}, {"cube_watts", 1e6}};
        const report::KernelResult result = traced(panel, {}, false).result;
        REQUIRE(result.energy);
        CHECK(result.energy->limits.size() == 2);
        return std::count_if(result.cautions.begin(), result.cautions.end(), [](const report::Caution& caution) {
            return caution.regime == "above its power limit";
        });
    };
    CHECK(cautions(60.0) == 1);
    CHECK(cautions(6000.0) == 0);
}

TEST_CASE("a run of no time has neither power nor shares of the energy that it has not") {
    report::PanelResult panel;
    panel.name = "idle";
    for (const char* label : {"first", "second"}) {
        report::KernelResult& kernel = panel.kernels.emplace_back();
        kernel.label = label;
        kernel.energy.emplace();
        kernel.energy->technology = "test";
        kernel.energy->uses.push_back({"watts.pe", "static", "PEs", 1.0, 0.5, 0.0, "nowhere", "low"});
    }
    CHECK(report::energy_text(panel) == "energy of first (test): 0 pJ\n");
    report::RunResult run;
    run.panels.push_back(panel);
    CHECK_THAT(report::entries_text(run, false), !Catch::Contains("nan") && !Catch::Contains("inf"));
    // What takes no time may take energy.
    report::EnergyResult& energy = *panel.kernels.front().energy;
    energy.uses.front().joules = energy.joules = 2e-12;
    CHECK(report::energy_text(panel) ==
          "energy of first (test): 2 pJ = static 100.0%\n"
          "its sources (100% of low trust) are in --json, each with the key that it is the source of\n");
}

TEST_CASE("an area of which every price is 0 has no shares") {
    report::KernelResult kernel;
    kernel.energy = report::EnergyResult();
    kernel.energy->area.technology = "test";
    kernel.energy->area.parts = {{"mm2_per_mac.matrix", 8.0, 0.0, 0.0, "", ""},
                                 {"mm2_each.router", 8.0, 0.5, 4.0, "", ""}};
    kernel.energy->area.mm2 = 4.0;
    report::PanelResult panel;
    panel.kernels.push_back(kernel);
    CHECK_THAT(report::energy_text(panel), Catch::Contains("area (test): 4 mm2 = matrix 0.0%, routers 100.0%\n"));
    panel.kernels.front().energy->area.parts.pop_back();
    panel.kernels.front().energy->area.mm2 = 0.0;
    CHECK_THAT(report::energy_text(panel), Catch::EndsWith("area (test): 0 mm2\n"));
}
