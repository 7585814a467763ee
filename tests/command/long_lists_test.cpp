// SPDX-License-Identifier: Apache-2.0
// Does what is printed stay short however long the lists of a panel are: users in a title, kernels in a sentence,
// masks in a name, entries in an error?
#include "sim/report/table.h"
#include "tests/command/example_panel.h"
#include "tests/command/made_up.h"
#include "tests/command/processes.h"

using namespace tilemesh;

namespace {

/// The title of the example with these users, each {keys, queries}.
std::string title_of(const std::vector<std::pair<std::int64_t, std::int64_t>>& users) {
    Json panel = example_panel();
    panel["problem"]["users"] = Json::array();
    for (const auto& [keys, queries] : users)
        panel["problem"]["users"].push_back({{"keys", keys}, {"queries", queries}});
    return read_example(panel).describe();
}

using Users = std::vector<std::pair<std::int64_t, std::int64_t>>;

}  // namespace

TEST_CASE("eight users are listed, nine are summarised") {
    CHECK_THAT(title_of(Users(8, {5, 1})),
               Catch::Contains("; 8 users, 1+1+1+1+1+1+1+1 queries x 5+5+5+5+5+5+5+5 keys; "));
    CHECK_THAT(title_of(Users(9, {5, 1})), Catch::Contains("; 9 users of 1 query x 5 keys; "));
}

TEST_CASE("the title of 4,096 users is a line of a hundred letters or two, and says how many keys there are") {
    CHECK_THAT(title_of(Users(4096, {1, 1})), Catch::Contains("; 4096 users of 1 query and key; "));
    CHECK_THAT(title_of(Users(4096, {7, 7})), Catch::Contains("; 4096 users of 7 queries and keys; "));
    Users users(4096, {1, 1});
    users[17] = {8192, 8192};
    CHECK_THAT(title_of(users), Catch::Contains("; 4096 users, 1 to 8192 queries and keys, 12287 in total; "));
    users[17] = {8192, 1};
    const std::string title = title_of(users);
    CHECK_THAT(title, Catch::Contains("; 4096 users, 1 query; 1 to 8192 keys, 12287 in total; "));
    CHECK(title.size() < 200);
}

TEST_CASE("a sentence names some of many kernels and says how many more there are") {
    report::PanelResult panel;
    panel.layers = 2;
    panel.kernels = {made_up_kernel("right")};
    for (int i = 0; i < 100; ++i) {
        panel.kernels.push_back(made_up_kernel(fmt::format("wrong{}", i)));
        panel.kernels.back().verdict.pass = false;
    }
    CHECK_THAT(report::conclusion(panel), Catch::EndsWith("Wrong answer from wrong0, wrong1, wrong2, wrong3, wrong4, "
                                                          "wrong5, wrong6 and 93 more."));
    for (auto& kernel : panel.kernels) kernel.verdict.pass = true;
    // 24 of 101 entries.
    CHECK_THAT(report::panel_text(panel, false), Catch::Contains("wrong22 2 us and 77 more\n"));
}

TEST_CASE("a mask of many parts is called by some of them") {
    Json panel = example_panel();
    Json parts = Json::array();
    for (int i = 0; i < 1000; ++i) parts.push_back({{"kind", "causal"}});
    panel["problem"]["mask"] = {{"all_of", parts}};
    CHECK_THAT(read_example(panel).describe(), Catch::StartsWith("causal and causal and causal and 997 more at"));
}

TEST_CASE("an error about one of many entries, or a name of many letters, is one line of some hundred letters") {
    const ScratchFolder folder;
    const std::string file = (folder / "panel.json").string();
    Json panel = example_panel();
    panel["kernels"] = Json::array();
    for (int i = 0; i < 500; ++i)
        panel["kernels"].push_back({{"kernel", TILEMESH_KERNEL}, {"label", fmt::format("entry_number_{}", i)}});
    write_file(file, panel.dump());
    const Ran ran = run_command(folder, TILEMESH_COMMAND " run " + file + " --kernel nothing");
    check_bad_input(ran);
    CHECK_THAT(ran.err, Catch::Contains("and 451 more"));  // 500 labels and one kernel, of which 50 are shown
    const std::string endless(100'000, 'x');
    for (const char* pointer : {"/kernels/0/kernel", "/name", "/problem/mask/kind", "/machine", "/kernels/0/label"}) {
        INFO(pointer);
        Json broken = panel;
        broken[Json::json_pointer(pointer)] = endless + "\n\x1b[31m";
        write_file(file, broken.dump());
        const Ran bad = run_command(folder, TILEMESH_COMMAND " run " + file);
        check_bad_input(bad);
        CHECK(bad.err.size() < 6000);
        CHECK(bad.err.find('\x1b') == std::string::npos);
    }
}
