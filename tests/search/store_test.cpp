// SPDX-License-Identifier: Apache-2.0
// Keys of points, and the directory that is their database.
#include "sim/search/store.h"
#include "sim/search/sweep.h"
#include "tests/base/scratch.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

using namespace tilemesh;
using search::key_of;

TEST_CASE("a key is of what a panel means, not of how it is written") {
    const Json panel = Json::parse(R"({"name": "a", "machine": {"x": 8192, "y": 1.5}, "kernels": ["k"]})");
    CHECK(key_of(panel).size() == 32);
    CHECK(key_of(Json::parse(R"({"kernels": ["k"], "machine": {"y": 1.5, "x": 8.192e3}, "name": "b"})")) ==
          key_of(panel));
    for (const char* other : {R"({"name": "a", "machine": {"x": 8193, "y": 1.5}, "kernels": ["k"]})",
                              R"({"name": "a", "machine": {"x": 8192, "y": 1.5}, "kernels": ["l"]})",
                              R"({"name": "a", "machine": {"x": 8192, "y": "1.5"}, "kernels": ["k"]})"})
        CHECK(key_of(Json::parse(other)) != key_of(panel));
    // A kernel computes other things with a float than with an integer.
    for (const char* given : {"arguments", "constants"}) {
        const auto program = [&](const Json& number) {
            return key_of({{"kernels", Json::array({{{"program", {{given, {{"s", number}}}, {"grid", number}}}}})}});
        };
        CHECK(program(2) != program(2.0));
        CHECK(program(2) == program(std::uint64_t{2}));
    }
}

TEST_CASE("a file that a panel names is its content") {
    const ScratchFolder folder;
    for (const char* name : {"a.py", "b.py"}) write_file(folder / name, "one");
    const auto named = [&](const char* name) { return key_of({{"program", (folder / name).string()}}); };
    const std::string before = named("a.py");
    CHECK(named("b.py") == before);
    write_file(folder / "a.py", "two");
    CHECK(named("a.py") != before);
}

TEST_CASE("a file whose name could be a word is its content too, and what a kernel is given is none") {
    const ScratchFolder folder;
    const auto key = [](const char* panel) { return key_of(Json::parse(panel)); };
    const std::filesystem::path here = std::filesystem::current_path();
    std::filesystem::current_path(folder / "");
    const auto changed = [&](const char* panel) {
        write_file("weights", "one");
        const std::string before = key(panel);
        write_file("weights", "two");
        return key(panel) != before;
    };
    CHECK(changed(R"({"inputs": {"tensors": "weights"}})"));
    for (const char* name : {"x", "arguments", "constants"}) {
        CHECK(changed(fmt::format(R"({{"tensors": {{"{}": {{"values": {{"file": "weights"}}}}}}}})", name).c_str()));
        CHECK(changed(fmt::format(R"({{"check": {{"{}": {{"values": {{"file": "weights"}}}}}}}})", name).c_str()));
    }
    CHECK_FALSE(changed(R"({"kernels": [{"program": {"arguments": {"file": "weights"}}}]})"));
    CHECK_FALSE(changed(R"({"kernels": [{"label": "weights"}]})"));
    std::filesystem::current_path(here);
}

TEST_CASE("a file of Python is the content of those that it imports, too") {
    const ScratchFolder folder;
    for (const char* package : {"in/two", "in/four", "in/x"}) std::filesystem::create_directories(folder / package);
    const auto key = [&](const std::string& function) {
        return key_of({{"python", (folder / "in/a.py").string() + ":" + function}});
    };
    int written = 0;
    const auto changes = [&](const std::string& file) {
        const std::string before = key("f");
        write_file(folder / file, fmt::format("import ten # {}", ++written));
        return key("f") != before;
    };
    write_file(folder / "in/a.py",
               "import torch, one as o, \\\n  two.three\nfrom four import (x,\n  y)\n"
               "try: from .five import z\nexcept: pass\nx = 1; from ..beside import b\n"
               "from above import f  # import nine\n");
    CHECK(key("f") != key("g"));
    for (const char* other : {"in/nine.py", "in/torch.py", "in/x/y.py", "above.py"}) {
        INFO(other);
        CHECK_FALSE(changes(other));
    }
    write_file(folder / "in/__init__.py", "");  // so that what is above it is found
    for (const char* file : {"in/one.py", "in/two/three.py", "in/four/x.py", "in/five.py", "beside.py", "above.py",
                             "in/ten.py", "in/a.py"}) {
        INFO(file);
        CHECK(changes(file));
    }
}

TEST_CASE("a store has what was written, whole, and nothing else") {
    const ScratchFolder folder;
    const search::Store store(folder / "into");
    const std::string key = key_of({{"a", 1}});
    CHECK_FALSE(store.has(key));
    CHECK_FALSE(store.read(key));
    store.write(key, {{"point", key}});
    store.write(key, {{"point", key}});
    CHECK(store.has(key));
    CHECK(store.read(key) == Json({{"point", key}}));
    CHECK(store.keys() == std::set<std::string>{key});
    CHECK(std::filesystem::is_empty(folder / "into" / "writing"));
    write_file(folder / "plain", "");
    CHECK_THROWS_WITH(search::Store(folder / "plain"), Catch::Contains("cannot be written"));
}

TEST_CASE("shards are parts of which every key is in one") {
    for (int i = 0; i < 50; ++i) {
        const std::string key = key_of({{"i", i}});
        int in = 0;
        for (const char* shard : {"0/3", "1/3", "2/3"}) in += search::parse_shard(shard).has(key) ? 1 : 0;
        CHECK(in == 1);
    }
    for (const char* text : {"3/3", "1", "1/", "/2", "a/2", "1/2x", "-1/2", "0/0"})
        CHECK_THROWS_WITH(search::parse_shard(text), Catch::Contains("expected i/N"));
}

TEST_CASE("a launcher says which shard a process is") {
    const auto with = [](std::initializer_list<std::pair<const char*, const char*>> variables) {
        for (const auto& [name, value] : variables) ::setenv(name, value, 1);
        const search::Shard shard = search::parse_shard("auto");
        for (const auto& [name, value] : variables) ::unsetenv(name);
        return std::pair(shard.index, shard.count);
    };
    CHECK(with({{"SLURM_ARRAY_TASK_ID", "5"}, {"SLURM_ARRAY_TASK_COUNT", "8"}, {"SLURM_ARRAY_TASK_MIN", "1"}}) ==
          std::pair<std::size_t, std::size_t>(4, 8));
    // Of 0-14:2 task 6 is the fourth of eight, of 3-13:5 task 13 the last of three.
    using Shard = std::pair<std::size_t, std::size_t>;
    const auto array = [&](const char* task, const char* count, const char* least, const char* most,
                           const char* step) {
        return with({{"SLURM_ARRAY_TASK_ID", task},
                     {"SLURM_ARRAY_TASK_COUNT", count},
                     {"SLURM_ARRAY_TASK_MIN", least},
                     {"SLURM_ARRAY_TASK_MAX", most},
                     {"SLURM_ARRAY_TASK_STEP", step}});
    };
    CHECK(array("6", "8", "0", "14", "2") == Shard(3, 8));
    CHECK(array("13", "3", "3", "13", "5") == Shard(2, 3));
    CHECK(array("5", "8", "1", "8", "1") == Shard(4, 8));
    CHECK(with({{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "4"}}) ==
          std::pair<std::size_t, std::size_t>(3, 4));
    CHECK(with({{"PMI_RANK", "0"}, {"PMI_SIZE", "2"}}) == std::pair<std::size_t, std::size_t>(0, 2));
    CHECK_THROWS_WITH(search::parse_shard("auto"), Catch::Contains("SLURM_ARRAY_TASK_ID"));
    // 1,2,7: whether task 7 is the second or the third nobody says.
    const auto refused = [](const char* task, const char* count, const char* most, const char* step) {
        const std::pair<const char*, const char*> variables[] = {{"SLURM_ARRAY_TASK_ID", task},
                                                                 {"SLURM_ARRAY_TASK_COUNT", count},
                                                                 {"SLURM_ARRAY_TASK_MIN", "1"},
                                                                 {"SLURM_ARRAY_TASK_MAX", most},
                                                                 {"SLURM_ARRAY_TASK_STEP", step}};
        for (const auto& [name, value] : variables) ::setenv(name, value, 1);
        const std::string text = input_error([] { search::parse_shard("auto"); });
        for (const auto& [name, value] : variables) ::unsetenv(name);
        return text;
    };
    CHECK_THAT(refused("2", "3", "7", "1"),
               Catch::Contains("3 tasks from 1 to 7, where there are 7") && Catch::Contains("--shard i/N"));
    CHECK_THAT(refused("4", "4", "7", "2"), Catch::Contains("SLURM_ARRAY_TASK_ID=4 is not one of 4 from 1 on"));
}
