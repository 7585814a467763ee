// SPDX-License-Identifier: Apache-2.0
// Does a panel mean what it says: defaults, kernels, ranks, bases, --set?
#include "tests/command/example_panel.h"

using namespace tilemesh;

TEST_CASE("everything but machine, problem and kernels has a default") {
    Json json = example_panel();
    for (const char* key : {"ranks", "values"}) json.erase(key);
    const auto panel = read_example(json);
    CHECK_FALSE(attention_of(panel).ranks.count);
    CHECK(attention_of(panel).ranks.unit == workloads::RankUnit::pe);
    CHECK(panel.values.mode == run::ValueMode::sampled);
    CHECK(panel.values.rows == 64);
    CHECK(panel.values.seed == 1);
    CHECK(panel.layers == 1);
    CHECK_FALSE(panel.tolerance);
    CHECK(attention_of(panel).inputs.tensors.path.empty());
}

TEST_CASE("a kernel is a name or an object, and what is not given is chosen automatically") {
    Json json = example_panel();
    json["kernels"] = Json::parse(R"(["good", {"kernel": "good", "label": "tuned", "tile_keys": 512}])");
    const auto panel = read_example(json);
    REQUIRE(panel.kernels.size() == 2);
    CHECK(panel.kernels[0].label == "good");
    CHECK(attention_of(panel).kernels[0].tile_keys == 0);
    CHECK(panel.kernels[1].kernel == "good");
    CHECK(panel.kernels[1].label == "tuned");
    CHECK(attention_of(panel).kernels[1].tile_keys == 512);
    CHECK(attention_of(panel).kernels[1].tile_queries == 0);
}

TEST_CASE("ranks stand where the placement says") {
    using Units = std::vector<std::int64_t>;
    const auto units = [](const std::vector<std::string>& settings) {
        const run::Panel panel = read_example(example_panel(), settings);
        return workloads::units_of_ranks(attention_of(panel), attention_of(panel).ranks, 8);
    };
    CHECK(units({}) == Units{0, 1, 2, 3, 4});
    CHECK(units({"ranks.count=null"}) == Units{0, 1, 2, 3, 4, 5, 6, 7});
    CHECK(units({"ranks.placement=reversed"}) == Units{4, 3, 2, 1, 0});
    CHECK(units({"ranks.placement=[3,0,7,1,2]"}) == Units{3, 0, 7, 1, 2});
    CHECK(units({"ranks.count=2", "ranks.placement=[3,0,7]"}) == Units{3, 0});
    CHECK(units({"ranks.count=null", "ranks.placement=[5,4]"}) == Units{5, 4});
}

TEST_CASE("a placement that the machine does not have is refused") {
    const auto refused = [](const std::vector<std::string>& settings) {
        return input_error([&] {
            const run::Panel panel = read_example(example_panel(), settings);
            workloads::units_of_ranks(attention_of(panel), attention_of(panel).ranks, 8);
        });
    };
    CHECK(refused({"ranks.count=9"}) ==
          "--set ranks.count=9: found 9 ranks, expected at most 8, one per PE of the machine");
    CHECK(refused({"ranks.count=2", "ranks.placement=[0,8]"}) ==
          "--set ranks.placement=[0,8]: /1: found 8, expected the number of a PE, 0 to 7");
    CHECK_THAT(refused({"ranks.placement=[0,1,2,1,4]"}), Catch::Contains(": /3: found 1"));
    CHECK_THAT(refused({"ranks.placement=[0,1]"}), Catch::Contains("at least as many as ranks/count, 5"));
}

TEST_CASE("--set reaches every key of the resolved panel") {
    const auto panel =
        read_example(example_panel(), {"problem.users.0.keys=200", "kernels.0.tile_keys=32", "values.mode=none",
                                       "problem.mask={\"kind\": \"full\"}", "tolerance.relative_l2=0.5", "layers=3"});
    CHECK(attention_of(panel).problem.users[0].keys == 200);
    CHECK(attention_of(panel).kernels[0].tile_keys == 32);
    CHECK(panel.values.mode == run::ValueMode::none);
    CHECK(attention_of(panel).problem.mask->name() == attention::full_mask()->name());
    CHECK(panel.tolerance == 0.5);
    CHECK(panel.layers == 3);
    CHECK(panel.resolved["problem"]["users"][0]["keys"] == 200);  // what the result file will carry
}

TEST_CASE("of a key and what it is a part of both are set, whichever is given first") {
    const std::string machine = "machine=" TILEMESH_CONFIGS "/machines/cube_2x4.json",
                      depth = "machine.pe.queue_depth=3", users = "problem.users=[{\"keys\": 90}]";
    for (const auto& given : {std::vector{depth, machine, users}, std::vector{users, machine, depth}}) {
        run::Resolved resolved = run::resolve_panel_object(example_panel(), "panel.json", "");
        run::apply_settings(resolved, run::parse_settings(given));
        CHECK(resolved.json["machine"]["name"] == "cube_2x4");
        CHECK(resolved.json["machine"]["pe"]["queue_depth"] == 3);
        CHECK(resolved.json["problem"]["users"].size() == 1);
    }
    run::Resolved twice = run::resolve_panel_object(example_panel(), "panel.json", "");
    run::apply_settings(twice, run::parse_settings({"layers=2", "values.seed=4", "layers=3"}));
    CHECK(twice.json["layers"] == 3);
}

TEST_CASE("a --set that leads nowhere is refused and says where it failed") {
    const auto refused = [](const std::string& setting) {
        return input_error([&] { read_example(example_panel(), {setting}); });
    };
    CHECK_THAT(refused("problem.user.0.keys=5"),
               Catch::StartsWith("--set problem.user.0.keys=5: unknown key, did you mean users?"));
    CHECK_THAT(refused("problem.users.1.keys=5"),
               Catch::Contains("found 1, expected the index of one of 1 elements"));
    CHECK_THAT(refused("problem.users.x.keys=5"), Catch::Contains("found x"));
    CHECK_THAT(refused("problem.heads_q.x=5"), Catch::Contains("6 is a plain value"));
    CHECK_THAT(refused("nonsense"), Catch::Contains("expected a.b.0.c=value"));
    CHECK_THAT(refused("=5"), Catch::Contains("expected a.b.0.c=value"));
    CHECK_THAT(refused("problem..x=5"), Catch::Contains("empty step"));
    CHECK_THAT(refused("values.mode=ful"), Catch::Contains("did you mean full?"));
    CHECK_THAT(refused("problem.users.0.keys=many"),
               Catch::StartsWith("--set problem.users.0.keys=many: found a string"));
    CHECK_THAT(refused("machine.zzzzzz=5"), Catch::StartsWith("--set machine.zzzzzz=5: unknown key"));
    CHECK_THAT(refused("machine=no_such_file.json"),
               Catch::StartsWith("--set machine=no_such_file.json: no_such_file.json: cannot be read"));
}

TEST_CASE("a panel file may build on another, with paths relative to the file that says them") {
    const ScratchFolder folder;
    std::filesystem::create_directories(folder / "deep");
    write_file(folder / "machine.json", Json{{"base", example_machine}}.dump());
    Json base = example_panel();
    base["machine"] = "machine.json";
    base["name"] = "base";
    base["inputs"] = {{"tensors", "x.safetensors"}, {"prefix", "case."}};
    write_file(folder / "base.json", base.dump());
    write_file(folder / "deep" / "top.json", R"({"base": "../base.json", "problem": {"heads_q": 4, "scale": 0.5},
                                                 "values": {"mode": "none"}, "ranks": {"count": null}})");
    const auto panel = run::load_panel(folder / "deep" / "top.json", {}, fake_workloads());
    CHECK(panel.name == "top");  // not "base"
    CHECK(attention_of(panel).problem.heads_q == 4);
    CHECK(attention_of(panel).problem.scale == 0.5);
    CHECK(attention_of(panel).problem.heads_kv == 2);
    CHECK(panel.values.mode == run::ValueMode::none);
    CHECK(panel.values.rows == 8);
    CHECK_FALSE(attention_of(panel).ranks.count);
    CHECK(attention_of(panel).inputs.tensors.path == folder / "x.safetensors");
    CHECK(panel.resolved["machine"].is_object());
}

TEST_CASE("a file that builds on itself is refused, not followed for ever") {
    const ScratchFolder folder;
    write_file(folder / "loop.json", R"({"base": "loop.json"})");
    CHECK_THAT(input_error([&] { run::load_panel(folder / "loop.json", {}, fake_workloads()); }),
               Catch::Contains("on itself?"));
    CHECK_THAT(input_error([&] { run::resolve_machine_file(folder / "loop.json"); }), Catch::Contains("on itself?"));
}

TEST_CASE("a milestone takes panels by path, by path with changes, and in place") {
    const ScratchFolder folder;
    write_file(folder / "a.json", example_panel().dump());
    Json in_place = example_panel();
    in_place["name"] = "in_place";
    Json milestone = {{"name", "m"}, {"panels", Json::array()}};
    milestone["panels"].push_back("a.json");
    milestone["panels"].push_back({{"panel", "a.json"}, {"name", "b"}, {"set", {{"problem.users.0.keys", 300}}}});
    milestone["panels"].push_back(in_place);
    write_file(folder / "m.json", milestone.dump());
    const auto read = run::load_milestone(folder / "m.json", {run::parse_setting("values.seed=9")}, fake_workloads());
    REQUIRE(read.panels.size() == 3);
    CHECK(read.panels[0].name == "example");
    CHECK(read.panels[1].name == "b");
    CHECK(attention_of(read.panels[1]).problem.users[0].keys == 300);
    CHECK(read.panels[2].name == "in_place");
    for (const auto& panel : read.panels) CHECK(panel.values.seed == 9);

    milestone["panels"][1]["set"]["problem.users.5.keys"] = 3;
    write_file(folder / "m.json", milestone.dump());
    const auto refusal = [&] {
        return input_error([&] { run::load_milestone(folder / "m.json", {}, fake_workloads()); });
    };
    CHECK_THAT(refusal(), Catch::EndsWith("m.json: /panels/1/set/problem.users.5.keys: found 5, expected the index "
                                          "of one of 1 elements"));
    milestone["panels"][1]["set"] = {{"problem.users.0.keys", "many"}};
    write_file(folder / "m.json", milestone.dump());
    CHECK_THAT(refusal(), Catch::EndsWith("m.json: /panels/1/set/problem.users.0.keys: found a string \"many\", "
                                          "expected an integer from 0 to 134217728"));
    milestone["panels"].erase(1);
    milestone["panels"].push_back("a.json");
    write_file(folder / "m.json", milestone.dump());
    CHECK_THAT(input_error([&] { run::load_milestone(folder / "m.json", {}, fake_workloads()); }),
               Catch::Contains("/panels/2: a panel named example is here twice"));
}

TEST_CASE("settings of a milestone and of the command line apply together, shorter paths first") {
    const ScratchFolder folder;
    write_file(folder / "a.json", example_panel().dump());
    const Json set = {{"machine.pe.queue_depth", 5}, {"machine.pe.issue_cycles", 3}};
    write_file(folder / "m.json",
               Json{{"name", "m"}, {"panels", Json::array({{{"panel", "a.json"}, {"set", set}}})}}.dump());
    const auto given = [&](const std::vector<std::string>& settings) {
        return run::load_milestone(folder / "m.json", run::parse_settings(settings), fake_workloads())
            .panels[0]
            .machine;
    };
    const machine::MachineConfig other = given({"machine.pe.issue_cycles=7", "machine=cube_2x4"});
    CHECK(other.name == "cube_2x4");
    CHECK(other.pe.queue_depth == 5);
    CHECK(other.pe.issue_cycles == 7);
    CHECK(given({}).pe.issue_cycles == 3);
}

TEST_CASE("every panel and milestone that is shipped can be read") {
    std::size_t panels = 0;
    for (const auto& item : std::filesystem::directory_iterator(TILEMESH_CONFIGS "/panels")) {
        if (item.is_directory()) continue;  // programs, which tests/programs runs
        INFO(item.path());
        CHECK_NOTHROW(run::load_panel(item.path(), {}, fake_workloads()));
        ++panels;
    }
    CHECK(panels >= 20);
    CHECK(run::load_milestone(TILEMESH_CONFIGS "/milestones/gqa_llama70b.json", {}, fake_workloads()).panels.size() ==
          20);
}

TEST_CASE("whole numbers may be written as 1e2 or 2.0, in the file and by --set") {
    Json json = example_panel();
    json["problem"]["users"][0]["keys"] = Json::parse("1e2");
    json["problem"]["heads_kv"] = Json::parse("2.0");
    const auto panel = read_example(json, {"problem.users.0.queries=6e1", "kernels.0.tile_keys=16.0", "layers=1E1"});
    CHECK(attention_of(panel).problem.users[0].keys == 100);
    CHECK(attention_of(panel).problem.users[0].queries == 60);
    CHECK(attention_of(panel).problem.heads_kv == 2);
    CHECK(attention_of(panel).kernels[0].tile_keys == 16);
    CHECK(panel.layers == 10);
    for (const char* wrong : {"2.5", "1e400", "NaN", "1e-1", "-1e2", "1e300", "1e16", "Infinity"}) {
        const std::string complaint =
            input_error([&] { read_example(json, {std::string("problem.users.0.keys=") + wrong}); });
        CHECK_THAT(complaint, Catch::StartsWith(std::string("--set problem.users.0.keys=") + wrong + ": found "));
        CHECK_THAT(complaint, Catch::Contains(", expected an integer from "));
    }
}
