// SPDX-License-Identifier: Apache-2.0
// Where pages lie: shuffles, tables, tables cut by shardings; and what cannot be a table.
#include "sim/attention/pages.h"
#include "cases.h"
#include "sim/attention/sharding.h"
#include "sim/base/error.h"
#include "tests/base/scratch.h"
#include "tests/base/tensor_bytes.h"

#include <algorithm>
#include <fstream>

using namespace tilemesh;
using namespace tilemesh::attention;

namespace {

using Places = std::vector<std::int64_t>;

Tokens part(Sharding sharding, std::int64_t total, int ranks, int rank) {
    return Tokens(tokens_of(sharding, total, ranks, rank));
}

}  // namespace

TEST_CASE("a shuffle has every place once, differs by rank, user and seed, and repeats") {
    Pages pages;
    pages.page_keys = 3;
    pages.shuffled = 7;
    const Tokens tokens = part(Sharding::contiguous, 100, 1, 0);
    const Places places = pages.places(0, 0, tokens);
    REQUIRE(places.size() == 34);
    Places sorted = places;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < sorted.size(); ++i) CHECK(sorted[i] == static_cast<std::int64_t>(i));
    CHECK(places != sorted);
    CHECK(pages.places(0, 0, tokens) == places);
    CHECK(pages.places(0, 1, tokens) != places);
    CHECK(pages.places(1, 0, tokens) != places);
    pages.shuffled = 8;
    CHECK(pages.places(0, 0, tokens) != places);
}

TEST_CASE("a table's pages lie in the order of their entries, apart where entries are") {
    Pages pages;
    pages.page_keys = 10;
    pages.entries = {{4, 3, 9, 5, 20}};
    // Entries 3, 4, 5 follow each other; 9 and 20 stand alone.
    CHECK(pages.places(0, 0, part(Sharding::contiguous, 41, 1, 0)) == Places{1, 0, 4, 2, 6});
    // Two ranks of 21 and 20 tokens: the first has pages that begin at tokens 0, 10, 20, the second at 21 and 31.
    CHECK(pages.places(0, 0, part(Sharding::contiguous, 41, 2, 0)) == Places{1, 0, 3});
    CHECK(pages.places(0, 1, part(Sharding::contiguous, 41, 2, 1)) == Places{2, 0});
    // Striped, a local page of ten begins at tokens 0, 20 and 40.
    CHECK(pages.places(0, 0, part(Sharding::striped, 41, 2, 0)) == Places{0, 2, 4});
}

TEST_CASE("pages are read with their table, from a seed or from the inputs, and nothing else") {
    const ScratchFolder folder;
    const std::string file = (folder / "x.safetensors").string();
    const auto problem = [&](const std::string& pages) {
        return read_problem(
            JsonReader(Json::parse(R"({"heads_q": 1, "head_dim": 8, "users": [{"keys": 20}, {"keys": 7}],
            "pages": )" + pages + "}"),
                       "p.json"),
            {file, "x."});
    };
    const auto why = [&](const std::string& pages) -> std::string {
        try {
            problem(pages);
        } catch (const InputError& error) {
            return error.what();
        }
        return {};
    };
    const auto write = [&](const std::vector<std::int32_t>& first, const std::vector<std::int64_t>& second) {
        std::ofstream(file, std::ios::binary)
            << tensor_file({{"x.0.page_table", "I32", fmt::format("[{}]", first.size()), bytes_of(first)},
                            {"x.1.page_table", "I64", fmt::format("[{}]", second.size()), bytes_of(second)}});
    };
    write({2, 0, 1}, {5});
    const Problem read = problem(R"({"page_keys": 8})");
    CHECK(read.pages->entries == std::vector<Places>{{2, 0, 1}, {5}});
    CHECK(problem(R"({"page_keys": 8, "table": "shuffled"})").pages->shuffled == std::uint64_t{1});
    CHECK(problem(R"({"page_keys": 8, "table": "shuffled", "seed": 0})").pages->shuffled == std::uint64_t{0});
    CHECK_THAT(why(R"({"page_keys": 4})"), Catch::Contains("x.0.page_table: found 3 entries, expected 5"));
    CHECK_THAT(why(R"({"page_keys": 0})"), Catch::Contains("/pages/page_keys: found 0"));
    CHECK_THAT(why(R"({})"), Catch::Contains("/pages/page_keys: missing"));
    CHECK_THAT(why(R"({"page_keys": 8, "table": "sorted"})"), Catch::Contains("/pages/table: found"));
    CHECK_THAT(why(R"({"page_keys": 8, "seed": 2})"), Catch::Contains("/pages/seed: unknown key"));
    write({2, 0, 2}, {5});
    CHECK_THAT(why(R"({"page_keys": 8})"), Catch::Contains("two pages are at place 2"));
    write({2, 0, -1}, {5});
    CHECK_THAT(why(R"({"page_keys": 8})"), Catch::Contains("found -1 at entry 2, expected a place from 0"));
}
