// SPDX-License-Identifier: Apache-2.0
// Lower bounds, from problem and machine alone, never from the simulation. The machine bound holds for every
// schedule, the schedule bound for every execution of one table with its sharding. A term is here only if no correct
// kernel can avoid it, so a bound that a run beats is our own mistake (InternalError, raised by who compares).
#pragma once

#include "sim/attention/traffic.h"

#include <functional>
#include <string_view>
#include <vector>

namespace tilemesh::attention {

/// Peak rates of the machine, all PEs alike; rates of one PE unless said otherwise. Zero work over any rate is free.
struct MachineRates {
    int pes = 1;                  // that may take part
    double macs_per_ns = 1;       // matrix engine, of q k: at the problem's dtype
    double p_macs_per_ns = 0;     // of products with p (backward: of all others); 0: as fast as q k
    double exp2_per_ns = 1;       // vector engine, elements; of whatever makes an exponential of each
    double simple_per_ns = 1;     // vector engine, elements of the cheapest operation (comparison, add)
    double hbm_bytes_per_ns = 1;  // one PE's HBM slice, peak
    double tanh_per_ns = 1;       // vector engine, elements; of tanh or the exponential that it could be made of
    double other_macs_per_ns() const { return p_macs_per_ns > 0 ? p_macs_per_ns : macs_per_ns; }
};

struct BoundTerm {
    std::string_view name;
    double ns = 0;
};

/// The largest of its terms.
struct Bound {
    std::vector<BoundTerm> terms;
    const BoundTerm& binding() const;  // the largest; of equals the first
    double ns() const { return binding().ns; }
};

/// No schedule on this machine can be faster. Terms:
/// - matrix: a multiply-accumulate per visible pair, query head and element of head_dim and value_dim, over all PEs,
///   each product at the speed of its wider operand;
/// - vector: per visible pair and query head one exponential, and the comparisons of the row maximum (one less than
/// the
///   row has visible keys; l >= 1 and lse depend on the true maximum). Scaling can be folded into q, the subtraction
///   into the exponential, the row sum into the value product (a column of ones), biases may enter as its
///   accumulator: none of these is counted. A soft cap costs a tanh, and then a bias an addition (backward: and a
///   product with its slope);
/// - HBM: q, k and v that some visible pair needs read once, o written once, over all slices (backward: do, o, m and
///   l read with q; dq, dk and dv written), and biases per pair of visible pairs, of one head when all share them;
/// - link: 0, because data may be placed so that heads never meet (head-parallel).
Bound machine_bound(const Problem& problem, const MachineRates& rates, Schedule::Pass pass = Schedule::Pass::forward);

/// How the ranks of a table sit on the machine.
struct Wiring {
    int members = 1;  // PEs that share the work of a rank: member i owns contiguous part i of the kv heads
    /// Directed links between member `member` of one rank and the same member of another.
    std::function<std::vector<LinkId>(int member, int from, int to)> route;
    std::function<double(LinkId)> link_bytes_per_ns;
    /// Keys per message of a chunk: messages begin at multiples of it and where the transfer's ranges do; 0: one
    /// message per range. Compute must still wait for the last message.
    std::int64_t piece_keys = 0;
};

/// What is paid beside the rates, in nanoseconds, and the pieces that it is paid for. Each is the least that the
/// machine takes when nothing is in the way.
struct FixedCosts {
    double issue = 0;                        // of a command
    double descriptor = 0;                   // of a transfer
    double first_read = 0, first_write = 0;  // until the first byte of an open row moves
    double access = 0;                       // from there to the PE, after the last byte too
    double refresh_every = 0, refresh = 0;   // memory stands still for `refresh` of every `refresh_every`; 0: never
    /// Of a message between that member of one rank and of another, routers and wires.
    std::function<double(int member, int from, int to)> head;
    /// Of that, what the head alone waits for at a router: what follows it goes where it went.
    double head_alone = 0;
    /// `batch` (m x k) by (k x n) products in one command: until their results are there, and how long they keep the
    /// array at work, padding included. Cut into several commands they take no less of either.
    using Products = std::function<double(std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k)>;
    Products product, occupied;
    /// Of a product, what is left when the array could take the next one: of one of these sizes, and of any.
    std::function<double(std::int64_t m, std::int64_t n, std::int64_t k)> drain_of;
    double drain = 0;
    /// How long the vector engine is at work for an element of a block's softmax; 0: unknown.
    double softmax_element = 0;
    /// Vector operations until the result is there: the cheapest one, an exponential, a cast, what o ends with (it is
    /// divided or multiplied).
    std::function<double(std::int64_t elements)> simple, exponential, cast, finish;
    /// A kernel that keeps a running maximum: reduction, subtraction, exponential, cast of p, and at the end a
    /// division or multiplication; else only one of these is counted.
    bool running = true;
    bool casts_p = true, casts_o = true;
    std::int64_t tile_heads = 0, tile_queries = 0, tile_keys = 0;  // 0: whatever there is
    /// All queries of a block go past the same tiles of keys together, those that some of them see; partly visible
    /// tiles are trimmed to whole folds of so many keys, counted from where the tile begins (kernel.h: Tiling).
    bool by_plan = false;
    std::int64_t fold_keys = 1;
    /// Where nothing else moves, partial results leave in parts, maxima ahead, and in an order of their own: on an
    /// edge what comes later in the table may begin before what comes earlier has passed.
    bool parts_apart = false;
    /// Else chunks of other ranks are written to HBM as they come, and read from there.
    bool chunks_stay = true;
};

/// Bytes on every link under this wiring, summed over the members.
LinkTraffic wired_traffic(const Problem& problem, const NeedSets& needs, const Schedule& schedule,
                          const Wiring& wiring);

/// No execution of this table can be faster. Terms, each for the rank (and its member with most heads) that has most:
/// - matrix, vector: as above, for the blocks the rank attends;
/// - HBM: the rank's own data out of the slices of its members: q and K/V it uses or sends read once, o written once
///   (with replicated queries it is open who writes o, so it is not counted);
/// - link: the busiest directed link at its rate;
/// - arrival: for each edge into a rank, when the first k items are there at the edge's rate, plus the work of all
/// items
///   that come later (an edge keeps table order), or after the last one the value product of the smallest piece.
/// With fixed costs (forward only) matrix, vector, HBM and link also have what comes before the first and after the
/// last of their work, and the work is that of whole blocks where the plan's cuts are known; HBM has chunks that do
/// not stay in SRAM. Arrival is no less than the longest chain of waits, and there is one more term:
/// - latency: that chain with all rates of memory and links infinite.
Bound schedule_bound(const Problem& problem, const NeedSets& needs, const Schedule& schedule,
                     const MachineRates& rates, const Wiring& wiring, const FixedCosts* fixed = nullptr);

}  // namespace tilemesh::attention
