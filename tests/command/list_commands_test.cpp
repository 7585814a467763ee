// SPDX-License-Identifier: Apache-2.0
// Does `tilemesh list commands` name every command, with keys of a machine that exist and set its cost?
#include "sim/pe/cost.h"
#include "sim/pe/cost_text.h"
#include "sim/run/resolve.h"
#include "sim/tile/command_table.h"
#include "tests/command/known_keys.h"
#include "tests/command/processes.h"

using namespace tilemesh;

namespace {

/// Words such as pe.matrix.rows, without what follows a full stop at their end.
std::set<std::string> keys_in(const std::string& text) {
    std::set<std::string> keys;
    for (std::size_t at = text.find("pe."); at != std::string::npos; at = text.find("pe.", at + 1)) {
        std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.", at);
        std::string key = text.substr(at, end - at);
        if (key.back() == '.') key.pop_back();
        keys.insert(key);
    }
    return keys;
}

}  // namespace

TEST_CASE("list commands has a line for every command, with its engine and its cost") {
    const ScratchFolder folder;
    const Ran ran = run_command(folder, TILEMESH_COMMAND " list commands");
    CHECK(ran.exit_code == 0);
    std::string names;
    for (const CommandEntry& command : command_table()) {
        INFO(command.name);
        const std::size_t at = ("\n" + ran.out).find("\n" + std::string(command.name) + " ");
        REQUIRE(at != std::string::npos);
        const std::string line = ran.out.substr(at, ran.out.find('\n', at) - at);
        CHECK_THAT(line, Catch::Contains(" " + std::string(name_of(engine_of(command.op))) + " "));
        CHECK_THAT(line, Catch::EndsWith(pe::cost_text(command.op)));
        names += std::string(command.name) + "\n";
    }
    CHECK(run_command(folder, TILEMESH_COMMAND " list commands --names").out == names);
    for (const char* atomic : {"add", "cas", "max", "min", "and", "or", "xor", "xchg"})
        CHECK_THAT(ran.out, Catch::Contains(std::string("atomic_") + atomic));
}

TEST_CASE("list probes has the probes that are shipped, and not the lists that they read") {
    const ScratchFolder folder;
    const Ran ran = run_command(folder, TILEMESH_COMMAND " list probes");
    CHECK(ran.exit_code == 0);
    CHECK_THAT(ran.out, Catch::Contains("transfers_ring"));
    CHECK_THAT(ran.out, !Catch::Contains("cannot be used") && !Catch::Contains("ring_step"));
    CHECK_THAT(run_command(folder, TILEMESH_COMMAND " list probes --names").out, !Catch::Contains("ring_step"));
}

TEST_CASE("every key of a machine that the costs of commands name is one") {
    std::string text;
    for (const CommandEntry& command : command_table()) text += pe::cost_text(command.op) + "\n";
    for (const auto& note : pe::cost_notes()) text += note + "\n";
    Json panel = example_panel();
    panel["machine"] = run::resolve_machine_file(example_machine).json;
    const auto keys = keys_in(text);
    CHECK(keys.size() > opcode_count - 5);
    for (const std::string& key : keys) {
        INFO(key);
        std::string pointer = "/machine/" + key;
        std::replace(pointer.begin(), pointer.end(), '.', '/');
        const std::size_t last = pointer.rfind('/');
        CHECK(keys_known_at(panel, pointer.substr(0, last)).count(pointer.substr(last + 1)) == 1);
    }
}

TEST_CASE("a vector command costs what is said: elements in turns of the lanes, times the key that is named") {
    pe::VectorConfig vector;
    vector.lanes = 8;
    vector.startup_cycles = 5;
    for (const CommandEntry& command : command_table()) {
        if (engine_of(command.op) != EngineKind::vector) continue;
        INFO(command.name);
        vector.cycles_per_element.fill(1.0);
        vector.cycles_per_element[static_cast<std::size_t>(command.op)] = 3.0;
        const pe::Cost cost = pe::vector_cost(vector, command.op, 17);
        CHECK(cost.occupancy_cycles == 9.0);
        CHECK(cost.latency_cycles == 14.0);
        CHECK_THAT(pe::cost_text(command.op), Catch::EndsWith(".cycles_per_element." + std::string(command.name)));
    }
}

TEST_CASE("a dot costs what is said of each dataflow") {
    const double m = 300, n = 100, k = 70, rows = 128, cols = 64;
    const auto cost = [&](pe::Dataflow dataflow, bool overlap) {
        return pe::systolic_cost(128, 64, dataflow, overlap, 300, 100, 70);
    };
    const double output_folds = 3 * 2, weight_folds = 1 * 2;  // ceil(m / rows), ceil(k / rows) times ceil(n / cols)
    const double output_pace = rows, weight_pace = m;         // max(k, min(m, rows)), max(m, min(k, rows))
    const auto output = cost(pe::Dataflow::output_stationary, true);
    CHECK(output.occupancy_cycles == output_folds * output_pace);
    CHECK(output.latency_cycles - output.occupancy_cycles == rows + cols - 2 + k - output_pace);
    const auto weight = cost(pe::Dataflow::weight_stationary, true);
    CHECK(weight.occupancy_cycles == weight_folds * weight_pace);
    CHECK(weight.latency_cycles - weight.occupancy_cycles == 2 * rows + cols - 2 + m - weight_pace);
    CHECK(cost(pe::Dataflow::ideal, true).occupancy_cycles == Approx(m * n * k / (rows * cols)));
    CHECK(cost(pe::Dataflow::output_stationary, false).latency_cycles == output_folds * (k + rows + cols - 2) - 1);
    CHECK(cost(pe::Dataflow::weight_stationary, false).latency_cycles ==
          weight_folds * (m + 2 * rows + cols - 2) - 1);
}
