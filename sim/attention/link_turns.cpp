// SPDX-License-Identifier: Apache-2.0
// Passages are messages as links see them. What goes the same way, from a rank to others, crosses the same links, so
// links are told of ways, of which there are few, and only those that may end last are played through.
#include "sim/attention/link_turns.h"

#include "sim/attention/traffic.h"
#include "sim/attention/turns.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <unordered_map>

namespace tilemesh::attention {
namespace {

/// What the links on its way do for a message.
struct Passage {
    double begin = 0, made = 0, left = 0;
    double bytes = 0, last_bytes = 0;
};

/// All that goes from a rank to the same others.
struct PassagesOfWay {
    int from = 0;
    std::vector<int> to;
    std::vector<std::uint32_t> passages;  // ascending
    double bytes = 0;
    double longest = 0;  // from the beginning to the end, through any of them
};

/// The messages of a member's table. A multicast crosses a link once; it begins when it may go to all of its
/// receivers, and what each of them does with it follows.
class Passages {
public:
    Passages(const TableChains& chains, const Schedule& schedule, const TableEdges& edges) {
        std::vector<std::uint32_t> way_of_edge(edges.edges().size(), none);
        std::map<std::pair<int, std::vector<int>>, std::uint32_t> ways_of_multicasts;
        std::unordered_map<std::int32_t, std::uint32_t> multicasts;  // by number
        for (const TableChains::Transfer& transfer : chains.transfers()) {
            const double begin = chains.after(transfer.entered), left = chains.left(transfer.last);
            const double made = std::max(begin, chains.after(transfer.made));
            const auto number = static_cast<std::uint32_t>(all_.size());
            const auto [from, to] = edges.edges()[transfer.edge];
            std::uint32_t* way = &way_of_edge[transfer.edge];
            if (transfer.row->multicast >= 0) {
                const auto [known, is_new] = multicasts.try_emplace(transfer.row->multicast, number);
                if (!is_new) {
                    Passage& passage = all_[known->second];
                    passage.begin = std::max(passage.begin, begin);
                    passage.made = std::max(passage.made, made);
                    passage.left = std::max(passage.left, left);
                    continue;
                }
                way = &ways_of_multicasts.try_emplace({from, schedule.receivers(*transfer.row)}, none).first->second;
            }
            all_.push_back({begin, made, left, transfer.bytes, transfer.last_bytes});
            if (*way == none) {
                *way = static_cast<std::uint32_t>(ways_.size());
                PassagesOfWay& added = ways_.emplace_back();
                added.from = from;
                added.to = transfer.row->multicast >= 0 ? schedule.receivers(*transfer.row) : std::vector<int>{to};
            }
            ways_[*way].passages.push_back(number);
        }
        for (PassagesOfWay& way : ways_)
            for (const std::uint32_t number : way.passages) {
                way.bytes += all_[number].bytes;
                way.longest = std::max(way.longest, all_[number].made + all_[number].left);
            }
    }

    const std::vector<PassagesOfWay>& ways() const { return ways_; }
    const Passage& operator[](std::uint32_t number) const { return all_[number]; }

private:
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    std::vector<Passage> all_;
    std::vector<PassagesOfWay> ways_;
};

class LinkTurns {
public:
    explicit LinkTurns(const Wiring& wiring) : wiring_(wiring) {}

    /// Of one member; those of members that are alike may be the same.
    void add(int member, const Passages& passages) {
        const auto [first, is_new] = firsts_.try_emplace(&passages, static_cast<std::uint32_t>(ways_.size()));
        if (is_new)
            for (const PassagesOfWay& way : passages.ways()) ways_.push_back({&passages, &way});
        const Route route = [&](int from, int to) { return wiring_.route(member, from, to); };
        std::uint32_t number = first->second;
        for (const PassagesOfWay& way : passages.ways()) {
            for (const LinkId link : links_to(way.from, way.to, route)) {
                if (link >= links_.size()) links_.resize(link + 1);
                OverLink& over = links_[link];
                if (over.member >= 0 && over.member != member) over.ways.push_back(next_member);
                over.member = member;
                over.ways.push_back(number);
                over.ns += way.bytes / wiring_.link_bytes_per_ns(link);
                over.longest = std::max(over.longest, way.longest);
            }
            ++number;
        }
    }

    /// When the link has ended, and what follows, that ends last.
    double ns() const {
        std::vector<LinkId> order;
        for (LinkId link = 0; link < links_.size(); ++link)
            if (!links_[link].ways.empty()) order.push_back(link);
        std::sort(order.begin(), order.end(),
                  [&](LinkId a, LinkId b) { return links_[a].ns_at_most() > links_[b].ns_at_most(); });
        double longest = 0;
        std::multimap<std::size_t, LinkId> played;  // by hash
        for (const LinkId link : order) {
            // What is added up in another order differs in its last digits.
            if (links_[link].ns_at_most() * (1 + 1e-9) < longest) break;
            const auto [first, last] = played.equal_range(hash_of(link));
            if (std::any_of(first, last, [&](const auto& other) { return alike(link, other.second); })) continue;
            played.emplace(hash_of(link), link);
            longest = std::max(longest, in_turn(turns_of(link)));
        }
        return longest;
    }

private:
    static constexpr std::uint32_t next_member = ~std::uint32_t{0};
    struct NumberedWay {
        const Passages* passages;
        const PassagesOfWay* way;
    };
    /// What goes over a link.
    struct OverLink {
        std::vector<std::uint32_t> ways;  // numbers; those of one member, `next_member`, those of another, ...
        int member = -1;                  // the last
        double ns = 0;                    // of work
        double longest = 0;               // of the ways
        /// Of any set of its turns the smallest `ready` and the smallest `rest` are not longer than those of one of
        /// them (turns.h).
        double ns_at_most() const { return ns + longest; }
    };

    /// The same messages go over both at the same rate.
    bool alike(LinkId a, LinkId b) const {
        return links_[a].ways == links_[b].ways && wiring_.link_bytes_per_ns(a) == wiring_.link_bytes_per_ns(b);
    }
    std::size_t hash_of(LinkId link) const {
        std::uint64_t hash = 0;
        for (const std::uint32_t way : links_[link].ways) hash = (hash ^ way) * 0x9e3779b97f4a7c15ULL;
        return hash;
    }

    std::vector<Turn> turns_of(LinkId link) const {
        const double rate = wiring_.link_bytes_per_ns(link);
        const std::vector<std::uint32_t>& ways = links_[link].ways;
        std::vector<Turn> turns;
        std::vector<std::uint32_t> numbers;
        for (auto begin = ways.begin(); begin != ways.end();) {
            // Those of one member in the order of its table.
            const auto end = std::find(begin, ways.end(), next_member);
            const Passages& passages = *ways_[*begin].passages;
            numbers.clear();
            for (auto way = begin; way != end; ++way) {
                const std::vector<std::uint32_t>& more = ways_[*way].way->passages;
                numbers.insert(numbers.end(), more.begin(), more.end());
            }
            if (end - begin > 1) std::sort(numbers.begin(), numbers.end());
            for (const std::uint32_t number : numbers) {
                const Passage& passage = passages[number];
                turns.push_back({passage.begin, (passage.bytes - passage.last_bytes) / rate, passage.left});
                turns.push_back({passage.made, passage.last_bytes / rate, passage.left});
            }
            begin = end == ways.end() ? end : end + 1;
        }
        return turns;
    }

    const Wiring& wiring_;
    std::map<const Passages*, std::uint32_t> firsts_;  // number of their first way
    std::vector<NumberedWay> ways_;
    std::vector<OverLink> links_;
};

}  // namespace

double links_ns(const std::vector<MemberChains>& members, const Schedule& schedule, const TableEdges& edges,
                const Wiring& wiring) {
    std::map<const TableChains*, Passages> passages;
    LinkTurns turns(wiring);
    for (const MemberChains& member : members) {
        const auto of_chains = passages.try_emplace(member.chains, *member.chains, schedule, edges).first;
        turns.add(member.number, of_chains->second);
    }
    return turns.ns();
}

}  // namespace tilemesh::attention
