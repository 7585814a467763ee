// SPDX-License-Identifier: Apache-2.0
// Workers, relays, copies and sums at routers around the network's fabric. One of several parallel links is followed;
// the others do the same with their share.
#include "sim/collective/execution.h"

#include "sim/base/error.h"
#include "sim/base/longest_run.h"
#include "sim/collective/run.h"

#include <algorithm>
#include <utility>

namespace tilemesh::collective {

Bytes Run::packet_for(const noc::NetworkConfig& network) const {
    const Bytes payload = full_packet(config_, network);
    std::uint64_t longest = 0;
    for (const Row& row : schedule_.rows) longest = std::max(longest, bytes_of(row.range));
    const std::uint64_t packets = (longest + payload.value() - 1) / payload.value();
    if (!slots_cover_round_trip(config_, network, schedule_.chips.ring)) return payload;
    constexpr std::uint64_t most = std::uint64_t{1} << 31;  // bytes of one packet that the fabric can follow
    return payload *
           std::clamp<std::uint64_t>((packets + most_pieces_ - 1) / most_pieces_, 1, most / payload.value());
}

/// What a relaying worker is told of at a time; what a worker brings at a time of its own for sums in the network.
std::uint64_t Run::piece_of(const Row& row, std::uint64_t bytes) const {
    if (row.adds) return std::min(bytes, network_.packet.value());
    if (schedule_.algorithm != Algorithm::relay) return bytes;
    const auto in_pieces = [&](std::uint64_t count) { return (bytes + count - 1) / count; };
    if (!row.sum) return in_pieces(std::min(config_.copy_signals, most_pieces_));
    const std::uint64_t chunks = chunk_ * reducers_;  // one of each worker
    const std::uint64_t most = schedule_.chips.ring ? config_.ring_chunks_per_sync : config_.line_chunks_per_sync;
    const std::uint64_t synced = chunks * std::clamp<std::uint64_t>(bytes / chunks / 2, 1, most);
    return std::clamp(synced, std::min(in_pieces(most_pieces_), bytes), bytes);
}

void Run::set_up() {
    const CallConfig& call = config_.call(schedule_.operation);
    std::uint64_t busiest = 0;
    for (int chip = 0; chip < schedule_.chips.n; ++chip)
        busiest = std::max(busiest, elements_on_link(schedule_, chip, 1));
    chunk_ = config_.chunk > Bytes() ? config_.chunk.value() : full_packet(config_, network_).value();
    reducers_ = config_.reduce_workers(schedule_.chips.ring, Bytes(busiest * width_ / config_.links));
    if (config_.finish) finish_ps_per_byte_ = 1000.0 / config_.finish->gbytes_per_s();
    finish_ps_per_byte_ += static_cast<double>(config_.chunk_time.value()) / static_cast<double>(chunk_ * reducers_);
    parts_wait_ = schedule_.algorithm == Algorithm::relay && schedule_.operation == Operation::reduce_scatter &&
                  config_.chunk_time > Picoseconds();
    std::vector<Picoseconds> begins;
    for (int chip = 0; chip < schedule_.chips.n; ++chip)
        begins.push_back(begin_of(schedule_, chip, config_, network_));
    end_ = call.connect;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        const Row& row = schedule_.rows[i];
        RowState& state = rows_[i];
        state.bytes = bytes_of(row.range);
        state.piece = piece_of(row, state.bytes);
        state.prepared = begins[static_cast<std::size_t>(row.from)];
        if (row.after >= 0) rows_[static_cast<std::size_t>(row.after)].followers.push_back(i);
        Worker& worker = worker_of(row.from, row.direction);
        if (parts_wait_ && !worker.rows.empty()) state.prepared = Picoseconds::max();  // until left() says when
        worker.rows.push_back(i);
    }
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        workers_[i].feeders = feeders_of(static_cast<int>(i / 2), i % 2 == 0 ? 1 : -1);
        workers_[i].free = begins[i / 2];
        calendar_.post(begins[i / 2], look, static_cast<std::uint32_t>(i));
    }
}

Execution Run::run() {
    set_up();
    while (!calendar_.empty() || fabric_.next_event() != Picoseconds::max()) {
        const Picoseconds now = std::min(calendar_.next(), fabric_.next_event());
        if (now > longest_run)
            fail<KernelError>("{} takes longer than a run may, 53 days", name_of(schedule_.operation));
        if (calendar_.next() != now) {
            fabric_.run_until(now);
            continue;
        }
        const auto event = calendar_.take();
        if (event.kind() == look) {
            advance(event.what(), now);
        } else if (event.kind() == onward) {
            pass_on(event.what(), now);
        } else if (event.kind() == meets) {
            add_own(event.what(), now);
        } else {
            RowState& state = rows_[event.what()];
            state.usable = std::min(state.usable + state.piece, state.arrived);
            for (const std::size_t follower : state.followers) {
                const Row& row = schedule_.rows[follower];
                advance(static_cast<std::size_t>(row.from) * 2 + (row.direction > 0 ? 0 : 1), now);
            }
        }
    }
    for (std::size_t i = 0; i < rows_.size(); ++i)
        if (rows_[i].arrived < rows_[i].bytes)
            fail<InternalError>("collective: row {}: {} of {} bytes arrived", i, rows_[i].arrived, rows_[i].bytes);
    result_.time = end_ + config_.call(schedule_.operation).exit;
    for (std::size_t i = 0; i < topology_.links().size(); ++i)
        result_.link_bytes.push_back(fabric_.bytes_moved(i, end_));
    result_.link_busy = busy_.busy;
    return result_;
}

const noc::Route& Run::route(int from, int to, int direction) {
    for (const auto& [key, known] : routes_)
        if (key == std::array<int, 3>{from, to, direction}) return known;
    const int n = schedule_.chips.n;
    noc::Route whole;
    bool wraps = false;
    for (int at = from; at != to;) {
        const int next = (at + direction + n) % n;
        wraps = wraps || next - at != direction;
        whole.push_back(topology_.route(at, next).front());
        at = next;
    }
    // As in topology.h: the whole way has one class of channels, so that no circle of waiting closes.
    for (noc::Hop& hop : whole) hop.channel_class = topology_.two_classes() && wraps ? 1 : 0;
    routes_.emplace_back(std::array<int, 3>{from, to, direction}, std::move(whole));
    return routes_.back().second;
}

bool Run::may_send(const Worker& worker, const Row& row, const RowState& state, std::uint64_t until,
                   Picoseconds now) const {
    if (now < state.prepared) return false;
    // What is on its way goes first, or routers that take turns would fill all slots with it. The worker brings its
    // own for what passes as well, and is one packet ahead with what it sends.
    if (row.adds && (worker.passing > 0 || state.sent > state.left + state.piece)) return false;
    if (row.after < 0) return true;
    // Of a part that is halved on the way, the second half lies behind the first.
    const Row& before = schedule_.rows[static_cast<std::size_t>(row.after)];
    const RowState& source = rows_[static_cast<std::size_t>(row.after)];
    const std::uint64_t ahead = (row.range.begin - before.range.begin) * width_ / config_.links;
    return source.usable >= std::min(ahead + until, source.bytes);
}

void Run::advance(std::size_t number, Picoseconds now) {
    Worker& worker = workers_[number];
    while (worker.next < worker.rows.size()) {
        const std::size_t i = worker.rows[worker.next];
        RowState& state = rows_[i];
        const std::uint64_t size = std::min(state.piece, state.bytes - state.sent);
        if (!may_send(worker, schedule_.rows[i], state, state.sent + size, now)) {
            if (now < state.prepared && state.prepared < Picoseconds::max())
                calendar_.post(state.prepared, look, static_cast<std::uint32_t>(number));
            return;
        }
        state.sent += size;
        send_piece(worker, i, size, now);
        if (state.sent == state.bytes) ++worker.next;
    }
}

/// By what a chip brings itself for a link: its part, or of what is summed in the network all that passes.
std::uint64_t Run::feeders_of(int chip, int direction) const {
    Range own = part_of(schedule_.elements, schedule_.chips.n, chip);
    if (schedule_.algorithm == Algorithm::in_network) own = {0, elements_on_link(schedule_, chip, direction)};
    return workers_for(config_.workers, Bytes(bytes_of(own)));
}

Picoseconds Run::feeding_time(const Worker& worker, Bytes bytes) const {
    // Workers that relay share a connection among several, which is as fast as the link.
    if (!config_.worker || schedule_.algorithm == Algorithm::relay) return {};
    std::uint64_t workers = worker.feeders;
    if (schedule_.algorithm == Algorithm::one_shot && config_.worker_per_destination)
        workers = bytes >= *config_.worker_per_destination ? static_cast<std::uint64_t>(schedule_.chips.n - 1) : 1;
    return Rate::gbytes_per_s(config_.worker->gbytes_per_s() * static_cast<double>(workers)).time_for(bytes);
}

Run::Moving& Run::new_stream(std::size_t row, int from, int to, Bytes size, Picoseconds now) {
    if (unused_.empty()) unused_.push_back(&streams_.emplace_back());
    Moving& moving = *unused_.back();
    unused_.pop_back();
    moving = Moving();
    moving.run = this;
    moving.row = row;
    moving.at = from;
    moving.stream.route = &route(from, to, schedule_.rows[row].direction);
    moving.stream.size = size;
    moving.stream.transfer = transfer_of(row);
    moving.stream.available_from = moving.stream.available_until = now;
    moving.stream.client = &moving;
    ++result_.transfers;
    return moving;
}

void Run::send_piece(Worker& worker, std::size_t i, std::uint64_t size, Picoseconds now) {
    const Row& row = schedule_.rows[i];
    const int to = row.stops() ? (row.from + row.direction + schedule_.chips.n) % schedule_.chips.n : row.to;
    Moving& moving = new_stream(i, row.from, to, Bytes(size), now);
    const Picoseconds feeding = feeding_time(worker, Bytes(size));
    moving.stream.available_from = std::max(now, worker.free);
    if (schedule_.algorithm == Algorithm::one_shot) moving.stream.available_from += config_.destination;
    worker.free = moving.stream.available_until = moving.stream.available_from + feeding;
    if (row.stops()) {
        const std::size_t link = (*moving.stream.route)[0].link;
        moving.stream.credits = &ways_[link];
        // Round a ring what stops holds one slot and waits for the next. What enters leaves slots free, so that some
        // link always has one (bubble flow control, Carrion et al. 1997): half of them, or what takes turns with
        // those that pass would fill them, and all would wait for a slot at a time.
        if (schedule_.chips.ring)
            moving.stream.spare = network_.packet * std::max<std::uint64_t>(slots_behind(link) / 2, 1);
    }
    fabric_.inject(moving.stream, noc::TrafficClass::message, now);
}

/// The workers that share a connection begin a part together and hand over their first chunks in turn, once the part
/// before has left.
void Run::left(std::size_t i, Bytes bytes, Picoseconds when) {
    RowState& state = rows_[i];
    state.left += bytes.value();
    const Row& row = schedule_.rows[i];
    const std::size_t number = static_cast<std::size_t>(row.from) * 2 + (row.direction > 0 ? 0 : 1);
    const Worker& worker = workers_[number];
    if (row.adds) calendar_.post(when, look, static_cast<std::uint32_t>(number));
    if (!parts_wait_ || state.left < state.bytes || worker.next == worker.rows.size()) return;
    RowState& next = rows_[worker.rows[worker.next]];
    next.prepared = when + chunks_time(std::min(next.bytes, chunk_ * reducers_));
    calendar_.post(next.prepared, look, static_cast<std::uint32_t>(number));
}

void Run::passed(const Row& row, int chip, Picoseconds when) {
    if (!row.adds) return;
    Worker& worker = worker_of(chip, row.direction);
    if (--worker.passing == 0)
        calendar_.post(when, look, static_cast<std::uint32_t>(chip * 2 + (row.direction > 0 ? 0 : 1)));
}

void Run::arrived(Moving& moving, Bytes bytes, Picoseconds when, bool complete) {
    const Row& row = schedule_.rows[moving.row];
    const int chip = (moving.at + row.direction + schedule_.chips.n) % schedule_.chips.n;
    if (row.stops() && chip != row.to) {
        at_router(moving, chip, bytes, when);
    } else {
        if (row.stops()) give_back((*moving.stream.route)[0].link, bytes, when);
        keep(moving.row, bytes, when);
    }
    if (complete) unused_.push_back(&moving);
}

/// A packet goes on when a copy of it is made, or when its chip's own bytes are added.
void Run::at_router(const Moving& moving, int chip, Bytes bytes, Picoseconds when) {
    const Row& row = schedule_.rows[moving.row];
    if (unused_stopped_.empty()) {
        unused_stopped_.push_back(static_cast<std::uint32_t>(stopped_.size()));
        stopped_.emplace_back();
    }
    const std::uint32_t place = unused_stopped_.back();
    unused_stopped_.pop_back();
    stopped_[place] = {moving.row, (*moving.stream.route)[0].link, chip, bytes};
    calendar_.post(row.adds ? when : when + config_.multicast, row.adds ? meets : onward, place);
    if (row.copies) end_ = std::max(end_, when);
}

/// A worker brings the bytes for one packet ahead of it: from when those before were used, if it is free.
void Run::add_own(std::size_t which, Picoseconds now) {
    const Stopped& packet = stopped_[which];
    Worker& worker = worker_of(packet.at, schedule_.rows[packet.row].direction);
    worker.free = std::max(worker.free, worker.used) + feeding_time(worker, packet.bytes);
    worker.used = std::max(now, worker.free);
    ++worker.passing;
    calendar_.post(worker.used + config_.reduction, onward, static_cast<std::uint32_t>(which));
}

void Run::pass_on(std::size_t which, Picoseconds now) {
    const Stopped going = stopped_[which];
    unused_stopped_.push_back(static_cast<std::uint32_t>(which));
    const Row& row = schedule_.rows[going.row];
    const int to = (going.at + row.direction + schedule_.chips.n) % schedule_.chips.n;
    Moving& moving = new_stream(going.row, going.at, to, going.bytes, now);
    moving.waits_on = going.from_link;
    moving.stream.credits = &ways_[(*moving.stream.route)[0].link];
    fabric_.inject(moving.stream, noc::TrafficClass::read_data, now);
}

/// What a relaying worker needs for a piece until the first of it can go on: of its chunk, as much as comes to one
/// worker.
Picoseconds Run::handling_of(const RowState& row) const {
    return config_.relay + chunks_time(std::min(chunk_, row.piece / reducers_));
}

/// By the share of a chunk that the bytes are.
Picoseconds Run::chunks_time(std::uint64_t bytes) const {
    const double chunks = static_cast<double>(bytes) / static_cast<double>(chunk_);
    return Picoseconds(static_cast<std::uint64_t>(static_cast<double>(config_.chunk_time.value()) * chunks));
}

void Run::keep(std::size_t i, Bytes bytes, Picoseconds when) {
    const Row& row = schedule_.rows[i];
    RowState& state = rows_[i];
    const std::uint64_t before = state.arrived / state.piece;
    state.arrived += bytes.value();
    const bool all = state.arrived == state.bytes;
    if (!state.followers.empty()) {
        if (all || state.arrived / state.piece > before)
            calendar_.post(when + handling_of(state), usable, static_cast<std::uint32_t>(i));
    } else if (row.sum) {
        Worker& worker = worker_of(row.to, row.direction);
        worker.finished = std::max(worker.finished, when);
        worker.finished +=
            Picoseconds(static_cast<std::uint64_t>(static_cast<double>(bytes.value()) * finish_ps_per_byte_ + 0.5));
        end_ = std::max(end_, worker.finished + handling_of(state));
    }
    end_ = std::max(end_, when);
}

Picoseconds begin_of(const Schedule& schedule, int chip, const CollectiveConfig& config,
                     const noc::NetworkConfig& network) {
    const Picoseconds connected = config.call(schedule.operation).connect;
    if (!config.barrier || schedule.chips.n < 2) return connected;
    const noc::Topology topology(network);
    const int n = schedule.chips.n, far = schedule.chips.farthest(chip);
    const int other = schedule.chips.ring ? (chip + far) % n : chip >= far ? chip - far : chip + far;
    return connected + noc::head_latency(network, topology, topology.route(chip, other));
}

Picoseconds time_through_memory(const Schedule& schedule, std::uint64_t bytes_per_element, const Ground& ground) {
    std::uint64_t most = 0;
    for (int chip = 0; chip < schedule.chips.n; ++chip)
        most = std::max(most, elements_through_memory(schedule, chip) * bytes_per_element);
    const CallConfig& call = ground.config.call(schedule.operation);
    return call.connect + ground.memory.time_for(Bytes(most)) + call.exit;
}

Execution execute(const Schedule& schedule, std::uint64_t bytes_per_element, const Ground& ground,
                  std::uint64_t pieces) {
    Execution done = Run(schedule, bytes_per_element, ground.config, ground.network, pieces).run();
    // Bytes are the table's: the link that is followed may have one more of a row than those beside it.
    const noc::Topology topology(ground.network);
    const std::vector<Bytes> followed = std::exchange(done.link_bytes, std::vector<Bytes>(topology.links().size()));
    const int n = schedule.chips.n;
    for (int chip = 0; chip < n; ++chip) {
        done.memory_bytes.push_back(Bytes(elements_through_memory(schedule, chip) * bytes_per_element));
        for (const int direction : {1, -1})
            if (const std::uint64_t elements = elements_on_link(schedule, chip, direction); elements > 0)
                done.link_bytes[topology.route(chip, (chip + direction + n) % n).front().link] +=
                    Bytes(elements * bytes_per_element);
    }
    const std::uint64_t links = ground.config.links, most_more = schedule.rows.size() * (links - 1);
    for (std::size_t i = 0; i < followed.size(); ++i)
        if (const Bytes moved = followed[i] * links, table = done.link_bytes[i];
            moved < table || moved > table + Bytes(most_more))
            fail<InternalError>("collective: link {}: {} moved, {} in the table", i, moved.value(), table.value());
    done.time = std::max(done.time, time_through_memory(schedule, bytes_per_element, ground));
    return done;
}

}  // namespace tilemesh::collective
