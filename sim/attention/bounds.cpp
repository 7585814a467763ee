// SPDX-License-Identifier: Apache-2.0
// The arithmetic of the lower bounds. Work is counted in visible pairs, exactly, whatever tiles a kernel would use.
#include "sim/attention/bounds.h"

#include "sim/attention/sharding.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>

namespace tilemesh::attention {

namespace {

/// Time of the matrix and of the vector engine of one PE; they run side by side.
struct Work {
    double matrix_ns = 0;
    double vector_ns = 0;
    double longer() const { return std::max(matrix_ns, vector_ns); }
    Work& operator+=(const Work& other) {
        matrix_ns += other.matrix_ns;
        vector_ns += other.vector_ns;
        return *this;
    }
};

Work work_of(double pairs, double rows, double heads, const Problem& problem, const MachineRates& rates) {
    const double macs = pairs * heads * static_cast<double>(problem.head_dim + problem.value_dim);
    const double comparisons = std::max(0.0, pairs - rows) * heads;
    return {macs / rates.macs_per_ns, pairs * heads / rates.exp2_per_ns + comparisons / rates.simple_per_ns};
}

/// How many of `ones` are in at least one visible pair with `others`; `visible` answers for a block of both.
template <class Visibility>
std::int64_t involved(Range ones, Range others, const Visibility& visible) {
    const Visible answer = visible(ones, others);
    if (answer == Visible::none) return 0;
    if (answer == Visible::all || ones.size() == 1) return ones.size();
    const std::int64_t middle = ones.begin + ones.size() / 2;
    return involved({ones.begin, middle}, others, visible) + involved({middle, ones.end}, others, visible);
}
std::int64_t queries_that_see(const Mask& mask, Viewer viewer, Range queries, Range keys) {
    return involved(queries, keys, [&](Range q, Range k) { return mask.block(viewer, q, k); });
}
std::int64_t keys_that_are_seen(const Mask& mask, Viewer viewer, Range queries, Range keys) {
    return involved(keys, queries, [&](Range k, Range q) { return mask.block(viewer, q, k); });
}

double element_bytes(const Problem& problem) { return static_cast<double>(bytes_per_element(problem.dtype)); }

/// Bytes of q for `queries`, K and V for `keys`, o for `outputs`, of so many kv heads.
double tensor_bytes(const Problem& problem, std::int64_t heads_kv, std::int64_t queries, std::int64_t keys,
                    std::int64_t outputs) {
    const std::int64_t heads_q = heads_kv * problem.group();
    const std::int64_t elements = queries * heads_q * problem.head_dim +
                                  keys * heads_kv * (problem.head_dim + problem.value_dim) +
                                  outputs * heads_q * problem.value_dim;
    return static_cast<double>(elements) * element_bytes(problem);
}

/// One table with all that is asked of it rank by rank. "Heads" are those of the member that owns most of them.
class RankBounds {
public:
    RankBounds(const Problem& problem, const NeedSets& needs, const Schedule& schedule, const MachineRates& rates,
               const Wiring& wiring)
        : problem_(problem),
          needs_(needs),
          schedule_(schedule),
          rates_(rates),
          wiring_(wiring),
          heads_kv_(contiguous_part(problem.heads_kv, wiring.members, 0).size()) {
        const auto ranks = static_cast<std::size_t>(needs.ranks());
        attends_.resize(ranks * static_cast<std::size_t>(needs.users()) * ranks);
        sends_own_.resize(ranks * static_cast<std::size_t>(needs.users()));
        for (int rank = 0; rank < needs.ranks(); ++rank)
            for (const Action& action : schedule.program(rank)) {
                const auto& [kind, user, id] = action.item;
                if (action.kind == Action::Kind::attend)
                    attends_[at(rank, user) * ranks + static_cast<std::size_t>(id)] = true;
                if (action.kind == Action::Kind::send && kind == Item::Kind::chunk && id == rank)
                    sends_own_[at(rank, user)] = true;
            }
    }

    Work work(int rank) const {
        Work total;
        for (int user = 0; user < needs_.users(); ++user) {
            double pairs = 0;
            for (int origin = 0; origin < needs_.ranks(); ++origin)
                if (attends(rank, user, origin)) pairs += pairs_of(rank, user, origin);
            total += work_of(pairs, static_cast<double>(needs_.queries_of(user, rank).size()), heads_q(), problem_,
                             rates_);
        }
        return total;
    }

    double hbm_ns(int rank) const {
        double bytes = 0;
        for (int user = 0; user < needs_.users(); ++user) {
            const Range positions = needs_.query_positions(user, rank);
            std::int64_t queries = 0;  // at least as many as see one of the chunks; no union is built
            for (int origin = 0; origin < needs_.ranks(); ++origin)
                if (attends(rank, user, origin))
                    queries = std::max(queries, queries_that_see(*problem_.mask, Viewer{user, 0}, positions,
                                                                 needs_.keys_of(user, origin)));
            const Range own = needs_.keys_of(user, rank);
            std::int64_t keys = 0;
            if (sends_own_[at(rank, user)])
                keys = own.size();
            else if (attends(rank, user, rank))
                keys = keys_that_are_seen(*problem_.mask, Viewer{user, 0}, positions, own);
            bytes +=
                tensor_bytes(problem_, heads_kv_, queries, keys, needs_.queries_replicated() ? 0 : positions.size());
        }
        return bytes / rates_.hbm_bytes_per_ns;
    }

    double arrival_ns(int rank) const {
        std::map<int, std::vector<Item>> arriving;  // by sender, in table order
        for (const Action& action : schedule_.program(rank))
            if (action.kind == Action::Kind::receive) arriving[action.peer].push_back(action.item);
        double latest = 0;
        for (const auto& [from, items] : arriving) latest = std::max(latest, edge_ns(from, rank, items));
        return latest;
    }

private:
    double heads_q() const { return static_cast<double>(heads_kv_ * problem_.group()); }

    std::size_t at(int rank, int user) const {
        return static_cast<std::size_t>(rank) * static_cast<std::size_t>(needs_.users()) +
               static_cast<std::size_t>(user);
    }
    bool attends(int rank, int user, int origin) const {
        return attends_[at(rank, user) * static_cast<std::size_t>(needs_.ranks()) + static_cast<std::size_t>(origin)];
    }

    double pairs_of(int rank, int user, int origin) const {
        return static_cast<double>(problem_.mask->visible_pairs(Viewer{user, 0}, needs_.query_positions(user, rank),
                                                                needs_.keys_of(user, origin)));
    }

    /// Work that cannot begin before the item starts to arrive. Rows are counted as not compared here: the running
    /// maximum of earlier chunks costs a comparison more per row, but a kernel may take chunks in any order.
    Work work_with(int rank, const Item& item) const {
        if (item.kind == Item::Kind::state || !attends(rank, item.user, item.id)) return {};
        return work_of(pairs_of(rank, item.user, item.id),
                       static_cast<double>(needs_.queries_of(item.user, rank).size()), heads_q(), problem_, rates_);
    }

    /// What must follow the last message of an item: if V comes last, the value product of the piece that has least
    /// of it; if K comes last, no less than that with head_dim. Masked blocks may hold an empty piece: nothing then.
    double tail_ns(int rank, const Item& item) const {
        if (item.kind == Item::Kind::state || !attends(rank, item.user, item.id)) return 0;
        const Range queries = needs_.query_positions(item.user, rank);
        const Range keys = needs_.keys_of(item.user, item.id);
        const std::int64_t piece = wiring_.piece_keys(item) > 0 ? wiring_.piece_keys(item) : keys.size();
        std::uint64_t fewest = problem_.mask->visible_pairs(Viewer{item.user, 0}, queries, keys);
        for (std::int64_t begin = keys.begin; begin < keys.end; begin += piece)
            fewest = std::min(fewest, problem_.mask->visible_pairs(Viewer{item.user, 0}, queries,
                                                                   {begin, std::min(begin + piece, keys.end)}));
        const auto depth = static_cast<double>(std::min(problem_.head_dim, problem_.value_dim));
        return static_cast<double>(fewest) * heads_q() * depth / rates_.macs_per_ns;
    }

    double edge_ns(int from, int rank, const std::vector<Item>& items) const {
        const double rate = slowest_link(from, rank);
        Work later;
        for (const Item& item : items) later += work_with(rank, item);
        double arrived = 0;
        double bound = 0;
        for (const Item& item : items) {
            bound = std::max(bound, arrived + later.longer());
            const Work done = work_with(rank, item);
            later += {-done.matrix_ns, -done.vector_ns};
            arrived += static_cast<double>(item_bytes(problem_, needs_, rank, item, heads_kv_)) / rate;
        }
        return std::max(bound, arrived + tail_ns(rank, items.back()));
    }

    double slowest_link(int from, int rank) const {
        double slowest = std::numeric_limits<double>::infinity();
        for (const LinkId link : wiring_.route(0, from, rank))
            slowest = std::min(slowest, wiring_.link_bytes_per_ns(link));
        return slowest;
    }

    const Problem& problem_;
    const NeedSets& needs_;
    const Schedule& schedule_;
    const MachineRates& rates_;
    const Wiring& wiring_;
    std::int64_t heads_kv_;
    std::vector<bool> attends_;    // by rank, user, origin
    std::vector<bool> sends_own_;  // by rank, user
};

}  // namespace

const BoundTerm& Bound::binding() const {
    return *std::max_element(terms.begin(), terms.end(),
                             [](const BoundTerm& a, const BoundTerm& b) { return a.ns < b.ns; });
}

Bound machine_bound(const Problem& problem, const MachineRates& rates) {
    Work work;
    double bytes = 0;
    for (std::size_t number = 0; number < problem.users.size(); ++number) {
        const User& user = problem.users[number];
        const Viewer viewer{static_cast<int>(number), 0};
        const Range queries{user.query_offset, user.query_offset + user.queries};
        const Range keys{0, user.keys};
        const auto pairs = static_cast<double>(problem.mask->visible_pairs(viewer, queries, keys));
        work +=
            work_of(pairs, static_cast<double>(user.queries), static_cast<double>(problem.heads_q), problem, rates);
        bytes += tensor_bytes(problem, problem.heads_kv, queries_that_see(*problem.mask, viewer, queries, keys),
                              keys_that_are_seen(*problem.mask, viewer, queries, keys), user.queries);
    }
    const double pes = rates.pes;
    return {{{"matrix", work.matrix_ns / pes},
             {"vector", work.vector_ns / pes},
             {"HBM", bytes / (pes * rates.hbm_bytes_per_ns)},
             {"link", 0.0}}};
}

LinkTraffic wired_traffic(const Problem& problem, const NeedSets& needs, const Schedule& schedule,
                          const Wiring& wiring) {
    LinkTraffic traffic;
    for (int member = 0; member < wiring.members; ++member) {
        const std::int64_t heads_kv = contiguous_part(problem.heads_kv, wiring.members, member).size();
        if (heads_kv == 0) break;  // longer parts come first, so the rest is empty too
        const auto bytes = [&](int rank, const Item& item) {
            return item_bytes(problem, needs, rank, item, heads_kv);
        };
        add_traffic(traffic, edge_bytes(schedule, bytes),
                    [&](int from, int to) { return wiring.route(member, from, to); });
    }
    return traffic;
}

Bound schedule_bound(const Problem& problem, const NeedSets& needs, const Schedule& schedule,
                     const MachineRates& rates, const Wiring& wiring) {
    const RankBounds ranks(problem, needs, schedule, rates, wiring);
    double matrix = 0, vector = 0, hbm = 0, link = 0, arrival = 0;
    for (int rank = 0; rank < schedule.ranks(); ++rank) {
        const Work work = ranks.work(rank);
        matrix = std::max(matrix, work.matrix_ns);
        vector = std::max(vector, work.vector_ns);
        hbm = std::max(hbm, ranks.hbm_ns(rank));
        arrival = std::max(arrival, ranks.arrival_ns(rank));
    }
    for (const auto& [id, bytes] : wired_traffic(problem, needs, schedule, wiring).bytes)
        link = std::max(link, static_cast<double>(bytes) / wiring.link_bytes_per_ns(id));
    return {{{"matrix", matrix}, {"vector", vector}, {"HBM", hbm}, {"link", link}, {"arrival", arrival}}};
}

}  // namespace tilemesh::attention
