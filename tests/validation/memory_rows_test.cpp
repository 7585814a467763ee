// SPDX-License-Identifier: Apache-2.0
// The rows of hbm_mixed.json are what the command-level controllers move, and what they say of themselves.
#include "sim/memory/burst_run.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <map>
#include <set>

using namespace tilemesh;

TEST_CASE("the rows of reads and writes are what the controllers move, of every combination and share") {
    const Json file = parse_json_file(std::filesystem::path(TILEMESH_CONFIGS) / "validation/hbm_mixed.json");
    std::map<std::string, int> combinations;
    std::set<double> shares;
    std::set<std::uint64_t> bursts;
    std::size_t number = 0;
    for (const Json& row : file.at("booked_rows")) {
        const std::string standard = row.at("standard"), mapping = row.at("mapping");
        INFO(row.dump());
        ++combinations[standard + mapping + row.at("refresh").dump() + row.at("channels").dump() +
                       row.at("mode").dump()];
        memory::BurstLoad load;
        load.random = row.at("mode") == "rand";
        load.burst = row.at("burst_bytes");
        load.window = row.at("window_bytes");
        load.total = row.at("total_bytes");
        load.write_share = row.at("write");
        shares.insert(load.write_share);
        bursts.insert(load.burst);
        if (number++ % 8 != 0) continue;  // enough to see how all were obtained
        const Json hbm = {
            {"bytes_per_pe", 1 << 30},      {"channels_per_pe", row.at("channels")},
            {"standard", standard},         {"gbytes_per_s_per_channel", standard == "HBM2" ? 32.0 : 51.2},
            {"refresh", row.at("refresh")}, {"mapping", mapping}};
        const memory::HbmConfig config = memory::read_hbm(JsonReader(hbm, "row"));
        CHECK(memory::run_bursts(config, load).gbytes_per_s ==
              Approx(row.at("gbytes_per_s").get<double>()).margin(0.0051));  // of two decimals
    }
    CHECK(combinations.size() == 2 * 8 * 2);
    for (const auto& [combination, rows] : combinations) CHECK(rows == 3);
    CHECK(shares == std::set<double>{0.1, 0.25, 0.5, 0.75, 0.9});
    CHECK(bursts == std::set<std::uint64_t>{64, 256, 1024, 4096, 16384, 65536});
}
