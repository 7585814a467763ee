// SPDX-License-Identifier: Apache-2.0
// Programs with one mistake each (planted.py): the check finds it in less than a second and names PEs, commands and
// lines; without the mistake it finds nothing.
#include "tests/check/checked.h"
#include "tests/language/says.h"
#include "tests/programs/programs.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>

#include <sys/resource.h>

#include <fstream>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

/// "planted.py:12:", the line that has this comment.
std::string line_with(const std::string& comment) {
    std::ifstream file(std::string(TILEMESH_SOURCE_DIR) + "/tests/check/planted.py");
    std::string line;
    for (int number = 1; std::getline(file, line); ++number)
        if (line.ends_with("# " + comment)) return fmt::format("planted.py:{}:", number);
    return "no such line";
}

/// This process and the children that it has waited for: what others do on the machine does not count.
double worked_seconds() {
    double seconds = 0.0;
    for (const auto who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
        rusage usage{};
        ::getrusage(who, &usage);
        for (const timeval& time : {usage.ru_utime, usage.ru_stime})
            seconds += static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    }
    return seconds;
}

check::Report checked(const std::string& kernel, int instances, int programs_per_pe = 1, bool counter = false) {
    Json tensors = {{"x", {{"shape", {16}}, {"dtype", "f32"}, {"values", "ones"}}},
                    {"y", {{"shape", {128}}, {"dtype", "f32"}}}};
    Json arguments = {{"x", "x"}, {"y", "y"}};
    if (counter) {
        tensors["counter"] = {{"shape", {1}}, {"dtype", "i32"}, {"values", "zeros"}};
        arguments["counter"] = "counter";
    }
    Json panel = small_panel(kernel, tensors, arguments, {instances});
    panel["kernels"][0]["program"]["file"] = "../check/planted.py";
    panel["kernels"][0]["programs_per_pe"] = programs_per_pe;
    panel["values"]["mode"] = "none";
    const double begin = worked_seconds();
    check::Report report = check_panel(panel);
    CHECK(worked_seconds() - begin < 1.0);
    return report;
}

}  // namespace

TEST_CASE("a message that nobody receives") {
    CHECK_THAT(found(checked("sends_twice", 2), "unmatched message"),
               says(line_with("never received"), "machine.cube0.pe0, command 3 (send) has no counterpart",
                    "sends 2 messages to machine.cube0.pe1, which receives 1"));
}

TEST_CASE("two that wait for each other's message before they send") {
    CHECK_THAT(found(checked("both_wait_first", 2), "deadlock"),
               says("2 of 2 PEs wait for ever", line_with("received first"),
                    "machine.cube0.pe0.receive_from_pe1: command 0 (recv) waits for message 0 from "
                    "machine.cube0.pe1, which has started 0 sends",
                    "machine.cube0.pe1: the kernel waits for the tile of command 0 (recv)",
                    "and so back to machine.cube0.pe0"));
}

TEST_CASE("K where V is expected") {
    CHECK_THAT(found(checked("keys_for_values", 2), "failure"),
               says(line_with("V first"), line_with("K"), "message 0 from machine.cube0.pe0 to machine.cube0.pe1",
                    "sent as f32 [16] (command 1)", "received as f32 [8] (command 0)"));
}

TEST_CASE("a barrier that one PE does not come to") {
    CHECK_THAT(found(checked("misses_the_barrier", 4), "deadlock"),
               says("3 of 4 PEs", line_with("not all come"), "waits at a barrier for machine.cube0.pe2",
                    "machine.cube0.pe2 has finished its kernel"));
}

TEST_CASE("a neighbour on the wrong side") {
    CHECK_THAT(found(checked("asks_the_wrong_side", 4), "deadlock"),
               says(line_with("should be W"), "machine.cube0.pe1.receive_from_pe2", "command 2 (recv)"));
}

TEST_CASE("a PE that returns before it has sent") {
    CHECK_THAT(found(checked("returns_early", 4), "deadlock"),
               says(line_with("of who has returned"), "waits for message 0 from machine.cube0.pe1",
                    "machine.cube0.pe1 has finished its kernel"));
}

TEST_CASE("two PEs that store the same bytes") {
    CHECK_THAT(found(checked("both_store", 2), "race"),
               says(line_with("everybody's place"), "machine.cube0.pe0, command 1 (store)",
                    "machine.cube0.pe1, command 1 (store)", "y in machine.cube0.hbm0, byte 0"));
}

TEST_CASE("barriers of launches one after the other, of which some PEs have no instance") {
    for (const std::vector<int>& grids : std::vector<std::vector<int>>{{12, 3}, {3, 12}, {1, 16, 5}})
        for (const char* const mode : {"none", "full"}) {
            Json panel = small_panel("stores_behind_a_barrier",
                                     {{"x", {{"shape", {16}}, {"dtype", "f32"}, {"values", "ones"}}},
                                      {"y", {{"shape", {512}}, {"dtype", "f32"}}}},
                                     {{"x", "x"}, {"y", "y"}}, {1});
            Json& programs = panel["kernels"][0]["program"];
            programs["file"] = "../check/planted.py";
            const Json one = programs;
            programs = Json::array();
            for (const int grid : grids) {
                programs.push_back(one);
                programs.back()["grid"] = {grid};
            }
            panel["kernels"][0]["programs_per_pe"] = 2;
            panel["values"]["mode"] = mode;
            CHECK(found(check_panel(panel), "deadlock") == "");
            CHECK(found(check_panel(panel), "failure") == "");
        }
}

TEST_CASE("a load that races a store of another PE, and one behind a barrier") {
    CHECK_THAT(
        found(checked("stores_to_the_neighbour", 4), "race"),
        says(line_with("written here"), line_with("read there"), "(load)", "(store)", "y in machine.cube0.hbm"));
    CHECK(checked("stores_behind_a_barrier", 4).findings.empty());
}

TEST_CASE("a message that says a store is done before it is") {
    CHECK_THAT(found(checked("signals_too_soon", 2), "race"),
               says(line_with("may be under way"), "machine.cube0.pe0, command 1 (store)",
                    line_with("when this is read"), "machine.cube0.pe1, command 1 (load)"));
}

TEST_CASE("a load of what nobody has written") {
    CHECK_THAT(
        found(checked("reads_what_nobody_wrote", 1), "unwritten"),
        says(line_with("the other half"), "machine.cube0.pe0, command 2 (load)", "y in machine.cube0.hbm0, byte 32"));
}

TEST_CASE("a store beyond the end of its tensor") {
    CHECK_THAT(found(checked("leaves_the_tensor", 4), "failure"),
               says(line_with("beyond y"), "elements 128 to 143 do not lie inside y, which has 128"));
}

TEST_CASE("more than the SRAM holds") {
    CHECK_THAT(found(checked("asks_for_more_than_there_is", 1), "failure"),
               says(line_with("the third of 3 MiB"), "machine.cube0.pe0, command 2: no room for 3145728 bytes",
                    "of command 0 (fill)"));
}

TEST_CASE("a tile that nobody uses is worth a note, and no mistake") {
    const check::Report report = checked("makes_too_much", 2);
    CHECK(report.sound());
    CHECK_THAT(found(report, "unused"), says(line_with("for nothing"), "machine.cube0.pe0, command 0 (load)"));
    CHECK(report.findings.front().times == 2);
}

TEST_CASE("programs of one PE that may wait for each other's SRAM") {
    CHECK_THAT(found(checked("holds_two_thirds", 16, 2), "SRAM in no order"),
               says("machine.cube0.pe0: its 2 programs hold up to", "of 8388608 bytes of SRAM"));
    CHECK(checked("holds_two_thirds", 8).findings.empty());
}

TEST_CASE("atomic additions do not race") { CHECK(checked("counts_up", 8, 1, true).findings.empty()); }

TEST_CASE("what a lock guards is in the lock's order, if it is done when the lock is given up") {
    CHECK(checked("takes_turns", 4, 1, true).findings.empty());
    CHECK_THAT(found(checked("gives_up_its_turn_too_soon", 4, 1, true), "race"),
               says(line_with("not waited for"), "machine.cube0.pe0, command", "machine.cube0.pe1, command"));
}
