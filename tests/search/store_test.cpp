// SPDX-License-Identifier: Apache-2.0
// Keys of points, and the directory that is their database.
#include "sim/search/store.h"
#include "sim/search/sweep.h"
#include "tests/base/scratch.h"

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
    CHECK(with({{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "4"}}) ==
          std::pair<std::size_t, std::size_t>(3, 4));
    CHECK(with({{"PMI_RANK", "0"}, {"PMI_SIZE", "2"}}) == std::pair<std::size_t, std::size_t>(0, 2));
    CHECK_THROWS_WITH(search::parse_shard("auto"), Catch::Contains("SLURM_ARRAY_TASK_ID"));
}
