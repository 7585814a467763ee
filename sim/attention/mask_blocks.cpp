// SPDX-License-Identifier: Apache-2.0
// A strided run is asked about through its hull; where the hull is partly visible the run is halved, down to single
// pairs, of which every mask is exact. Heads are gone through only when the mask tells them apart.
#include "sim/attention/mask_blocks.h"

#include <algorithm>
#include <unordered_map>

namespace tilemesh::attention {
namespace {

std::uint64_t area(const Run& queries, const Run& keys) {
    return static_cast<std::uint64_t>(queries.count) * static_cast<std::uint64_t>(keys.count);
}

bool contiguous(const Run& run) { return run.stride == 1 || run.count <= 1; }

/// Calls `ask(viewer)` for every head that may answer differently, until it returns false.
template <class Ask>
void for_each_head(const Mask& mask, Viewers viewers, const Ask& ask) {
    const std::int64_t end = mask.varies_by_head() ? viewers.heads.end : viewers.heads.begin + 1;
    for (std::int64_t head = viewers.heads.begin; head < std::min(end, viewers.heads.end); ++head)
        if (!ask(Viewer{viewers.user, head})) return;
}

/// Calls `ask` with the two halves of the block, cut across its longer side, until it returns false.
template <class Ask>
bool for_both_halves(const Run& queries, const Run& keys, const Ask& ask) {
    if (queries.count > keys.count) {
        const std::int64_t middle = queries.count / 2;
        return ask(queries.part(0, middle), keys) && ask(queries.part(middle, queries.count), keys);
    }
    const std::int64_t middle = keys.count / 2;
    return ask(queries, keys.part(0, middle)) && ask(queries, keys.part(middle, keys.count));
}

/// Contiguous blocks of single masks take one look and partly visible ones rarely more than a few; only where a mask
/// is periodic and the tokens are strided does nothing but single pairs give an answer.
constexpr int most_looks = 4096;

/// What has been found of a block so far.
struct Found {
    bool visible = false, hidden = false;
    int looks = 0;
    bool both() const { return visible && hidden; }
};

/// Goes through the block until `enough(found)`; returns false then.
template <class Enough>
bool look(const Mask& mask, Viewer viewer, const Run& queries, const Run& keys, Found& found, const Enough& enough) {
    if (++found.looks > most_looks) {
        found.visible = found.hidden = true;
        return false;
    }
    switch (mask.block(viewer, queries.hull(), keys.hull())) {
        case Visible::none:
            found.hidden = true;
            return !enough(found);
        case Visible::all:
            found.visible = true;
            return !enough(found);
        case Visible::some:
            if (!mask.is_exact() || !contiguous(queries) || !contiguous(keys)) break;
            found.visible = found.hidden = true;
            return !enough(found);
    }
    return for_both_halves(queries, keys,
                           [&](const Run& q, const Run& k) { return look(mask, viewer, q, k, found, enough); });
}

/// Runs of equal stride: every difference of their positions occurs in as many pairs as the diagonal is long.
std::uint64_t pairs_by_difference(const Mask& mask, Viewer viewer, const Run& queries, const Run& keys) {
    std::uint64_t pairs = 0;
    for (std::int64_t d = 1 - keys.count; d < queries.count; ++d) {
        const std::int64_t first = std::max<std::int64_t>(0, d), end = std::min(queries.count, d + keys.count);
        if (mask.sees(viewer, queries.at(first), keys.at(first - d)))
            pairs += static_cast<std::uint64_t>(end - first);
    }
    return pairs;
}

/// Members of each party among the queries times those among the keys.
std::uint64_t pairs_by_party(const Mask& mask, Viewer viewer, const Run& queries, const Run& keys) {
    std::unordered_map<std::int64_t, std::uint64_t> members;
    for (std::int64_t i = 0; i < keys.count; ++i) ++members[mask.party_of(viewer, keys.at(i))];
    members.erase(-1);
    std::uint64_t pairs = 0;
    for (std::int64_t i = 0; i < queries.count; ++i) {
        const auto found = members.find(mask.party_of(viewer, queries.at(i)));
        if (found != members.end()) pairs += found->second;
    }
    return pairs;
}

std::uint64_t pairs_of(const Mask& mask, Viewer viewer, const Run& queries, const Run& keys) {
    if (contiguous(queries) && contiguous(keys)) return mask.visible_pairs(viewer, queries.hull(), keys.hull());
    if (mask.by_difference() && queries.stride == keys.stride)
        return pairs_by_difference(mask, viewer, queries, keys);
    if (mask.has_parties()) return pairs_by_party(mask, viewer, queries, keys);
    switch (mask.block(viewer, queries.hull(), keys.hull())) {
        case Visible::none:
            return 0;
        case Visible::all:
            return area(queries, keys);
        case Visible::some:
            break;
    }
    std::uint64_t pairs = 0;
    for_both_halves(queries, keys, [&](const Run& q, const Run& k) {
        pairs += pairs_of(mask, viewer, q, k);
        return true;
    });
    return pairs;
}

/// One user's view of the keys, cut into blocks of `size` keys so that a hole of at least `join` keys holds a block.
class SeenKeys {
public:
    SeenKeys(const Mask& mask, Viewers viewers, const Run& queries, const Run& keys, std::int64_t join)
        : mask_(mask),
          viewers_(viewers),
          queries_(queries),
          keys_(keys),
          join_(std::max<std::int64_t>(join, 1)),
          size_((join_ + 1) / 2) {}

    Ranges ranges() {
        add({0, (keys_.count + size_ - 1) / size_});
        return trimmed();
    }

private:
    Range keys_of(Range blocks) const { return {blocks.begin * size_, std::min(blocks.end * size_, keys_.count)}; }
    Run part(Range keys) const { return keys_.part(keys.begin, keys.end); }

    /// Collects the blocks in which some key is seen, side by side ones together.
    void add(Range blocks) {
        if (blocks.empty()) return;
        const Range keys = keys_of(blocks);
        const Visible glance = visible_at_a_glance(mask_, viewers_, queries_, part(keys));
        if (glance == Visible::none) return;
        if (glance == Visible::some && blocks.size() > 1) {
            const std::int64_t middle = blocks.begin + blocks.size() / 2;
            add({blocks.begin, middle});
            add({middle, blocks.end});
            return;
        }
        if (glance == Visible::some && !any_visible(mask_, viewers_, queries_, part(keys))) return;
        if (!coarse_.empty() && coarse_.back().end == keys.begin) {
            coarse_.back().end = keys.end;
        } else {
            coarse_.push_back(keys);
        }
    }

    /// The collected ranges from their first to their last seen key, joined where they are near each other.
    Ranges trimmed() const {
        Ranges result;
        for (const Range& keys : coarse_) {
            const Range exact{first_seen(keys), last_seen(keys) + 1};
            if (!result.empty() && exact.begin - result.back().end < join_) {
                result.back().end = exact.end;
            } else {
                result.push_back(exact);
            }
        }
        return result;
    }

    bool seen(Range keys) const { return any_visible(mask_, viewers_, queries_, part(keys)); }
    // Of a range in which some key is seen.
    std::int64_t first_seen(Range keys) const {
        while (keys.size() > 1) {
            const std::int64_t middle = keys.begin + keys.size() / 2;
            (seen({keys.begin, middle}) ? keys.end : keys.begin) = middle;
        }
        return keys.begin;
    }
    std::int64_t last_seen(Range keys) const {
        while (keys.size() > 1) {
            const std::int64_t middle = keys.begin + keys.size() / 2;
            (seen({middle, keys.end}) ? keys.begin : keys.end) = middle;
        }
        return keys.begin;
    }

    const Mask& mask_;
    const Viewers viewers_;
    const Run queries_, keys_;
    const std::int64_t join_;
    const std::int64_t size_;
    Ranges coarse_;
};

}  // namespace

Visible visible(const Mask& mask, Viewers viewers, const Run& queries, const Run& keys) {
    if (queries.empty() || keys.empty()) return Visible::none;
    Found found;
    const auto enough = [](const Found& so_far) { return so_far.both(); };
    for_each_head(mask, viewers, [&](Viewer viewer) { return look(mask, viewer, queries, keys, found, enough); });
    if (found.both()) return Visible::some;
    return found.visible ? Visible::all : Visible::none;
}

Visible visible_at_a_glance(const Mask& mask, Viewers viewers, const Run& queries, const Run& keys) {
    if (queries.empty() || keys.empty() || viewers.heads.empty()) return Visible::none;
    std::optional<Visible> together;
    for_each_head(mask, viewers, [&](Viewer viewer) {
        const Visible answer = mask.block(viewer, queries.hull(), keys.hull());
        together = !together || *together == answer ? answer : Visible::some;
        return *together != Visible::some;
    });
    return *together;
}

bool any_visible(const Mask& mask, Viewers viewers, const Run& queries, const Run& keys) {
    if (queries.empty() || keys.empty()) return false;
    Found found;
    const auto enough = [](const Found& so_far) { return so_far.visible; };
    for_each_head(mask, viewers, [&](Viewer viewer) { return look(mask, viewer, queries, keys, found, enough); });
    return found.visible;
}

std::uint64_t visible_pairs(const Mask& mask, Viewers viewers, const Run& queries, const Run& keys) {
    if (queries.empty() || keys.empty()) return 0;
    std::uint64_t pairs = 0;
    for_each_head(mask, viewers, [&](Viewer viewer) {
        pairs += pairs_of(mask, viewer, queries, keys);
        return true;
    });
    return mask.varies_by_head() ? pairs : pairs * static_cast<std::uint64_t>(viewers.heads.size());
}

Ranges seen_keys(const Mask& mask, Viewers viewers, const Run& queries, const Run& keys, std::int64_t join) {
    const Visible glance = visible_at_a_glance(mask, viewers, queries, keys);
    if (glance == Visible::none) return {};
    if (glance == Visible::all) return {{0, keys.count}};
    return SeenKeys(mask, viewers, queries, keys, join).ranges();
}

}  // namespace tilemesh::attention
