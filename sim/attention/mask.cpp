// SPDX-License-Identifier: Apache-2.0
// What masks do unless they know better, and their conjunction. The conjunction knows its parts only through their
// interface, so any mask can be a part; the single masks are in masks/.
#include "sim/attention/mask.h"

#include "sim/attention/biases.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <utility>

namespace tilemesh::attention {
namespace {

struct Block {
    Range queries, keys;
};

/// The block cut in two across its longer side.
std::pair<Block, Block> halves(Range queries, Range keys) {
    if (queries.size() > keys.size()) {
        const std::int64_t middle = queries.begin + queries.size() / 2;
        return {{{queries.begin, middle}, keys}, {{middle, queries.end}, keys}};
    }
    const std::int64_t middle = keys.begin + keys.size() / 2;
    return {{queries, {keys.begin, middle}}, {queries, {middle, keys.end}}};
}

}  // namespace

void Mask::row(Viewer viewer, std::int64_t query_position, Range keys, std::span<float> visible) const {
    for (std::size_t i = 0; i < visible.size(); ++i) {
        visible[i] = sees(viewer, query_position, keys.begin + static_cast<std::int64_t>(i)) ? 1.0F : 0.0F;
    }
}

// A single pair always is all or none, so this ends.
std::uint64_t Mask::visible_pairs(Viewer viewer, Range query_positions, Range key_positions) const {
    switch (block(viewer, query_positions, key_positions)) {
        case Visible::none:
            return 0;
        case Visible::all:
            return static_cast<std::uint64_t>(query_positions.size()) *
                   static_cast<std::uint64_t>(key_positions.size());
        case Visible::some:
            break;
    }
    const auto [first, second] = halves(query_positions, key_positions);
    return visible_pairs(viewer, first.queries, first.keys) + visible_pairs(viewer, second.queries, second.keys);
}

namespace {

using Parts = std::vector<std::shared_ptr<const Mask>>;

class AllOf final : public Mask {
public:
    explicit AllOf(Parts parts) : parts_(std::move(parts)) {}
    const Parts& parts() const { return parts_; }

    std::string name() const override {
        constexpr std::size_t most = 4;
        const std::size_t shown = parts_.size() <= most ? parts_.size() : most - 1;
        std::string text;
        for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? "" : " and ") + parts_[i]->name();
        return shown == parts_.size() ? text : text + fmt::format(" and {} more", parts_.size() - shown);
    }

    bool sees(Viewer viewer, std::int64_t query_position, std::int64_t key_position) const override {
        return std::all_of(parts_.begin(), parts_.end(),
                           [&](const auto& part) { return part->sees(viewer, query_position, key_position); });
    }

    void row(Viewer viewer, std::int64_t query_position, Range keys, std::span<float> visible) const override {
        parts_.front()->row(viewer, query_position, keys, visible);
        std::vector<float> other(visible.size());
        for (std::size_t part = 1; part < parts_.size(); ++part) {
            parts_[part]->row(viewer, query_position, keys, other);
            for (std::size_t i = 0; i < other.size(); ++i) visible[i] *= other[i];
        }
    }

    bool is_exact() const override { return false; }
    Visible block(Viewer viewer, Range query_positions, Range key_positions) const override {
        int blocks_left = most_blocks;
        return look(viewer, query_positions, key_positions, blocks_left);
    }

    std::uint64_t visible_pairs(Viewer viewer, Range queries, Range keys) const override {
        const Answers answers = ask_parts(viewer, queries, keys);
        if (answers.least == Visible::none) return 0;
        if (answers.partly == 0)
            return static_cast<std::uint64_t>(queries.size()) * static_cast<std::uint64_t>(keys.size());
        if (answers.partly == 1) return answers.some->visible_pairs(viewer, queries, keys);
        if (answers.partly == answers.in_parties) return pairs_by_party(viewer, queries, keys);
        const auto [first, second] = halves(queries, keys);
        return visible_pairs(viewer, first.queries, first.keys) + visible_pairs(viewer, second.queries, second.keys);
    }

    int compare_operations() const override {
        int operations = 0, comparing = 0;
        for (const auto& part : parts_) {
            operations += part->compare_operations();
            comparing += part->compare_operations() > 0 ? 1 : 0;
        }
        return operations + std::max(comparing - 1, 0);  // the "and"s
    }

    bool by_difference() const override {
        return std::all_of(parts_.begin(), parts_.end(), [](const auto& part) { return part->by_difference(); });
    }
    bool is_causal() const override {
        return any([](const Mask& part) { return part.is_causal(); });
    }
    bool varies_by_head() const override {
        return any([](const Mask& part) { return part.varies_by_head(); });
    }
    bool has_key_bias() const override {
        return any([](const Mask& part) { return part.has_key_bias(); });
    }

    float key_bias(int user, std::int64_t key_position) const override {
        float sum = 0.0F;
        for (const auto& part : parts_) sum += part->key_bias(user, key_position);
        return sum;
    }

    bool has_slopes() const override {
        return any([](const Mask& part) { return part.has_slopes(); });
    }
    float slope(Viewer viewer) const override {
        float sum = 0.0F;
        for (const auto& part : parts_) sum += part->slope(viewer);
        return sum;
    }
    PairBias pair_bias() const override {
        PairBias most = PairBias::none;
        for (const auto& part : parts_) most = std::max(most, part->pair_bias());
        return most;
    }
    void add_pair_bias(Viewer viewer, std::int64_t query_position, Range keys, std::span<float> out) const override {
        for (const auto& part : parts_) part->add_pair_bias(viewer, query_position, keys, out);
    }
    std::shared_ptr<const Mask> placed(std::span<const User> users) const override {
        Parts parts = parts_;
        for (auto& part : parts)
            if (auto moved = part->placed(users)) part = std::move(moved);
        return std::make_shared<AllOf>(std::move(parts));
    }

    std::optional<std::string> refuses(std::span<const User> users) const override {
        for (const auto& part : parts_)
            if (auto why = part->refuses(users)) return why;
        return {};
    }

private:
    /// Blocks looked at before "some" is taken for an answer: six levels of halving, which tells a window's or a
    /// segment's border from an overlap unless they nearly touch.
    static constexpr int most_blocks = 64;

    template <class Property>
    bool any(const Property& property) const {
        return std::any_of(parts_.begin(), parts_.end(), [&](const auto& part) { return property(*part); });
    }

    /// What the parts say of a block, each for itself.
    struct Answers {
        Visible least = Visible::all;  // one that sees nothing decides, and only all of "all" make "all"
        int partly = 0;                // how many say some
        int in_parties = 0;            // of them
        const Mask* some = nullptr;    // the last of those
    };
    Answers ask_parts(Viewer viewer, Range queries, Range keys) const {
        Answers answers;
        for (const auto& part : parts_) {
            const Visible answer = part->block(viewer, queries, keys);
            answers.least = std::min(answers.least, answer);
            if (answer == Visible::none) break;
            if (answer == Visible::all) continue;
            ++answers.partly;
            answers.in_parties += part->has_parties() ? 1 : 0;
            answers.some = part.get();
        }
        return answers;
    }

    /// Where all parts that hide something here divide positions into parties: who is of the same in each of them.
    std::uint64_t pairs_by_party(Viewer viewer, Range queries, Range keys) const {
        std::vector<const Mask*> partly;
        for (const auto& part : parts_)
            if (part->block(viewer, queries, keys) == Visible::some) partly.push_back(part.get());
        std::vector<std::int64_t> parties(partly.size());
        const auto is_in_all = [&](std::int64_t position) {
            std::transform(partly.begin(), partly.end(), parties.begin(),
                           [&](const Mask* part) { return part->party_of(viewer, position); });
            return std::all_of(parties.begin(), parties.end(), [](std::int64_t party) { return party >= 0; });
        };
        std::map<std::vector<std::int64_t>, std::uint64_t> members;
        for (std::int64_t key = keys.begin; key < keys.end; ++key)
            if (is_in_all(key)) ++members[parties];
        std::uint64_t pairs = 0;
        for (std::int64_t query = queries.begin; query < queries.end; ++query)
            if (is_in_all(query))
                if (const auto found = members.find(parties); found != members.end()) pairs += found->second;
        return pairs;
    }

    /// Looks for a visible pair where several parts are partly visible: they may have none in common. All can then no
    /// longer be the answer, because a pair that one part hides is hidden.
    Visible look(Viewer viewer, Range queries, Range keys, int& blocks_left) const {
        const Answers answers = ask_parts(viewer, queries, keys);
        if (answers.least != Visible::some || answers.partly == 1 || --blocks_left <= 0) return answers.least;
        const auto [first, second] = halves(queries, keys);
        const bool seen = look(viewer, first.queries, first.keys, blocks_left) != Visible::none ||
                          look(viewer, second.queries, second.keys, blocks_left) != Visible::none;
        return seen ? Visible::some : Visible::none;
    }

    Parts parts_;
};

}  // namespace

std::shared_ptr<const Mask> all_of(Parts parts) {
    // A part that never needs an element mask and has no bias hides nothing; the conjunction costs and says less
    // without it.
    std::erase_if(parts, [](const auto& part) { return part->compare_operations() == 0 && !has_biases(*part); });
    Parts flat;  // an "and" of "and"s is one "and"
    for (const auto& part : parts) {
        const auto* const inner = dynamic_cast<const AllOf*>(part.get());
        if (inner == nullptr) {
            flat.push_back(part);
        } else {
            flat.insert(flat.end(), inner->parts().begin(), inner->parts().end());
        }
    }
    if (flat.empty()) return full_mask();
    if (flat.size() == 1) return flat.front();
    return std::make_shared<AllOf>(std::move(flat));
}

}  // namespace tilemesh::attention
