// SPDX-License-Identifier: Apache-2.0
// The rows of a table as chains of what must wait for what, each with the least that it takes (latency_bound.h): for
// one member of every rank, with or without the bytes that move.
#pragma once

#include "sim/attention/chains.h"
#include "sim/attention/item_map.h"
#include "sim/attention/latency_pieces.h"
#include "sim/attention/table_edges.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace tilemesh::attention {

/// How a member of one rank reaches that of another.
struct EdgeWay {
    double rate = 0, last_rate = 0;  // of the slowest link, and of the last; bytes per nanosecond
    double best_rate = 0;            // of the fastest
    double head = 0;                 // routers and wires
    double around_slowest = 0;       // of a head before the slowest link, of a tail behind it
    /// From when the first byte leaves to when the last arrives. All bytes go over the slowest link after the head
    /// has come there, and over the last one after it has come there; routes and channels are the head's to find, so
    /// what is behind it has the shorter way where a faster link lets it catch up.
    double ns(double bytes) const { return std::max(head + bytes / last_rate, around_slowest + bytes / rate); }
    bool operator==(const EdgeWay&) const = default;
};
/// By edge of the table.
std::vector<EdgeWay> ways_of(const TableEdges& edges, const Wiring& wiring, const FixedCosts& fixed, int member);

class TableChains {
public:
    using Moment = Chains::Moment;

    /// All but the ways must outlive this. `member`: one that owns heads. `like`: the chains of a member whose work
    /// is the same, where they are known.
    TableChains(const Problem& problem, const NeedSets& needs, const Schedule& schedule, const TableEdges& edges,
                const std::vector<EdgeWay>& ways, const MachineRates& rates, const Wiring& wiring,
                const FixedCosts& fixed, int member, bool with_bytes, const TableChains* like = nullptr);
    TableChains(const TableChains&) = delete;
    TableChains& operator=(const TableChains&) = delete;

    double longest() const { return chains_.longest(); }
    double after(Moment moment) const { return chains_.after(moment); }
    double left(Moment moment) const { return chains_.left(moment); }

    /// A send and its receive.
    struct Transfer {
        /// A link may have it from then on. On the slowest it does not move before `begin`: links before that may be
        /// ahead by what buffers hold.
        Moment entered;
        Moment begin, first, last;  // the first message begins to move, is there; the last one is there
        Moment made;                // what the last message is made of is there; of chunks and queries: `entered`
        double head, piece;         // on their way: the head of a message; all of the smallest that may come last
        double bytes, last_bytes;   // of all messages, of the smallest that may come last
        const Action* row;          // the send
        std::uint32_t edge;
    };
    /// In the order of the table.
    const std::vector<Transfer>& transfers() const { return all_; }
    const Transfer& transfer(std::uint32_t number) const { return all_[number]; }
    /// Of a rank's own keys and queries.
    const std::vector<std::uint32_t>& own_sends(int rank) const { return own_sends_[static_cast<std::size_t>(rank)]; }

    /// Queries against keys of a chunk, from the beginning of the first to the end of the last of its pieces.
    struct Attended {
        Moment begin = 0, end = 0;
        double scores = 0, softmax = 0, values = 0;  // of the smallest piece, until the results are there
        double scores_drain = 0, values_drain = 0;   // from when the array is free for another until then
        EngineWork work;                             // of all pieces; known with bytes
    };
    const std::vector<Attended>& attends(int rank) const { return attends_[static_cast<std::size_t>(rank)]; }

private:
    /// What was written into a register since it was last read. A table has no order of such writes but one: a rank
    /// merges when what it attends without anything of others is there, and what comes into a register waits for
    /// whoever reads it before.
    struct Register {
        std::vector<Moment> before;  // all that is merged
        std::vector<Moment> beside;  // attends of what has come from others
        std::vector<Moment> merged;  // when what is merged is there
    };
    /// What a rank has got so far, and who made its registers.
    struct Had {
        ItemMap<std::vector<std::uint32_t>> arrived;  // transfers
        ItemMap<Register> registers;
        bool fenced = false;
    };
    double bytes_ns(double bytes, double rate) const { return with_bytes_ ? bytes / rate : 0; }
    double read_ns(double bytes) const {
        return fixed_.descriptor + fixed_.first_read + fixed_.access + bytes_ns(bytes, rates_.hbm_bytes_per_ns);
    }
    void add_transfers(int rank, const std::vector<EdgeWay>& ways);
    void add_rank(int rank);
    void add_send(int rank, const Action& send, std::uint32_t number, Had& had);
    void add_attend(int rank, const Action& attend, Had& had);
    void add_merge(const Action& merge, Had& had);
    void add_results(int rank, Had& had);
    /// A register is read: when all is there that was written into it. None: nothing was.
    std::optional<Moment> read(const Item& item, Had& had);

    const Problem& problem_;
    const NeedSets& needs_;
    const Schedule& schedule_;
    const TableEdges& edges_;
    const MachineRates& rates_;
    const FixedCosts& fixed_;
    const bool with_bytes_;
    const bool edges_keep_order_;
    const TableChains* const like_;
    const Pieces pieces_;
    Chains chains_;
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    std::vector<Transfer> all_;
    std::vector<std::vector<std::uint32_t>> transfers_;  // by rank and row: of a send, none if it is without bytes
    std::vector<std::uint32_t> last_on_;                 // by edge: the transfer before
    std::vector<std::vector<Attended>> attends_;         // by rank
    std::vector<std::vector<std::uint32_t>> own_sends_;  // by rank
};

}  // namespace tilemesh::attention
