// SPDX-License-Identifier: Apache-2.0
#include "sim/pe/launch.h"

#include <algorithm>
#include <numeric>
#include <queue>
#include <utility>

namespace tilemesh::pe {
namespace {

/// One unit: its blocks progress alike, so that one number, the progress of each since the beginning, tells all.
struct Unit {
    double progress = 0;         // of every block that was here all the time
    double since = 0;            // when that was
    std::vector<double> ends{};  // by block on it: the progress at which it is done

    double next_end() const {
        return since + (*std::min_element(ends.begin(), ends.end()) - progress) * static_cast<double>(ends.size());
    }
};

using Event = std::pair<double, std::size_t>;  // when a block is done, on which unit

}  // namespace

LaunchConfig read_launch(JsonReader reader) {
    const auto time = [&](const char* key) { return from_nanoseconds(reader.number(key, 0.0, 1e9, 0.0)); };
    LaunchConfig launch;
    launch.simple = time("simple_ns");
    launch.attention = time("attention_ns");
    launch.gradients = time("gradients_ns");
    launch.exchange = time("exchange_ns");
    launch.exchange_message = time("exchange_message_ns");
    launch.copy_share = reader.number("copy_share", 0.0, 1.0, 0.0);
    launch.gradients_rate = reader.number("gradients_rate", 1e-6, 1.0, 1.0);
    launch.units = static_cast<int>(reader.integer("units", 1, 65536, 1));
    launch.blocks_per_unit = static_cast<int>(reader.integer("blocks_per_unit", 1, 64, 1));
    launch.gradients_per_unit = static_cast<int>(reader.integer("gradients_per_unit", 1, 64, 1));
    if (auto cores = reader.optional_member("cores")) launch.cores = read_cores(*cores);
    reader.finish();
    return launch;
}

double LaunchConfig::pace_of(const LaunchedWork& work, const CoreRates& rates) const {
    if (cores.count > 0 && !work.chunks.seen.empty()) return share_of_cores(work, cores, rates);
    if (work.kind == LaunchedWork::Kind::gradients)
        return gradients_rate * share_at_work(work.blocks, units, gradients_per_unit);
    return share_at_work(work.blocks, units, blocks_per_unit);
}

double share_at_work(const std::vector<double>& blocks, int units, int blocks_per_unit) {
    const double work = std::accumulate(blocks.begin(), blocks.end(), 0.0);
    if (units <= 1 || work <= 0) return 1.0;
    std::vector<Unit> dealt(std::min(static_cast<std::size_t>(units), blocks.size()));  // the others get none
    std::size_t next = 0;
    for (int round = 0; round < blocks_per_unit; ++round)
        for (Unit& unit : dealt)
            if (next < blocks.size()) unit.ends.push_back(blocks[next++]);
    std::priority_queue<Event, std::vector<Event>, std::greater<>> queue;
    const auto expect = [&](std::size_t u) {
        if (!dealt[u].ends.empty()) queue.emplace(dealt[u].next_end(), u);
    };
    for (std::size_t u = 0; u < dealt.size(); ++u) expect(u);
    double end = 0;
    while (!queue.empty()) {
        const auto [time, u] = queue.top();
        queue.pop();
        Unit& unit = dealt[u];
        const auto first = std::min_element(unit.ends.begin(), unit.ends.end());
        unit.progress = *first;
        unit.since = end = time;
        unit.ends.erase(first);
        if (next < blocks.size()) unit.ends.push_back(unit.progress + blocks[next++]);
        expect(u);
    }
    return std::min(1.0, work / (units * end));
}

}  // namespace tilemesh::pe
