// SPDX-License-Identifier: Apache-2.0
// Every mask kind a panel can name, each with its definition written out once more as a plain condition on one pair,
// and what the tests of masks share: random blocks, and answers by counting every pair.
#pragma once

#include "cases.h"
#include "sim/attention/mask_blocks.h"
#include "sim/base/random.h"
#include "tests/base/scratch.h"
#include "tests/base/tensor_bytes.h"

#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace tilemesh::attention {

using Definition = std::function<bool(Viewer viewer, std::int64_t query, std::int64_t key)>;

struct MaskCase {
    std::string json;
    Definition sees;
};

/// Positions of the contexts below; queries are the last ones of each.
constexpr std::int64_t keys_of_user[] = {61, 47};
constexpr std::int64_t queries_of_user[] = {53, 31};
constexpr std::int64_t heads_q = 6;
constexpr std::int64_t bitmap_queries = 5, bitmap_keys = 7;

/// Ids that come back, lie in runs of one to four, and differ between the users.
inline std::int64_t id_at(int user, std::int64_t position) {
    std::int64_t run = 0;
    for (std::int64_t at = 0;
         (at += 1 + static_cast<std::int64_t>(random_below(7, static_cast<std::uint64_t>(user),
                                                           static_cast<std::uint64_t>(run), 4))) <= position;)
        ++run;
    return static_cast<std::int64_t>(
        random_below(8, static_cast<std::uint64_t>(user), static_cast<std::uint64_t>(run), 5));
}

/// Block values 0 (hidden) and 1 (visible) mostly, else patterns 0, 1 and 2 (the last hides nothing).
inline std::uint8_t block_value(int user, std::int64_t row, std::int64_t col) {
    const std::uint64_t drawn =
        random_below(9, static_cast<std::uint64_t>(user), static_cast<std::uint64_t>(row * 100 + col), 9);
    return static_cast<std::uint8_t>(drawn < 3 ? 0 : drawn < 6 ? 1 : drawn - 4);
}
inline bool pattern_value(std::int64_t pattern, std::int64_t query, std::int64_t key) {
    return pattern == 0 ? query + key < 6 : pattern == 1 ? (query * 3 + key) % 4 == 1 : true;
}

/// Biases per pair with hidden ones, of every head or the same for all; keys hidden by their own bias.
inline bool pair_hidden(int user, std::int64_t head, std::int64_t query, std::int64_t key) {
    return random_below(10, static_cast<std::uint64_t>(user),
                        static_cast<std::uint64_t>((head * 100 + query / 3) * 100 + key / 4), 3) == 0;
}
inline bool key_hidden(int user, std::int64_t key) {
    return random_below(11, static_cast<std::uint64_t>(user), static_cast<std::uint64_t>(key / 3), 4) == 0;
}

/// segment_ids, key_bias, blocks and elements of both users, as masks read them from the panel's inputs.
inline std::string mask_tensors() {
    std::vector<HandMadeTensor> tensors;
    for (int user = 0; user < 2; ++user) {
        std::vector<std::int32_t> ids;
        for (std::int64_t i = 0; i < keys_of_user[user]; ++i)
            ids.push_back(static_cast<std::int32_t>(id_at(user, i)));
        tensors.push_back(
            {fmt::format("case.{}.segment_ids", user), "I32", fmt::format("[{}]", ids.size()), bytes_of(ids)});
        const std::int64_t rows = (keys_of_user[user] + bitmap_queries - 1) / bitmap_queries;
        const std::int64_t cols = (keys_of_user[user] + bitmap_keys - 1) / bitmap_keys;
        std::vector<std::uint8_t> blocks;
        for (std::int64_t i = 0; i < rows * cols; ++i) blocks.push_back(block_value(user, i / cols, i % cols));
        tensors.push_back(
            {fmt::format("case.{}.blocks", user), "U8", fmt::format("[{},{}]", rows, cols), bytes_of(blocks)});
    }
    constexpr float hidden = -std::numeric_limits<float>::infinity();
    for (int user = 0; user < 2; ++user) {
        std::vector<float> keys;
        for (std::int64_t key = 0; key < keys_of_user[user]; ++key)
            keys.push_back(key_hidden(user, key) ? hidden : 0.25F);
        tensors.push_back(
            {fmt::format("case.{}.key_bias", user), "F32", fmt::format("[{}]", keys.size()), bytes_of(keys)});
        for (const std::int64_t heads : {std::int64_t{1}, heads_q}) {
            std::vector<float> pairs;
            for (std::int64_t head = 0; head < heads; ++head)
                for (std::int64_t query = 0; query < queries_of_user[user]; ++query)
                    for (std::int64_t key = 0; key < keys_of_user[user]; ++key)
                        pairs.push_back(pair_hidden(user, head, query, key) ? hidden : 0.5F);
            tensors.push_back({fmt::format("case.{}.{}", user, heads == 1 ? "shared_bias" : "pair_bias"), "F32",
                               fmt::format("[{},{},{}]", heads, queries_of_user[user], keys_of_user[user]),
                               bytes_of(pairs)});
        }
    }
    std::vector<std::uint8_t> elements;
    for (std::int64_t i = 0; i < 3 * bitmap_queries * bitmap_keys; ++i)
        elements.push_back(
            pattern_value(i / (bitmap_queries * bitmap_keys), i / bitmap_keys % bitmap_queries, i % bitmap_keys));
    tensors.push_back(
        {"case.elements", "BOOL", fmt::format("[3,{},{}]", bitmap_queries, bitmap_keys), bytes_of(elements)});
    return tensor_file(tensors);
}

/// The greatest whole number not above a / b, by counting: shares no arithmetic with what is tested.
inline std::int64_t part_of(std::int64_t a, std::int64_t b) {
    std::int64_t part = 0;
    for (; a < 0; a += b) --part;
    return part + a / b;
}

inline std::vector<MaskCase> mask_cases() {
    std::vector<MaskCase> cases = {
        {R"({"kind": "full"})", [](Viewer, auto, auto) { return true; }},
        {R"({"kind": "causal"})", [](Viewer, auto i, auto j) { return j <= i; }},
        {R"({"kind": "key_bias", "std": 0.5})", [](Viewer, auto, auto) { return true; }},
        {R"({"kind": "key_bias"})", [](Viewer v, auto, auto j) { return !key_hidden(v.user, j); }},
        {R"({"kind": "alibi", "slopes": "geometric"})", [](Viewer, auto, auto) { return true; }},
        // Positions before the first query are no query's: nothing is seen from there.
        {R"({"kind": "pair_bias", "tensor": "shared_bias"})",
         [](Viewer v, auto i, auto j) {
             const std::int64_t query = i - (keys_of_user[v.user] - queries_of_user[v.user]);
             return query >= 0 && !pair_hidden(v.user, 0, query, j);
         }},
        {R"({"kind": "pair_bias"})",
         [](Viewer v, auto i, auto j) {
             const std::int64_t query = i - (keys_of_user[v.user] - queries_of_user[v.user]);
             return query >= 0 && !pair_hidden(v.user, v.head, query, j);
         }},
        {R"({"kind": "segments"})",
         [](Viewer v, auto i, auto j) { return i >= 0 && id_at(v.user, i) == id_at(v.user, j); }},
        {R"({"kind": "segments", "lengths": [[37, 1, 23], [20, 20, 7]]})",
         [](Viewer v, auto i, auto j) {
             const auto segment = [&](std::int64_t p) {
                 return v.user == 0 ? (p < 37 ? 0 : p < 38 ? 1 : 2) : static_cast<int>(p / 20);
             };
             return i >= 0 && segment(i) == segment(j);
         }},
        {R"({"kind": "block_bitmap", "block_queries": 5, "block_keys": 7, "elements": "elements"})",
         [](Viewer v, auto i, auto j) {
             if (i < 0) return false;
             const int value = block_value(v.user, i / bitmap_queries, j / bitmap_keys);
             return value < 2 ? value == 1 : pattern_value(value - 2, i % bitmap_queries, j % bitmap_keys);
         }},
    };
    const auto add = [&](std::string json, Definition sees) { cases.push_back({std::move(json), std::move(sees)}); };
    for (const std::int64_t block : {1, 4, 9, 61, 200})
        add(fmt::format(R"({{"kind": "block_causal", "block": {}}})", block),
            [=](Viewer, auto i, auto j) { return j / block <= part_of(i, block); });
    for (const std::int64_t window : {1, 2, 11, 60, 1000}) {
        add(fmt::format(R"({{"kind": "sliding_window", "window": {}}})", window),
            [=](Viewer, auto i, auto j) { return (i > j ? i - j : j - i) < window; });
        add(fmt::format(R"({{"kind": "sliding_window", "window": {}, "side": "causal"}})", window),
            [=](Viewer, auto i, auto j) { return 0 <= i - j && i - j < window; });
    }
    for (const std::int64_t stride : {1, 2, 5, 12, 70}) {
        add(fmt::format(R"({{"kind": "sparse_strided", "stride": {}}})", stride),
            [=](Viewer, auto i, auto j) { return j <= i && (i - j < stride || (i - j) % stride == 0); });
        for (const std::int64_t c : {std::int64_t{1}, stride / 3 + 1, stride})
            add(fmt::format(R"({{"kind": "sparse_fixed", "stride": {}, "c": {}}})", stride, c),
                [=](Viewer, auto i, auto j) {
                    return j <= i && (i / stride == j / stride || j % stride >= stride - c);
                });
    }
    for (const auto& [segment, dilation] :
         std::vector<std::pair<std::int64_t, std::int64_t>>{{30, 3}, {7, 2}, {4, 5}, {9, 1}, {100, 4}}) {
        const auto taking = [s = segment, d = dilation](std::int64_t head, std::int64_t i, std::int64_t j) {
            const std::int64_t own = part_of(i, s);
            return own == j / s && (i - own * s) % d == head % d && j % s % d == head % d;
        };
        const std::string start =
            fmt::format(R"({{"kind": "dilated", "segment": {}, "dilation": {})", segment, dilation);
        add(start + "}", [=](Viewer v, auto i, auto j) { return taking(v.head, i, j); });
        add(start + R"(, "head_offset": false})", [=](Viewer, auto i, auto j) { return taking(0, i, j); });
    }
    return cases;
}

/// A problem of two users whose queries are their last tokens, with tensors for the masks that read some.
class TwoUsers {
public:
    TwoUsers() : inputs_(folder_ / "masks.safetensors") { write_file(inputs_, mask_tensors()); }

    Problem with(const std::string& mask) const {
        Json json = {{"heads_q", heads_q}, {"heads_kv", 2}, {"head_dim", 24}, {"value_dim", 17}};
        for (int user = 0; user < 2; ++user)
            json["users"].push_back({{"keys", keys_of_user[user]},
                                     {"queries", queries_of_user[user]},
                                     {"query_offset", keys_of_user[user] - queries_of_user[user]}});
        json["mask"] = Json::parse(mask);
        return read_problem(JsonReader(json, "panel.json", "/problem"), {inputs_, "case."});
    }

private:
    ScratchFolder folder_;
    std::filesystem::path inputs_;
};

/// Seeded numbers, one after the other.
class Dice {
public:
    explicit Dice(std::uint64_t seed) : seed_(seed) {}
    std::int64_t below(std::int64_t bound) {
        return static_cast<std::int64_t>(random_below(seed_, 0, next_++, static_cast<std::uint64_t>(bound)));
    }
    /// A range within [0, end), seldom empty.
    Range range(std::int64_t end) {
        const std::int64_t begin = below(end);
        return {begin, begin + below(end - begin + 1)};
    }
    /// A range within [begin, end), seldom empty.
    Range range(std::int64_t begin, std::int64_t end) {
        const Range from_zero = range(end - begin);
        return {from_zero.begin + begin, from_zero.end + begin};
    }
    /// A run within [0, end).
    Run run(std::int64_t end) {
        const std::int64_t first = below(end), stride = 1 + below(9);
        return {first, below((end - 1 - first) / stride + 2), stride};
    }

private:
    std::uint64_t seed_, next_ = 0;
};

inline Visible answer_of(std::uint64_t pairs, std::uint64_t area) {
    return pairs == 0 ? Visible::none : pairs == area ? Visible::all : Visible::some;
}

}  // namespace tilemesh::attention
