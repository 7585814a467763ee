// SPDX-License-Identifier: Apache-2.0
// Written from the schema (protos/perfetto/trace of github.com/google/perfetto), not from the writer.
#include "tests/insight/trace_reader.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <stdexcept>
#include <string_view>

namespace tilemesh::test {
namespace {

[[noreturn]] void wrong(const std::string& what) { throw std::runtime_error(what); }

struct Field {
    std::uint32_t number = 0, type = 0;
    std::uint64_t value = 0;  // of types 0 and 1
    std::string_view body;    // of type 2
};

class Reader {
public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}
    bool next(Field& field) {
        if (rest_.empty()) return false;
        const std::uint64_t key = varint();
        field = {static_cast<std::uint32_t>(key >> 3), static_cast<std::uint32_t>(key & 7), 0, {}};
        if (field.type == 0) {
            field.value = varint();
        } else if (field.type == 1) {
            std::memcpy(&field.value, take(8).data(), 8);
        } else if (field.type == 2) {
            field.body = take(varint());
        } else {
            wrong("a wire type that protocol buffers do not have");
        }
        return true;
    }
    std::size_t left() const { return rest_.size(); }

private:
    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            const auto byte = static_cast<unsigned char>(take(1).front());
            value |= std::uint64_t{byte & 127U} << shift;
            if (byte < 128) return value;
        }
        wrong("a number without an end");
    }
    std::string_view take(std::uint64_t bytes) {
        if (bytes > rest_.size()) wrong("a field that goes beyond its message");
        const std::string_view taken = rest_.substr(0, bytes);
        rest_.remove_prefix(bytes);
        return taken;
    }
    std::string_view rest_;
};

// The fields that are read, with their wire types: 0 for numbers, 1 for fixed64 and double, 2 for text and messages.
using Schema = std::map<std::uint32_t, std::uint32_t>;
const Schema trace_schema = {{1, 2}};          // packet
const Schema packet_schema = {{8, 0},          // timestamp
                              {10, 0},         // trusted_packet_sequence_id
                              {11, 2},         // track_event
                              {12, 2},         // interned_data
                              {13, 0},         // sequence_flags
                              {60, 2},         // track_descriptor
                              {87, 0}};        // first_packet_on_sequence
const Schema descriptor_schema = {{1, 0},      // uuid
                                  {2, 2},      // name
                                  {5, 0},      // parent_uuid
                                  {8, 2},      // counter
                                  {11, 0},     // child_ordering
                                  {12, 0},     // sibling_order_rank
                                  {14, 2}};    // description
const Schema counter_schema = {{3, 0}};        // unit
const Schema event_schema = {{4, 2},           // debug_annotations
                             {9, 0},           // type
                             {10, 0},          // name_iid
                             {11, 0},          // track_uuid
                             {30, 0},          // counter_value
                             {44, 1},          // double_counter_value
                             {47, 1},          // flow_ids
                             {48, 1}};         // terminating_flow_ids
const Schema annotation_schema = {{1, 0},      // name_iid
                                  {3, 0},      // uint_value
                                  {17, 0}};    // string_value_iid
const Schema interned_schema = {{2, 2},        // event_names
                                {3, 2},        // debug_annotation_names
                                {29, 2}};      // debug_annotation_string_values
const Schema entry_schema = {{1, 0}, {2, 2}};  // iid; name or str

using Fields = std::multimap<std::uint32_t, Field>;

Fields fields_of(std::string_view bytes, const Schema& schema, const char* message) {
    Fields fields;
    Reader reader(bytes);
    for (Field field; reader.next(field);) {
        const auto known = schema.find(field.number);
        if (known == schema.end() || known->second != field.type)
            wrong(std::string(message) + ": field " + std::to_string(field.number));
        fields.emplace(field.number, field);
    }
    return fields;
}

std::uint64_t number(const Fields& fields, std::uint32_t field, const char* what) {
    const auto range = fields.equal_range(field);
    if (std::distance(range.first, range.second) != 1) wrong(std::string("not one ") + what);
    return range.first->second.value;
}

std::uint64_t number_or_0(const Fields& fields, std::uint32_t field) {
    const auto found = fields.find(field);
    return found == fields.end() ? 0 : found->second.value;
}

struct Event {
    std::uint64_t when = 0;
    Fields fields;
};

class TraceReader {
public:
    ReadTrace read(const std::string& bytes) {
        for (const auto& [packet_number, packet] : fields_of(bytes, trace_schema, "Trace")) read_packet(packet.body);
        std::stable_sort(events_.begin(), events_.end(),
                         [](const Event& a, const Event& b) { return a.when < b.when; });
        for (const Event& event : events_) play(event);
        for (const auto& [track, open] : open_)
            if (!open.empty()) wrong("a slice without an end: " + open.back().name);
        for (const auto& [id, track] : trace_.tracks)
            if (track.parent != 0 && trace_.tracks.count(track.parent) == 0) wrong("a track without its parent");
        return std::move(trace_);
    }

private:
    void read_packet(std::string_view bytes) {
        const Fields packet = fields_of(bytes, packet_schema, "TracePacket");
        if (number(packet, 10, "sequence id") == 0) wrong("no sequence");
        const std::uint64_t flags = number_or_0(packet, 13);
        if (flags & 1) cleared_ = true;
        for (auto [at, end] = packet.equal_range(12); at != end; ++at) read_interned(at->second.body);
        for (auto [at, end] = packet.equal_range(60); at != end; ++at) read_track(at->second.body);
        for (auto [at, end] = packet.equal_range(11); at != end; ++at) {
            Event event{number(packet, 8, "time of an event"),
                        fields_of(at->second.body, event_schema, "TrackEvent")};
            const std::uint64_t track = number(event.fields, 11, "track of an event");
            if (trace_.tracks.count(track) == 0) wrong("an event before its track is described");
            const bool refers = event.fields.count(10) != 0 || event.fields.count(4) != 0;
            if (refers && (!cleared_ || !(flags & 2))) wrong("ids are used without the state that they need");
            events_.push_back(std::move(event));
        }
    }
    void read_interned(std::string_view bytes) {
        if (!cleared_) wrong("texts before the state is cleared");
        for (const auto& [sort, field] : fields_of(bytes, interned_schema, "InternedData")) {
            const Fields entry = fields_of(field.body, entry_schema, "an interned text");
            const std::uint64_t id = number(entry, 1, "id of a text");
            const auto text = entry.find(2);
            if (id == 0 || text == entry.end()) wrong("a text without id or text");
            if (!texts_[sort].emplace(id, text->second.body).second) wrong("an id has two texts");
        }
    }
    void read_track(std::string_view bytes) {
        const Fields fields = fields_of(bytes, descriptor_schema, "TrackDescriptor");
        ReadTrack track;
        const auto name = fields.find(2);
        if (name == fields.end()) wrong("a track without a name");
        track.name = name->second.body;
        track.parent = number_or_0(fields, 5);
        track.rank = static_cast<std::int64_t>(number_or_0(fields, 12));
        const auto counter = fields.find(8);
        track.counts = counter != fields.end();
        if (track.counts) fields_of(counter->second.body, counter_schema, "CounterDescriptor");
        if (number_or_0(fields, 11) != 3) wrong("children of a track in no explicit order");
        const std::uint64_t id = number(fields, 1, "id of a track");
        if (id == 0 || !trace_.tracks.emplace(id, track).second) wrong("a track has no id, or one that another has");
    }
    std::string text(std::uint32_t sort, std::uint64_t id) const {
        const auto texts = texts_.find(sort);
        if (texts == texts_.end() || texts->second.count(id) == 0) wrong("an id without a text");
        return std::string(texts->second.at(id));
    }
    void play(const Event& event) {
        const std::uint64_t track = number(event.fields, 11, "track");
        const std::uint64_t type = number(event.fields, 9, "type of an event");
        std::vector<ReadSlice>& open = open_[track];
        if (trace_.tracks.at(track).counts != (type == 4)) wrong("slices on a counter, or counts elsewhere");
        if (type == 4) {
            const auto real = event.fields.find(44);
            double value = 0;
            if (real == event.fields.end()) {
                value = static_cast<double>(number(event.fields, 30, "value of a counter"));
            } else {
                std::memcpy(&value, &real->second.value, 8);
            }
            trace_.counts[track].push_back({event.when, value});
        } else if (type == 1) {
            open.push_back(slice_of(track, event, open.size()));
        } else if (type == 2) {
            if (open.empty()) wrong("an end without a beginning");
            open.back().end = event.when;
            trace_.slices.push_back(std::move(open.back()));
            open.pop_back();
        } else {
            wrong("an event of a type that is not used here");
        }
    }
    ReadSlice slice_of(std::uint64_t track, const Event& event, std::size_t depth) const {
        ReadSlice slice;
        slice.track = track;
        slice.begin = event.when;
        slice.depth = depth;
        slice.name = text(2, number(event.fields, 10, "name of a slice"));
        for (auto [at, end] = event.fields.equal_range(4); at != end; ++at) {
            const Fields note = fields_of(at->second.body, annotation_schema, "DebugAnnotation");
            const std::string name = text(3, number(note, 1, "name of an annotation"));
            if (note.count(17) != 0) {
                slice.texts[name] = text(29, number(note, 17, "text"));
            } else {
                slice.numbers[name] = number(note, 3, "number");
            }
        }
        for (auto [at, end] = event.fields.equal_range(47); at != end; ++at) slice.flows.push_back(at->second.value);
        for (auto [at, end] = event.fields.equal_range(48); at != end; ++at)
            slice.last_flows.push_back(at->second.value);
        return slice;
    }

    bool cleared_ = false;
    std::map<std::uint32_t, std::map<std::uint64_t, std::string_view>> texts_;
    std::vector<Event> events_;
    std::map<std::uint64_t, std::vector<ReadSlice>> open_;
    ReadTrace trace_;
};

}  // namespace

std::uint64_t ReadTrace::track(const std::string& name) const {
    std::uint64_t found = 0;
    for (const auto& [id, track] : tracks) {
        if (track.name != name) continue;
        if (found != 0) wrong("two tracks named " + name);
        found = id;
    }
    return found;
}

std::vector<ReadSlice> ReadTrace::on(const std::string& name) const {
    const std::uint64_t id = track(name);
    std::vector<ReadSlice> found;
    std::copy_if(slices.begin(), slices.end(), std::back_inserter(found),
                 [=](const ReadSlice& slice) { return slice.track == id; });
    return found;
}

ReadTrace read_trace(const std::string& bytes) { return TraceReader().read(bytes); }

std::vector<std::string> packets_of(const std::string& trace) {
    std::vector<std::string> packets;
    Reader reader(trace);
    std::size_t at = 0;
    for (Field field; reader.next(field);) {
        const std::size_t next = trace.size() - reader.left();
        packets.push_back(trace.substr(at, next - at));
        at = next;
    }
    return packets;
}

}  // namespace tilemesh::test
