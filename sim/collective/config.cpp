// SPDX-License-Identifier: Apache-2.0
// Reading "collectives", and the small questions that its values answer.
#include "sim/collective/config.h"

#include "sim/base/error.h"

#include <fmt/core.h>

namespace tilemesh::collective {
namespace {

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 40;
constexpr double longest_ns = 1e9;
const std::vector<std::string> words{"all_gather", "reduce_scatter", "all_reduce", "all_to_all"};

Picoseconds read_time(JsonReader& reader, const char* key) {
    return from_nanoseconds(reader.number(key, 0.0, longest_ns, 0.0));
}
std::optional<Rate> read_rate(JsonReader& reader, const char* key) {
    const auto member = reader.optional_member(key);
    if (!member) return {};
    return Rate::gbytes_per_s(member->as_number(0.001, 1e6));
}

PacketConfig read_packet(JsonReader reader) {
    PacketConfig packet;
    packet.payload = Bytes(reader.integer("payload_bytes", 1, 1 << 24, 0));
    packet.header = Bytes(reader.integer("header_bytes", 0, 1 << 20, 0));
    packet.frame = Bytes(reader.integer("frame_bytes", 1, 1 << 24, 0));
    packet.frame_overhead = Bytes(reader.integer("frame_overhead_bytes", 0, 1 << 20, 0));
    packet.router = read_time(reader, "router_ns");
    packet.ring = read_time(reader, "ring_ns");
    packet.slots = reader.integer("slots", 1, 1 << 20, 0);
    if (packet.frame_overhead > Bytes() && packet.frame == Bytes())
        reader.complain("frame_overhead_bytes: found without frame_bytes, the size that each frame has");
    reader.finish();
    return packet;
}

std::vector<WorkerCount> read_workers(JsonReader& collectives, const char* key) {
    std::vector<WorkerCount> counts;
    const auto member = collectives.optional_member(key);
    if (!member) return counts;
    const JsonReader& reader = *member;
    if (!reader.is_array() || reader.value().empty()) reader.reject("a list of {from_bytes, count}");
    for (JsonReader& element : reader.elements()) {
        const WorkerCount next{Bytes(element.integer("from_bytes", 0, most_bytes)),
                               element.integer("count", 1, 1024)};
        if (counts.empty() ? next.from > Bytes() : next.from <= counts.back().from)
            element.complain(counts.empty() ? "from_bytes: found the first above 0, expected 0"
                                            : "from_bytes: expected more than in the element before");
        counts.push_back(next);
        element.finish();
    }
    return counts;
}

CallConfig read_call(JsonReader& collectives, Operation operation) {
    CallConfig call;
    auto reader = collectives.optional_member(name_of(operation));
    if (!reader) return call;
    call.connect = read_time(*reader, "connect_ns");
    call.exit = read_time(*reader, "exit_ns");
    reader->finish();
    return call;
}

}  // namespace

const std::vector<std::string>& operation_words() { return words; }
std::string name_of(Operation operation) { return words[static_cast<std::size_t>(operation)]; }

Bytes PacketConfig::on_wire(Bytes bytes) const {
    const Bytes whole = bytes + header;
    if (frame == Bytes()) return whole;
    const std::uint64_t frames = (whole.value() + frame.value() - 1) / frame.value();
    return whole + frame_overhead * frames;
}

const CallConfig& CollectiveConfig::call(Operation operation) const {
    if (operation == Operation::all_reduce) fail<InternalError>("an all_reduce is two calls");
    return calls[operation == Operation::all_to_all ? 2 : static_cast<std::size_t>(operation)];
}

std::uint64_t CollectiveConfig::reduce_workers(bool ring, Bytes on_link) const {
    return workers_for(ring ? ring_reduce_workers : line_reduce_workers, on_link);
}

std::uint64_t workers_for(const std::vector<WorkerCount>& counts, Bytes bytes) {
    std::uint64_t found = 1;
    for (const WorkerCount& count : counts)
        if (bytes >= count.from) found = count.workers;
    return found;
}

CollectiveConfig read_collectives(JsonReader reader) {
    CollectiveConfig read;
    read.links = reader.integer("links", 1, 1024, 1);
    if (const auto packet = reader.optional_member("packet")) read.packet = read_packet(*packet);
    read.worker = read_rate(reader, "worker_gbytes_per_s");
    read.workers = read_workers(reader, "workers");
    read.line_reduce_workers = read_workers(reader, "line_reduce_workers");
    read.ring_reduce_workers = read_workers(reader, "ring_reduce_workers");
    if (const auto from = reader.optional_member("worker_per_destination_bytes"))
        read.worker_per_destination = Bytes(from->as_integer(0, most_bytes));
    read.multicast = read_time(reader, "multicast_ns");
    read.reduction = read_time(reader, "reduction_ns");
    read.relay = read_time(reader, "relay_ns");
    read.destination = read_time(reader, "destination_ns");
    read.chunk = Bytes(reader.integer("chunk_bytes", 1, most_bytes, 0));
    read.chunk_time = read_time(reader, "chunk_ns");
    read.line_chunks_per_sync = reader.integer("line_chunks_per_sync", 1, 1 << 20, 1);
    read.ring_chunks_per_sync = reader.integer("ring_chunks_per_sync", 1, 1 << 20, 1);
    read.copy_signals = reader.integer("copy_signals", 1, 1 << 20, 1);
    read.finish = read_rate(reader, "finish_gbytes_per_s");
    read.one_shot_bytes = Bytes(reader.integer("one_shot_bytes", 0, most_bytes, 0));
    read.barrier = reader.boolean("barrier", true);
    for (const Operation operation : {Operation::all_gather, Operation::reduce_scatter, Operation::all_to_all})
        read.calls[operation == Operation::all_to_all ? 2 : static_cast<std::size_t>(operation)] =
            read_call(reader, operation);
    read.fitted = read_fitted_values(reader);
    reader.finish();
    return read;
}

}  // namespace tilemesh::collective
