// SPDX-License-Identifier: Apache-2.0
// Sizes that are each in range, and together more than 64 bits count: what says so is a line and exit code 2, and not
// a product that has wrapped around to something small.
#include "tests/command/example_panel.h"
#include "tests/command/processes.h"

using namespace tilemesh;

namespace {

struct Sizes {
    const char* problem;  // merged into one that is small
    const char* machine;
    const char* says;
};

// The example machine has 8 PEs, each of which works on an eighth of the kv heads.
const Sizes sizes[] = {
    // 256 heads x 2^54 pairs x 4 B are 2^64 B.
    {R"({"heads_q": 2048, "heads_kv": 2048, "mask": {"kind": "pair_bias", "std": 1}})", "{}",
     "pair bias of queries 0 needs 18446744073709551612 bytes"},
    {R"({"heads_q": 4096, "heads_kv": 4096, "mask": {"kind": "pair_bias", "std": 1}})", "{}",
     "a shape [512, 134217728, 134217728] has more than 2^62 elements"},
    // Rows of one kv head: 2^27 queries of 16 query heads.
    {R"({"heads_q": 2048, "heads_kv": 128})", "{}", "dimension 2147483648 does not fit 32 bits"},
    // 2^54 pairs x 2 on one of the PEs, one in 10^9 ns.
    {R"({})", R"({"pe": {"clock_ghz": 0.001, "matrix": {"rows": 1, "cols": 1, "speed": {"f16": 1e-6}}}})",
     "all layers take 3.6e+16 s at least, expected at most 1.15e+06 s"},
    // 2 (16384 + 16384) 2^54 operations.
    {R"({"head_dim": 16384})",
     R"({"pe": {"clock_ghz": 1000, "sram_bytes": 70368744177664, "matrix": {"rows": 4096, "cols": 4096,
         "speed": {"f16": 1e6}}}})",
     "it has 1.18e+21 operations, expected at most 9.22e+18"},
};

}  // namespace

TEST_CASE("sizes whose product is beyond 64 bits are refused") {
    const ScratchFolder folder;
    const std::string file = (folder / "panel.json").string();
    for (const Sizes& size : sizes) {
        Json panel = Json::parse(R"({
            "problem": {"heads_q": 1, "head_dim": 1, "users": [{"keys": 134217728}]},
            "machine": {"hbm": {"bytes_per_pe": 70368744177664}},
            "kernels": ["head_parallel"], "values": {"mode": "none"}})");
        panel["machine"]["base"] = example_machine;
        panel["problem"].merge_patch(Json::parse(size.problem));
        panel["machine"].merge_patch(Json::parse(size.machine));
        write_file(file, panel.dump());
        for (const char* command : {" check ", " run "}) {
            const Ran ran = run_command(folder, TILEMESH_COMMAND + (command + file));
            INFO(size.problem << size.machine << ran.err);
            check_bad_input(ran);
            CHECK_THAT(ran.err, Catch::Contains(size.says));
        }
    }
}
