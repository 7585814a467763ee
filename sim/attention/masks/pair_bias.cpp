// SPDX-License-Identifier: Apache-2.0
// {"kind": "pair_bias"}: a number per query and key, of every query head or the same for all, is added to the scores;
// -inf hides the pair. The numbers are the tensor pair_bias [heads_q or 1, queries, keys] of the panel's inputs (or
// "tensor" of "file"), or seeded normal ones with a standard deviation "std", which are made where they are needed.
#include "sim/attention/head_numbers.h"
#include "sim/attention/masks/reading.h"
#include "sim/base/error.h"
#include "sim/base/random.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

namespace tilemesh::attention {
namespace {

// As of key_bias: larger numbers leave nothing of f32 scores.
constexpr NumberRange bias_range{-1000.0, 1000.0, true};
constexpr std::uint64_t first_stream = std::uint64_t{1} << 59;  // no other generated number's
constexpr float infinity = std::numeric_limits<float>::infinity();

/// Counts of hidden pairs in every corner [0, query) x [0, key), from which those of any block follow.
class HiddenPairs {
public:
    HiddenPairs(std::span<const float> biases, std::int64_t queries, std::int64_t keys)
        : columns_(keys + 1), counts_(static_cast<std::size_t>((queries + 1) * columns_)) {
        for (std::int64_t query = 0; query < queries; ++query)
            for (std::int64_t key = 0; key < keys; ++key) {
                const bool hidden = biases[static_cast<std::size_t>(query * keys + key)] == -infinity;
                at(query + 1, key + 1) = at(query, key + 1) + at(query + 1, key) - at(query, key) + (hidden ? 1 : 0);
            }
    }
    std::uint64_t in(Range queries, Range keys) const {
        return at(queries.end, keys.end) - at(queries.begin, keys.end) - at(queries.end, keys.begin) +
               at(queries.begin, keys.begin);
    }
    bool operator==(const HiddenPairs&) const = default;

private:
    std::uint64_t& at(std::int64_t query, std::int64_t key) {
        return counts_[static_cast<std::size_t>(query * columns_ + key)];
    }
    std::uint64_t at(std::int64_t query, std::int64_t key) const {
        return counts_[static_cast<std::size_t>(query * columns_ + key)];
    }
    std::int64_t columns_;
    std::vector<std::uint64_t> counts_;
};

/// One user's numbers [heads, queries, keys].
struct UserBias {
    std::int64_t heads = 1, queries = 0, keys = 0;
    std::vector<float> values;        // empty: generated
    std::vector<HiddenPairs> hidden;  // by head, or one when all heads hide the same; empty: nothing is hidden
    std::string source;               // for errors
    std::int64_t head_of(std::int64_t query_head) const { return heads == 1 ? 0 : query_head; }
    const HiddenPairs& hidden_of(std::int64_t query_head) const {
        return hidden[hidden.size() == 1 ? 0 : static_cast<std::size_t>(query_head)];
    }
};

struct Biases {
    std::vector<std::shared_ptr<const UserBias>> users;  // those with a tensor in common share it
    double deviation = 0.0;
    std::uint64_t seed = 1;
};

class PairBiases final : public Mask {
public:
    PairBiases(std::shared_ptr<const Biases> biases, std::vector<std::int64_t> offsets)
        : biases_(std::move(biases)), offsets_(std::move(offsets)) {}

    std::string name() const override { return "pair bias"; }

    bool sees(Viewer viewer, std::int64_t query_position, std::int64_t key) const override {
        return visible_pairs(viewer, {query_position, query_position + 1}, {key, key + 1}) == 1;
    }

    Visible block(Viewer viewer, Range queries, Range keys) const override {
        if (queries.empty() || keys.empty()) return Visible::none;
        const std::uint64_t seen = visible_pairs(viewer, queries, keys);
        if (seen == 0) return Visible::none;
        return seen == static_cast<std::uint64_t>(queries.size()) * static_cast<std::uint64_t>(keys.size())
                   ? Visible::all
                   : Visible::some;
    }

    /// Positions without a query see nothing.
    std::uint64_t visible_pairs(Viewer viewer, Range positions, Range keys) const override {
        const UserBias& user = of(viewer);
        const std::int64_t offset = offsets_[static_cast<std::size_t>(viewer.user)];
        const Range queries{std::max<std::int64_t>(positions.begin - offset, 0),
                            std::min(positions.end - offset, user.queries)};
        if (queries.empty() || keys.empty()) return 0;
        const auto area = static_cast<std::uint64_t>(queries.size()) * static_cast<std::uint64_t>(keys.size());
        return user.hidden.empty() ? area : area - user.hidden_of(viewer.head).in(queries, keys);
    }

    int compare_operations() const override { return 0; }  // what is hidden has a bias of -inf
    bool by_difference() const override {
        return std::all_of(biases_->users.begin(), biases_->users.end(),
                           [](const auto& user) { return user->hidden.empty(); });
    }
    bool varies_by_head() const override {
        return std::any_of(biases_->users.begin(), biases_->users.end(),
                           [](const auto& user) { return user->hidden.size() > 1; });
    }

    PairBias pair_bias() const override {
        const bool by_head = std::any_of(biases_->users.begin(), biases_->users.end(),
                                         [](const auto& user) { return user->heads > 1; });
        return by_head ? PairBias::by_head : PairBias::shared;
    }
    void add_pair_bias(Viewer viewer, std::int64_t query_position, Range keys, std::span<float> out) const override {
        const UserBias& user = of(viewer);
        const std::int64_t query = query_position - offsets_[static_cast<std::size_t>(viewer.user)];
        // Of generated numbers there may be more than 64 bits count; their streams then begin anew.
        const auto at = [](std::int64_t n) { return static_cast<std::uint64_t>(n); };
        const std::uint64_t first =
            (at(user.head_of(viewer.head)) * at(user.queries) + at(query)) * at(user.keys) + at(keys.begin);
        if (!user.values.empty()) {
            for (std::size_t i = 0; i < out.size(); ++i) out[i] += user.values[first + i];
            return;
        }
        std::vector<float> normals(out.size());
        fill_normal(biases_->seed, first_stream + static_cast<std::uint64_t>(viewer.user), first, normals);
        for (std::size_t i = 0; i < out.size(); ++i) out[i] += static_cast<float>(biases_->deviation) * normals[i];
    }

    std::shared_ptr<const Mask> placed(std::span<const User> users) const override {
        std::vector<std::int64_t> offsets;
        for (const User& user : users) offsets.push_back(user.query_offset);
        return std::make_shared<PairBiases>(biases_, std::move(offsets));
    }

private:
    const UserBias& of(Viewer viewer) const { return *biases_->users[static_cast<std::size_t>(viewer.user)]; }

    std::shared_ptr<const Biases> biases_;
    std::vector<std::int64_t> offsets_;  // position of query 0, by user
};

void find_hidden(UserBias& user) {
    if (std::find(user.values.begin(), user.values.end(), -infinity) == user.values.end()) return;
    const auto size = static_cast<std::size_t>(user.queries * user.keys);
    for (std::int64_t head = 0; head < user.heads; ++head)
        user.hidden.emplace_back(std::span(user.values).subspan(static_cast<std::size_t>(head) * size, size),
                                 user.queries, user.keys);
    const bool alike = std::all_of(user.hidden.begin(), user.hidden.end(),
                                   [&](const HiddenPairs& hidden) { return hidden == user.hidden.front(); });
    if (alike) user.hidden.erase(user.hidden.begin() + 1, user.hidden.end());
}

std::vector<std::shared_ptr<const UserBias>> read_tensors(const MaskTensors& tensors, const std::string& tensor,
                                                          const MaskReading& reading) {
    std::vector<std::shared_ptr<const UserBias>> users;
    std::map<std::string, std::shared_ptr<const UserBias>> read;
    for (std::size_t i = 0; i < reading.users.size(); ++i) {
        const User& sizes = reading.users[i];
        const std::string name = tensors.own_or_shared_name(i, tensor);
        const StoredTensor& stored = tensors.file().find(name);
        const auto queries = static_cast<std::uint64_t>(sizes.queries), keys = static_cast<std::uint64_t>(sizes.keys);
        const auto heads = static_cast<std::uint64_t>(reading.heads_q);
        const bool fits = stored.shape.size() == 3 && (stored.shape[0] == 1 || stored.shape[0] == heads) &&
                          stored.shape[1] == queries && stored.shape[2] == keys;
        if (!fits)
            fail<InputError>(
                "{}: found shape {}, expected [{} or 1, {}, {}] = [heads_q or 1, queries, keys] of user {}",
                tensors.shown(name), text_of_shape(stored.shape), heads, queries, keys, i);
        if (const auto before = read.find(name); before != read.end()) {
            users.push_back(before->second);
            continue;
        }
        UserBias user;
        user.heads = static_cast<std::int64_t>(stored.shape[0]);
        user.queries = sizes.queries;
        user.keys = sizes.keys;
        user.values = tensors.floats(name, bias_range);
        user.source = tensors.shown(name);
        find_hidden(user);
        users.push_back(read[name] = std::make_shared<UserBias>(std::move(user)));
    }
    return users;
}

}  // namespace

std::shared_ptr<const Mask> read_pair_bias(JsonReader& reader, const MaskReading& reading) {
    const auto file = reader.optional_member("file");
    const auto tensor = reader.optional_member("tensor");
    const bool generated = reader.has("std");
    const bool shared = reader.boolean("shared", false);
    auto biases = std::make_shared<Biases>();
    biases->seed = reader.integer("seed", 0, (std::uint64_t{1} << 53) - 1, 1);
    std::vector<std::int64_t> offsets;
    for (const User& user : reading.users) offsets.push_back(user.query_offset);
    if (generated) {
        if (file || tensor) reader.complain("found both \"std\" and a tensor, expected one of them");
        biases->deviation = reader.number("std", 0.0, largest_deviation);
        for (const User& user : reading.users)
            biases->users.push_back(std::make_shared<UserBias>(
                UserBias{shared ? 1 : reading.heads_q, user.queries, user.keys, {}, {}, "std"}));
        return std::make_shared<PairBiases>(std::move(biases), std::move(offsets));
    }
    if (reader.has("shared")) reader.complain("found \"shared\" without \"std\"; the tensor's shape says it");
    if (file && file->as_string().empty()) file->reject("the path of a safetensors file");
    const MaskTensors tensors =
        file ? MaskTensors(file->as_file(), reading) : MaskTensors(reader, reading, "file or std");
    biases->users = read_tensors(tensors, tensor ? tensor->as_string() : "pair_bias", reading);
    return std::make_shared<PairBiases>(std::move(biases), std::move(offsets));
}

}  // namespace tilemesh::attention
