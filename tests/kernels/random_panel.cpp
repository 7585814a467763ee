// SPDX-License-Identifier: Apache-2.0
// What is drawn and how often; masks are drawn from the list of kinds, each with a function here that draws its
// members.
#include "tests/kernels/random_panel.h"

#include "sim/attention/masks/kinds.h"
#include "sim/base/random.h"
#include "tests/base/tensor_bytes.h"
#include "tests/kernels/experiment.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <stdexcept>

namespace kernel_test {
namespace {

/// A sequence of numbers that depends on seed and stream alone.
class Dice {
public:
    enum Stream : std::uint8_t { shape, machine, ranks, mask, members, kernels, scores, storage, copies };
    Dice(std::uint64_t seed, Stream stream) : seed_(seed), stream_(stream) {}
    /// Uniform in [least, most].
    int roll(int least, int most) {
        return least +
               static_cast<int>(random_below(seed_, stream_, next_++, static_cast<std::uint64_t>(most - least + 1)));
    }
    bool one_in(int n) { return roll(1, n) == 1; }
    template <class T>
    T one_of(const std::vector<T>& list) {
        return list[static_cast<std::size_t>(roll(0, static_cast<int>(list.size()) - 1))];
    }

private:
    std::uint64_t seed_, stream_, next_ = 0;
};

/// What the members of a mask may depend on.
struct Members {
    Dice& dice;
    const Json& users;
    int heads_q;
    const std::filesystem::path& folder;
};

Json some_segments(Members& m) {
    const bool by_id = m.dice.one_in(2);
    Json lists = Json::array();
    for (const Json& user : m.users) {
        Json list = Json::array();
        const int keys = user["keys"];
        for (int left = keys; left > 0;) {
            const int length = std::min(left, m.dice.roll(1, 40)), id = m.dice.roll(0, 3);
            left -= length;
            if (!by_id) list.push_back(length);
            for (int i = 0; by_id && i < length; ++i) list.push_back(id);
        }
        lists.push_back(list);
    }
    return {{by_id ? "ids" : "lengths", m.users.size() == 1 ? lists[0] : lists}};
}

Json a_bitmap(Members& m) {
    const int rows = m.dice.roll(1, 30), cols = m.dice.roll(1, 30), patterns = 3;
    std::vector<HandMadeTensor> tensors;
    const auto bytes = [&](int count, int most) {
        std::vector<std::uint8_t> values;
        for (int i = 0; i < count; ++i) values.push_back(static_cast<std::uint8_t>(m.dice.roll(0, most)));
        return bytes_of(values);
    };
    for (std::size_t user = 0; user < m.users.size(); ++user) {
        const int queries =
            std::max(0, m.users[user]["query_offset"].get<int>() + m.users[user]["queries"].get<int>());
        const int down = (queries + rows - 1) / rows, across = (m.users[user]["keys"].get<int>() + cols - 1) / cols;
        const std::string number = m.users.size() == 1 ? "" : std::to_string(user) + ".";
        tensors.push_back(
            {number + "blocks", "U8", Json::array({down, across}).dump(), bytes(down * across, 1 + patterns)});
    }
    tensors.push_back(
        {"elements", "U8", Json::array({patterns, rows, cols}).dump(), bytes(patterns * rows * cols, 1)});
    const std::filesystem::path file = m.folder / "bitmap.safetensors";
    std::ofstream(file, std::ios::binary) << tensor_file(tensors);
    return {{"block_queries", rows}, {"block_keys", cols}, {"file", file.string()}, {"elements", "elements"}};
}

Json some_hidden_keys(Members& m) {
    Json lists = Json::array();
    for (const Json& user : m.users) {
        Json list = Json::array();
        const int hidden = m.dice.roll(0, 3);
        for (int key = 0; key < user["keys"].get<int>(); ++key)
            list.push_back(m.dice.roll(0, 3) < hidden ? Json("-inf") : Json(m.dice.roll(-20, 20) / 10.0));
        lists.push_back(list);
    }
    return {{"values", m.users.size() == 1 ? lists[0] : lists}};
}

/// Numbers with hidden stretches, of every head or the same for all.
Json some_pair_biases(Members& m) {
    const int heads = m.dice.one_in(2) ? 1 : m.heads_q;
    std::vector<HandMadeTensor> tensors;
    for (std::size_t user = 0; user < m.users.size(); ++user) {
        const int queries = m.users[user]["queries"], keys = m.users[user]["keys"];
        std::vector<float> values;
        for (int row = 0; row < heads * queries; ++row) {
            const int begin = m.dice.roll(0, keys), end = m.dice.one_in(8) ? keys : m.dice.roll(begin, keys);
            for (int key = 0; key < keys; ++key)
                values.push_back(key >= begin && key < end ? -std::numeric_limits<float>::infinity()
                                                           : static_cast<float>(m.dice.roll(-20, 20)) / 10.0F);
        }
        const std::string number = m.users.size() == 1 ? "" : std::to_string(user) + ".";
        tensors.push_back({number + "bias", "F32", Json::array({heads, queries, keys}).dump(), bytes_of(values)});
    }
    const std::filesystem::path file = m.folder / "bias.safetensors";
    std::ofstream(file, std::ios::binary) << tensor_file(tensors);
    return {{"file", file.string()}, {"tensor", "bias"}};
}

/// Draws the members of each kind of mask.
const std::map<std::string, std::function<Json(Members&)>>& mask_members() {
    static const std::map<std::string, std::function<Json(Members&)>> members = {
        {"full", [](Members&) { return Json::object(); }},
        {"causal", [](Members&) { return Json::object(); }},
        {"block_causal",
         [](Members& m) {
             return Json{{"block", m.dice.roll(1, 30)}};
         }},
        {"sliding_window",
         [](Members& m) {
             return Json{{"window", m.dice.roll(1, 70)}, {"side", m.dice.one_in(2) ? "both" : "causal"}};
         }},
        {"segments", some_segments},
        {"sparse_strided",
         [](Members& m) {
             return Json{{"stride", m.dice.roll(1, 30)}};
         }},
        {"sparse_fixed",
         [](Members& m) {
             const int stride = m.dice.roll(1, 30);
             return Json{{"stride", stride}, {"c", m.dice.roll(1, stride)}};
         }},
        {"dilated",
         [](Members& m) {
             return Json{
                 {"segment", m.dice.roll(1, 60)}, {"dilation", m.dice.roll(1, 4)}, {"head_offset", m.dice.one_in(2)}};
         }},
        {"block_bitmap", a_bitmap},
        {"key_bias",
         [](Members& m) {
             return m.dice.one_in(2) ? Json{{"std", 1.5}, {"seed", m.dice.roll(1, 9)}} : some_hidden_keys(m);
         }},
        {"alibi",
         [](Members& m) {
             if (m.dice.one_in(2)) return Json{{"slopes", "geometric"}};
             Json slopes = Json::array();
             for (int head = 0; head < m.heads_q; ++head) slopes.push_back(m.dice.roll(-3, 20) / 50.0);
             return Json{{"slopes", slopes}};
         }},
        {"pair_bias",
         [](Members& m) {
             if (m.dice.one_in(3)) return some_pair_biases(m);
             return Json{{"std", 1.5}, {"seed", m.dice.roll(1, 9)}, {"shared", m.dice.one_in(2)}};
         }},
    };
    return members;
}

/// One kind, or two that must both show a key.
std::vector<std::string> random_kinds(Dice& dice) {
    std::vector<std::string> names;
    for (const attention::MaskKind& kind : attention::mask_kinds()) names.emplace_back(kind.name);
    std::vector<std::string> drawn{dice.one_of(names)};
    if (dice.one_in(4)) drawn.push_back(dice.one_of(names));
    if (drawn.size() == 2 && drawn[0] == drawn[1]) drawn.pop_back();
    return drawn;
}

Json random_mask(const std::vector<std::string>& kinds, Members members) {
    Json parts = Json::array();
    for (const std::string& kind : kinds) {
        if (mask_members().count(kind) == 0)
            throw std::runtime_error("mask kind " + kind + " needs a function that draws its members");
        Json part = mask_members().at(kind)(members);
        part["kind"] = kind;
        parts.push_back(part);
    }
    return parts.size() == 1 ? parts[0] : Json{{"all_of", parts}};
}

Json random_users(Dice& dice, bool inside) {
    Json users = Json::array();
    for (int left = dice.roll(1, 2); left > 0; --left) {
        const int keys = dice.one_in(12) ? 0 : dice.roll(1, 120);
        const int most = inside ? keys : 90;
        const int queries = most == 0 || dice.one_in(12) ? 0 : dice.one_in(4) ? 1 : dice.roll(1, most);
        // Inside: every position has a key, a segment, a row of blocks; else some queries may come before or after.
        const int offset = inside ? dice.roll(dice.one_in(3) ? -queries : 0, keys - queries) : dice.roll(-60, 40);
        users.push_back({{"keys", keys}, {"queries", queries}, {"query_offset", offset}});
        if (dice.one_in(6)) {
            const int begin = dice.roll(0, keys);
            users.back()["shared_keys"] = {begin, dice.roll(begin, keys)};
        }
    }
    return users;
}

Json random_machine(Dice& dice, int pes) {
    Json machine = line_of(pes);
    const int rows = pes % 3 == 0 && dice.one_in(2) ? 3 : pes % 2 == 0 ? 2 : 1;
    if (dice.one_in(3) && pes >= 3) {
        machine["cube"]["topology"] = "ring";
    } else if (dice.one_in(2)) {
        machine["cube"] = {{"topology", dice.one_of<std::string>({"mesh", "mesh", "torus", "all_to_all"})},
                           {"rows", rows},
                           {"cols", pes / rows}};
    }
    const std::string topology = machine["cube"]["topology"];
    if (topology != "torus" && topology != "ring" && dice.one_in(5)) {  // wraps leave no free side
        machine["cubes"] = {{"topology", dice.one_of<std::string>({"line", "mesh"})}, {"rows", 1}, {"cols", 2}};
        machine["network"]["die_to_die"] = {
            {"connections_per_side", 2}, {"gbytes_per_s", 50.0}, {"latency_ns", 9.0}, {"buffer_bytes", 65536}};
    }
    machine["pe"] = {{"sram_bytes", dice.one_of<int>({12, 16, 24, 32, 48, 64, 128, 256, 1024, 8192}) << 10},
                     {"queue_depth", dice.roll(1, 16)}};
    machine["network"]["receive_buffer_bytes"] = dice.one_of<int>({4096, 65536, 262144});
    machine["network"]["link"] = {{"gbytes_per_s", dice.roll(1, 128)}};
    if (dice.one_in(4)) {  // one way in and out of every router
        machine["network"]["port"] = {
            {"gbytes_per_s", dice.roll(1, 128)}, {"latency_ns", dice.roll(0, 3)}, {"buffer_bytes", 16384}};
    }
    return machine;
}

Json random_ranks(Dice& dice, bool cubes, int pes) {
    Json ranks = {{"sharding", dice.one_of<std::string>({"contiguous", "zigzag", "striped"})}};
    if (cubes) ranks["unit"] = dice.one_of<std::string>({"pe", "cube", "cube_pe0"});
    const int placement = dice.roll(0, 9);
    if (placement < 6) {
        const std::vector<std::string> curves{"identity", "reversed", "folded", "snake", "heavy_middle", "hilbert"};
        ranks["placement"] = curves[static_cast<std::size_t>(placement)];
    } else if (placement < 8 && !cubes) {  // some of the PEs, in any order
        std::vector<int> list;
        for (int pe = 0; pe < pes; ++pe) list.insert(list.begin() + dice.roll(0, pe), pe);
        list.resize(static_cast<std::size_t>(dice.roll(1, pes)));
        ranks["placement"] = list;
    }
    return ranks;
}

Json random_kernels(Dice& dice) {
    const Json tiles = {{"tile_queries", dice.roll(1, 60)},
                        {"tile_keys", dice.roll(1, 60)},
                        {"tile_heads", dice.roll(1, 4)},
                        {"piece_keys", dice.roll(1, 60)}};
    std::vector<std::string> left = exact_kernels();
    Json kernels = Json::array();
    for (int i = 0; i < 6; ++i) {
        const std::string kernel = dice.one_of(left);
        left.erase(std::find(left.begin(), left.end(), kernel));
        Json choice = {{"kernel", kernel}};
        for (const auto& [key, value] : tiles.items()) {
            if (dice.one_in(3)) choice[key] = value;
        }
        kernels.push_back(choice);
    }
    return kernels;
}

/// Now and then 8-bit floats with a scale each, and pages.
void add_storage(Dice& dice, Json& problem) {
    if (dice.one_in(4)) {
        problem["dtype"] = dice.one_of<std::string>({"f8e4m3", "f8e5m2"});
        const auto scale = [&] { return dice.one_of<double>({1.0, 0.125, 0.3, 0.02}); };
        problem["scales"] = {{"q", scale()}, {"k", scale()}};
        if (!problem.value("latents", false)) problem["scales"]["v"] = scale();
    }
    if (dice.one_in(3))
        problem["pages"] = {{"page_keys", dice.roll(1, 40)}, {"table", "shuffled"}, {"seed", dice.roll(1, 9)}};
}

}  // namespace

Json random_panel(std::uint64_t seed, const std::filesystem::path& folder) {
    Dice shape(seed, Dice::shape), machine(seed, Dice::machine), ranks(seed, Dice::ranks), mask(seed, Dice::mask),
        members(seed, Dice::members), kernels(seed, Dice::kernels), scores(seed, Dice::scores),
        storage(seed, Dice::storage);
    const std::vector<std::string> kinds = random_kinds(mask);
    const bool inside = std::count(kinds.begin(), kinds.end(), "segments") > 0 || shape.one_in(2);
    const int heads_kv = shape.roll(1, 5);
    const std::string dtype = shape.one_of<std::string>({"f16", "f16", "bf16", "f32"});
    Json problem = {
        {"heads_q", heads_kv * shape.roll(1, 5)}, {"heads_kv", heads_kv}, {"head_dim", shape.roll(1, 40)},
        {"value_dim", shape.roll(1, 40)},         {"dtype", dtype},       {"users", random_users(shape, inside)}};
    if (shape.one_in(5)) {
        problem["latents"] = true;
        problem["value_dim"] = shape.roll(1, problem["head_dim"]);
    }
    problem["mask"] = random_mask(kinds, {members, problem["users"], problem["heads_q"], folder});
    if (scores.one_in(4)) problem["soft_cap"] = scores.roll(1, 40) / 2.0;
    if (scores.one_in(4)) problem["sink"] = {{"std", 2}, {"seed", scores.roll(1, 9)}};
    add_storage(storage, problem);
    const int pes = machine.roll(1, 9);
    Json json = panel_of(random_machine(machine, pes), problem, random_kernels(kernels));
    json["ranks"] = random_ranks(ranks, json["machine"].contains("cubes"), pes);
    json["values"]["seed"] = seed;
    if (Dice copies(seed, Dice::copies); copies.one_in(2))
        json["machine"]["network"]["router"] = {{"multicast", true}};
    return json;
}

}  // namespace kernel_test
