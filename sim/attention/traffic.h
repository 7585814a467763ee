// SPDX-License-Identifier: Apache-2.0
// What a schedule's table says about traffic before anything runs: how many transfers and messages, how many bytes
// between which ranks, and, given how the ranks are joined, how many bytes on which link. Where the links are is the
// caller's affair: a route is a function, links are numbers.
#pragma once

#include "sim/attention/schedule.h"

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace tilemesh::attention {

/// How often each kind of row occurs.
struct Counts {
    std::uint64_t chunk_transfers = 0;
    std::uint64_t query_transfers = 0;
    std::uint64_t state_transfers = 0;
    std::uint64_t gradient_transfers = 0;  // of chunks
    std::uint64_t sink_transfers = 0;
    std::uint64_t attends = 0;  // (queries of a rank) x (chunk) block products
    std::uint64_t merges = 0;   // copies (merges into a register nobody wrote) not counted
};
Counts count(const Schedule& schedule);

/// K and V are two tensors, and each piece of a chunk is one message per tensor: 2 * pieces(row) messages per
/// transfer (half of that with latents).
std::uint64_t chunk_messages(const Schedule& schedule, const std::function<std::uint64_t(const Action&)>& pieces);

/// Bytes that one transfer (a send or receive row) moves, of `heads_kv` kv heads: all of them, unless the work of a
/// rank is divided over several PEs by heads; each head part of the table has its share of them. A chunk is K and V
/// of its keys in the storage type (K alone with latents), queries are q in the storage type (backward: q, do, and
/// lse and rowsum(do o) in f32), a state is o, m and l, or o and lse, for every query as the schedule's state format
/// has it (backward: dq in f32), a gradient dk and dv of its keys in f32 (their sum with latents), a gradient of
/// sinks a number in f32 per query head.
std::uint64_t transfer_bytes(const Problem& problem, const NeedSets& needs, const Schedule& schedule,
                             const Action& transfer, std::int64_t heads_kv);

/// Bytes of a transfer, as the functions below want it.
using TransferBytes = std::function<std::uint64_t(const Action& transfer)>;
TransferBytes whole_items(const Problem& problem, const NeedSets& needs, const Schedule& schedule);

using Edge = std::pair<int, int>;  // from rank, to rank
std::map<Edge, std::uint64_t> edge_bytes(const Schedule& schedule, const TransferBytes& bytes);
/// The same by message: what goes from a rank to others, one or, in a multicast, several.
using Way = std::pair<int, std::vector<int>>;
using WayBytes = std::vector<std::pair<Way, std::uint64_t>>;  // each way once
WayBytes way_bytes(const Schedule& schedule, const TransferBytes& bytes);
/// Visits every send of a rank's program with its receivers, a multicast once.
void for_each_message(const Schedule& schedule, int rank,
                      const std::function<void(const Action& send, std::span<const int> to)>& visit);

using LinkId = std::uint32_t;  // one direction of one physical link
/// The directed links, in order, over which a message from one rank reaches another.
using Route = std::function<std::vector<LinkId>(int from, int to)>;

struct LinkTraffic {
    std::map<LinkId, std::uint64_t> bytes;  // only links that carry something
    std::uint64_t hop_bytes = 0;            // sum over all links
    std::uint64_t busiest() const;          // bytes of the link that carries most
};
/// Adds the traffic of `ways`, over every link of a multicast's routes once; called once per PE when several share a
/// rank.
void add_traffic(LinkTraffic& traffic, const WayBytes& ways, const Route& route);
/// The links of the routes to all of them, each once.
std::vector<LinkId> links_to(int from, std::span<const int> to, const Route& route);
LinkTraffic link_traffic(const Schedule& schedule, const TransferBytes& bytes, const Route& route);

/// Ranks in a row: link 2r goes from r to r + 1, link 2r + 1 back. Every message walks the line, so the wrap of a
/// ring is routed back over all of it.
Route line_route();
/// The same with a real wrap link between the last rank and rank 0, of three and more; every message walks the
/// shorter way.
Route ring_route(int ranks);

}  // namespace tilemesh::attention
