// SPDX-License-Identifier: Apache-2.0
// Do entries run apart from each other, in any number of processes, with the same results; and what is left when one
// dies or the user has had enough?
#include "sim/run/workers.h"
#include "sim/report/result_json.h"
#include "tests/command/example_panel.h"
#include "tests/command/processes.h"

#include <csignal>
#include <thread>

using namespace tilemesh;
using report::Status;

namespace {

run::Panel panel_with(const std::string& name, const std::vector<std::string>& kernels) {
    Json json = example_panel(kernels);
    json["name"] = name;
    return read_example(json);
}

run::RunOutcome run_with(const std::vector<run::Panel>& panels, int workers) {
    run::RunOptions options;
    options.workers = workers;
    return run::run_panels("test", panels, options);
}

/// Living processes of the command with something in this folder on their command line.
int processes_about(const ScratchFolder& folder) {
    int count = 0;
    std::error_code ignored;
    for (const auto& process : std::filesystem::directory_iterator("/proc")) {
        const auto program = std::filesystem::read_symlink(process.path() / "exe", ignored);
        if (program != TILEMESH_FAKE_COMMAND) continue;
        count += read_file(process.path() / "cmdline").find((folder / "").string()) != std::string::npos ? 1 : 0;
    }
    return count;
}

}  // namespace

TEST_CASE("an entry that dies loses its own result only") {
    const auto outcome = run_with({panel_with("a", {"good", "segfault", "leave", "stuck", "wrong"})}, 2);
    const auto& kernels = outcome.result.panels[0].kernels;
    REQUIRE(kernels.size() == 5);
    CHECK(kernels[0].status == Status::ok);
    CHECK(kernels[0].verdict.pass);
    CHECK(kernels[1].status == Status::crashed);
    CHECK_THAT(kernels[1].error, Catch::Contains("signal 11"));
    CHECK(kernels[2].status == Status::crashed);
    CHECK_THAT(kernels[2].error, Catch::Contains("status 7"));
    CHECK(kernels[3].status == Status::failed);
    CHECK(kernels[3].error == "deadlock: pe0 waits for pe1");
    CHECK(kernels[4].status == Status::ok);
    CHECK_FALSE(kernels[4].verdict.pass);
    CHECK(run::exit_code(outcome.result) == 1);
}

TEST_CASE("a panel has as many entries as somebody wants, each with its own result") {
    Json json = example_panel({"good"});
    json["kernels"] = Json::array();
    for (int i = 0; i < 300; ++i) json["kernels"].push_back({{"kernel", "good"}, {"label", fmt::format("k{}", i)}});
    const auto outcome = run_with({read_example(json)}, 4);
    REQUIRE(outcome.result.panels[0].kernels.size() == 300);
    for (int i = 0; i < 300; ++i) {
        const report::KernelResult& kernel = outcome.result.panels[0].kernels[static_cast<std::size_t>(i)];
        CHECK(kernel.label == fmt::format("k{}", i));
        CHECK(kernel.status == Status::ok);
    }
}

TEST_CASE("the exit code tells good, wrong and self-contradicting runs apart") {
    CHECK(run::exit_code(run_with({panel_with("a", {"good"})}, 1).result) == 0);
    CHECK(run::exit_code(run_with({panel_with("a", {"good", "wrong"})}, 1).result) == 1);
    const auto impossible = run_with({panel_with("a", {"wrong", "impossible"})}, 1);
    CHECK(run::exit_code(impossible.result) == 3);
    CHECK_THAT(impossible.result.panels[0].kernels[1].error, Catch::Contains("less than its machine bound"));
}

TEST_CASE("the result does not depend on the number of workers") {
    std::vector<run::Panel> panels;
    for (const char* name : {"a", "b", "c", "d"}) panels.push_back(panel_with(name, {"good", "wrong", "segfault"}));
    Json one = report::to_json(run_with(panels, 1).result), many = report::to_json(run_with(panels, 5).result);
    one.erase("host");
    many.erase("host");
    CHECK(report::pretty(one) == report::pretty(many));
}

TEST_CASE("inputs are made once per panel, in a process the entries are forked from") {
    const auto outcome = run_with({panel_with("a", {"good", "wrong"})}, 2);
    for (const auto& kernel : outcome.result.panels[0].kernels) CHECK(kernel.note == "inputs shared");
}

TEST_CASE("preparing a panel uses no more threads than there are workers") {
    for (const int workers : {1, 3}) {
        const auto outcome = run_with({panel_with("a", {"counts"})}, workers);
        CHECK(outcome.result.panels[0].kernels[0].note == fmt::format("prepared by {} threads", workers));
    }
}

TEST_CASE("a panel whose preparation dies loses its own entries only") {
    Json json = example_panel({"good", "wrong"});
    json["inputs"] = {{"tensors", "x"}, {"prefix", "die"}};
    const auto outcome = run_with({read_example(json), panel_with("b", {"good"})}, 2);
    for (const auto& kernel : outcome.result.panels[0].kernels) CHECK(kernel.status == Status::crashed);
    CHECK(outcome.result.panels[1].kernels[0].status == Status::ok);
    CHECK(run::exit_code(outcome.result) == 1);
}

TEST_CASE("inputs that cannot be used are bad input, not a crash") {
    Json json = example_panel();
    json["inputs"] = {{"tensors", "x"}, {"prefix", "refuse"}};
    CHECK_THAT(input_error([&] { run_with({read_example(json)}, 1); }), Catch::Contains("no such tensor"));
}

TEST_CASE("panels are reported in their order, each once, and progress ends at the number of entries") {
    std::vector<run::Panel> panels;
    for (const char* name : {"a", "b", "c"}) panels.push_back(panel_with(name, {"good", "wrong"}));
    std::string order;
    run::Progress last;
    run::RunOptions options;
    options.workers = 4;
    options.on_panel = [&](const report::PanelResult& panel) { order += panel.name; };
    options.on_progress = [&](const run::Progress& progress) { last = progress; };
    run::run_panels("test", panels, options);
    CHECK(order == "abc");
    CHECK(last.entries == 6);
    CHECK(last.finished == 6);
}

TEST_CASE("Ctrl-C ends every worker, keeps what was finished and exits with 130") {
    const ScratchFolder folder;
    write_file(folder / "panel.json", example_panel({"good", "sleep"}).dump());
    const std::string json = (folder / "out.json").string(), pid = (folder / "pid").string();
    int processes_seen = 0;
    std::thread user([&] {
        // "good" is done as soon as "sleep" is what remains; half a second is plenty for it.
        while (!std::filesystem::exists(pid) || read_file(pid).empty()) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
        processes_seen = processes_about(folder);
        ::kill(std::stoi(read_file(pid)), SIGINT);
    });
    const Ran ran = run_command(folder, "sh -c 'echo $$ > " + pid + "; exec " TILEMESH_FAKE_COMMAND " run " +
                                            (folder / "panel.json").string() + " -j 1 --json " + json + "'");
    user.join();
    CHECK(processes_seen >= 4);  // the command, one that prepared, a watcher, the entry
    CHECK(ran.exit_code == 130);
    const auto result = report::read_run_result(parse_json_file(json), json);
    CHECK(result.panels[0].kernels[0].status == Status::ok);
    CHECK(result.panels[0].kernels[1].status == Status::interrupted);
    CHECK_THAT(ran.out, Catch::Contains("interrupted"));
    CHECK_THAT(ran.err, Catch::Contains("finished entries are in"));
    // Killed processes take a moment to go.
    for (int wait = 0; wait < 100 && processes_about(folder) > 0; ++wait)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(processes_about(folder) == 0);
}

TEST_CASE("Ctrl-C leaves what explain had not finished interrupted, as in run, and not failed") {
    const ScratchFolder folder;
    write_file(folder / "panel.json", example_panel({"good", "sleep"}).dump());
    const std::string json = (folder / "out.json").string(), pid = (folder / "pid").string();
    std::thread user([&] {
        while (!std::filesystem::exists(pid) || read_file(pid).empty()) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
        ::kill(std::stoi(read_file(pid)), SIGINT);
    });
    const Ran ran = run_command(folder, "sh -c 'echo $$ > " + pid + "; exec " TILEMESH_FAKE_COMMAND " explain " +
                                            (folder / "panel.json").string() + " -j 1 --json " + json + "'");
    user.join();
    CHECK(ran.exit_code == 130);
    const auto result = report::read_run_result(parse_json_file(json), json);
    CHECK(result.panels[0].kernels[0].status == Status::ok);
    CHECK(result.panels[0].kernels[1].status == Status::interrupted);
    CHECK(result.panels[0].kernels[1].error.empty());
    CHECK_THAT(ran.out, Catch::Contains("sleep: interrupted\n"));
    for (const report::WhatIf& change : result.panels[0].kernels[0].what_if)
        CHECK(change.impossible.find("interrupted") == std::string::npos);
}

TEST_CASE("the same panel gives the same bytes again, host facts apart") {
    const ScratchFolder folder;
    write_file(folder / "panel.json", example_panel({"good", "wrong", "segfault"}).dump());
    std::string texts[2];
    for (auto& text : texts) {
        const std::string json = (folder / "out.json").string();
        const Ran ran = run_command(
            folder, TILEMESH_FAKE_COMMAND " run " + (folder / "panel.json").string() + " --quiet --json " + json);
        CHECK(ran.exit_code == 1);
        CHECK(ran.out.empty());
        CHECK(ran.err.empty());
        Json result = parse_json_file(json);
        result.erase("host");
        text = report::pretty(result);
    }
    CHECK(texts[0] == texts[1]);
}

TEST_CASE("--save-outputs writes the tensors of the one kernel that ran") {
    const ScratchFolder folder;
    write_file(folder / "panel.json", example_panel({"good", "wrong"}).dump());
    const std::string command = TILEMESH_FAKE_COMMAND " run " + (folder / "panel.json").string() +
                                " --save-outputs " + (folder / "o.safetensors").string();
    check_bad_input(run_command(folder, command));
    CHECK(run_command(folder, command + " --kernel good").exit_code == 0);
    const SafetensorsFile saved(folder / "o.safetensors");
    CHECK(saved.read_floats("user0.lse") == std::vector<float>{1.0F, 2.0F});
    CHECK(saved.metadata().at("kernel") == "good");
}

TEST_CASE("a milestone prints each panel, then one line for each, and compare finds no difference to itself") {
    const ScratchFolder folder;
    write_file(folder / "panel.json", example_panel({"good"}).dump());
    write_file(folder / "m.json", R"({"panels": ["panel.json", {"panel": "panel.json", "name": "again"}]})");
    const std::string json = (folder / "out.json").string();
    const Ran ran =
        run_command(folder, TILEMESH_FAKE_COMMAND " bench " + (folder / "m.json").string() + " --json " + json);
    CHECK(ran.exit_code == 0);
    CHECK_THAT(ran.out, Catch::Contains("m: 2 panels, 2 entries, 2 pass"));
    CHECK(run_command(folder, TILEMESH_FAKE_COMMAND " compare " + json + " " + json).exit_code == 0);
    const Ran check =
        run_command(folder, TILEMESH_FAKE_COMMAND " check " + json + " " + (folder / "m.json").string());
    CHECK(check.exit_code == 0);
    CHECK_THAT(check.out, Catch::Contains("result file, 2 panels"));
    CHECK_THAT(check.out, Catch::Contains("milestone, 2 panels, 2 kernels"));
}

TEST_CASE("a quiet run says on standard error what failed, and nothing else") {
    const ScratchFolder folder;
    write_file(folder / "panel.json", example_panel({"good", "wrong", "stuck"}).dump());
    const Ran ran = run_command(folder, TILEMESH_FAKE_COMMAND " run -q " + (folder / "panel.json").string());
    CHECK(ran.exit_code == 1);
    CHECK(ran.out.empty());
    CHECK(ran.err == "tilemesh: error: example/stuck: deadlock: pe0 waits for pe1\n");
}
