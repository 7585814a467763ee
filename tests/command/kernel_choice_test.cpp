// SPDX-License-Identifier: Apache-2.0
// Which entries does --kernel choose?
#include "tests/command/example_panel.h"
#include "tests/command/processes.h"

using namespace tilemesh;

namespace {

/// The labels that a run of the panels with these options has, panel by panel: "a b | c".
std::string chosen(const std::vector<Json>& kernels, const std::string& options) {
    const ScratchFolder folder;
    const std::string milestone = (folder / "m.json").string(), json = (folder / "out.json").string();
    Json file = {{"panels", Json::array()}};
    for (std::size_t i = 0; i < kernels.size(); ++i) {
        Json panel = example_panel();
        panel["name"] = fmt::format("p{}", i);
        panel["kernels"] = kernels[i];
        file["panels"].push_back(panel);
    }
    write_file(milestone, file.dump());
    const Ran ran = run_command(folder, TILEMESH_FAKE_COMMAND " bench " + milestone + " --json " + json + options);
    INFO(ran.err);
    CHECK(ran.exit_code == 0);
    std::string labels;
    const Json result = parse_json_file(json);
    for (const Json& panel : result.at("panels")) {
        labels += labels.empty() ? "" : " |";
        for (const Json& kernel : panel.at("kernels")) labels += " " + kernel.at("label").get<std::string>();
    }
    return labels;
}

const Json three = Json::parse(R"(["good", {"kernel": "good", "sharding": "zigzag"},
                                   {"kernel": "counts", "label": "good_x"}])");

}  // namespace

TEST_CASE("--kernel with a label means the entry of exactly that label, also when a kernel is called so") {
    CHECK(chosen({three}, " --kernel good") == " good");
    CHECK(chosen({three}, " --kernel good+zigzag") == " good+zigzag");
    CHECK(chosen({three}, " --kernel good_x") == " good_x");
    CHECK(chosen({three}, " --kernel good_x --kernel good") == " good good_x");
    // A label may be the name of another kernel: it is the label that counts.
    const Json swapped = Json::parse(R"([{"kernel": "counts", "label": "good"}, {"kernel": "good", "label": "x"}])");
    CHECK(chosen({swapped}, " --kernel good") == " good");
}

TEST_CASE("explain takes the entries that run would") {
    const ScratchFolder folder;
    Json panel = example_panel();
    panel["values"] = {{"mode", "none"}};
    panel["kernels"] = Json::parse(R"(["head_parallel", {"kernel": "head_parallel", "sharding": "zigzag"}])");
    write_file(folder / "p.json", panel.dump());
    const std::string json = (folder / "x.json").string();
    const auto explained = [&](const std::string& name) {
        const Ran ran = run_command(folder, TILEMESH_COMMAND " explain " + (folder / "p.json").string() +
                                                " -q --what-if matrix=2x --kernel " + name + " --json " + json);
        CHECK(ran.exit_code == 0);
        return parse_json_file(json).at("panels").at(0).at("kernels");
    };
    CHECK(explained("head_parallel").size() == 1);
    CHECK(explained("head_parallel+zigzag").at(0).at("label") == "head_parallel+zigzag");
}

TEST_CASE("--kernel without such a label means every entry of that kernel, panel by panel") {
    CHECK(chosen({three}, " --kernel counts") == " good_x");
    const Json labelled = Json::parse(R"([{"kernel": "good", "label": "a"}, {"kernel": "good", "label": "b"},
                                          "counts"])");
    CHECK(chosen({labelled}, " --kernel good") == " a b");
    CHECK(chosen({three, labelled}, " --kernel good") == " good | a b");
}
