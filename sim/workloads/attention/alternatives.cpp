// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/attention/alternatives.h"

#include "sim/attention/traffic.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

namespace tilemesh::workloads {
namespace {

/// Sizes of blocks beside the one that the kernel's plan chooses (null): a fold or a few of usual matrix arrays, up
/// to what usual SRAMs hold.
const std::vector<Json> tile_queries = {nullptr, 64, 128}, tile_keys = {nullptr, 256, 512},
                        piece_keys = {nullptr, 256};

/// Another name for the same, or the kernel itself.
const attention::Kernel& first_alike(const attention::Kernels& known, const attention::Kernel& kernel) {
    return *std::find_if(known.begin(), known.end(), [&](const attention::Kernel& other) {
        return other.schedule == kernel.schedule && other.plan == kernel.plan && other.text == kernel.text &&
               other.by_heads == kernel.by_heads && other.replicated_queries == kernel.replicated_queries &&
               other.keeps_state == kernel.keeps_state;
    });
}

Json with(const Json& kernel, const char* key, const Json& value) {
    Json more = kernel;
    if (!value.is_null()) more[key] = value;
    return more;
}

/// Each of these with each of the values.
std::vector<Json> crossed(const std::vector<Json>& kernels, const char* key, const std::vector<Json>& values) {
    std::vector<Json> all;
    for (const Json& kernel : kernels)
        for (const Json& value : values) all.push_back(with(kernel, key, value));
    return all;
}

/// Of a size, a choice or a truth.
template <class Field>
std::int64_t number_of(Field field) {
    return static_cast<std::int64_t>(field);
}

}  // namespace

std::vector<Json> alternatives_to(const std::vector<Json>& kernels, const attention::Kernels& known) {
    const auto is_asked_for = [&](attention::Schedule::Pass pass) {
        return std::any_of(kernels.begin(), kernels.end(), [&](const Json& given) {
            const Json name = given.is_object() ? given.value("kernel", Json()) : given;
            return std::any_of(known.begin(), known.end(), [&](const attention::Kernel& kernel) {
                return kernel.pass == pass && name == kernel.name;
            });
        });
    };
    std::vector<Json> all;
    for (const attention::Kernel& kernel : known) {
        if (!kernel.exact || !is_asked_for(kernel.pass) || &first_alike(known, kernel) != &kernel) continue;
        std::vector<Json> ways = {{{"kernel", std::string(kernel.name)}}};
        if (!kernel.by_heads) {
            ways = crossed(ways, "sharding", {"contiguous", "zigzag", "striped"});
            ways = crossed(ways, "placement", {"identity", "reversed", "folded", "snake", "heavy_middle", "hilbert"});
        }
        ways = crossed(ways, "tile_queries", tile_queries);
        ways = crossed(ways, "tile_keys", tile_keys);
        if (!kernel.by_heads) ways = crossed(ways, "piece_keys", piece_keys);
        all.insert(all.end(), ways.begin(), ways.end());
    }
    return all;
}

std::string work_of(const attention::Kernels& known, const attention::Kernel& kernel, const RanksChoice& ranks,
                    const Arrangement& a) {
    bool travels = false;
    for (int rank = 0; rank < a.ranks(); ++rank)
        for (const attention::Action& action : a.schedule.program(rank)) travels = travels || action.moves();
    attention::Tiling tiling = a.tiling;
    // How chunks are cut is seen where they travel, where they are held as they were cut, and backward in sums.
    if (!travels && !tiling.chunks_stay && a.schedule.pass() != attention::Schedule::Pass::backward)
        tiling.piece_keys = 0;
    std::string text = fmt::format("{} tiling", first_alike(known, kernel).name);
    std::apply([&text](const auto&... fields) { (text.append(fmt::format(" {}", number_of(fields))), ...); },
               tiling.fields());
    const attention::StateFormat format = a.schedule.state_format();
    text += fmt::format(", states {} {}", static_cast<int>(format.sent), static_cast<int>(format.o));
    if (a.ranks() > 1) text += fmt::format(", sharding {}", static_cast<int>(ranks.sharding));
    // PEs are all alike: where nothing travels it does not matter which of them works on what.
    if (!travels) text += fmt::format(", {} ranks of {}", a.ranks(), a.members());
    for (std::size_t rank = 0; travels && rank < a.pes.size(); ++rank)
        text += fmt::format(" [{}]", fmt::join(a.pes[rank], " "));
    return text;
}

}  // namespace tilemesh::workloads
