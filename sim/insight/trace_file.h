// SPDX-License-Identifier: Apache-2.0
// A file in Perfetto's format, written packet by packet: tracks, slices on them with annotations and flows, counters.
// It knows nothing of machines. Packets go to the disk whole, some thousands at a time, so that what is there can be
// opened however the run ends.
#pragma once

#include "sim/base/trace_choice.h"
#include "sim/insight/protobuf.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tilemesh::insight {

/// What an annotation of a slice says, in the order in which they are shown.
enum class Note : std::uint8_t {
    command,
    processor,
    bytes,
    work,
    wanted,
    issued,
    waited_for,
    waited,
    useful,
    credits,
    peer,
    message,
    source,
    part,
    phase,
};
inline constexpr int notes = static_cast<int>(Note::phase) + 1;

using TrackId = std::uint32_t;  // 1, 2, ... in the order in which they are added; 0: none

/// A slice with all that is said of it.
class Slice {
public:
    Slice(TrackId track, Picoseconds begin, Picoseconds end, std::string_view name)
        : track_(track), begin_(begin), end_(end), name_(name) {}
    void note(Note note, std::uint64_t value) { values_[used_++] = {note, false, value, {}}; }
    /// A text that is said of many slices; it is kept once.
    void note(Note note, std::string_view text) { values_[used_++] = {note, true, 0, text}; }
    /// Arrows lead from here to the slices in which the flows end. None is 0.
    void begins_flow(std::uint64_t flow) { begun_flows_.push_back(flow); }
    void ends_flow(std::uint64_t flow) { ended_flow_ = flow; }

private:
    friend class TraceFile;
    struct Value {
        Note note;
        bool is_text;
        std::uint64_t value;
        std::string_view text;
    };
    TrackId track_;
    Picoseconds begin_, end_;
    std::string_view name_;
    std::array<Value, notes> values_{};
    std::size_t used_ = 0;
    std::vector<std::uint64_t> begun_flows_;
    std::uint64_t ended_flow_ = 0;
};

class TraceFile {
public:
    /// At most `limit` bytes. InputError when it cannot be written.
    TraceFile(const std::filesystem::path& file, Bytes limit);
    ~TraceFile() { flush(); }
    TraceFile(const TraceFile&) = delete;
    TraceFile& operator=(const TraceFile&) = delete;

    enum class Holds : std::uint8_t { slices, bytes, percent };
    /// A track under `parent`, before siblings of a higher rank. `description` may be empty.
    TrackId add_track(TrackId parent, int rank, std::string_view name, Holds holds,
                      std::string_view description = {});
    /// Slices of a track follow one another: InternalError for one that begins before the last has ended, or ends
    /// before it begins.
    void add(const Slice& slice);
    /// The end of its last slice.
    Picoseconds ended(TrackId track) const { return ended_[track]; }
    void count(TrackId track, Picoseconds when, std::uint64_t value);
    void count(TrackId track, Picoseconds when, double value);

    /// Keeps so many bytes of the limit free for what comes at the end, half of it at most; until release().
    void reserve(std::uint64_t bytes) { reserved_ = std::min(bytes, limit_ / 2); }
    void release() {
        reserved_ = 0;
        dropping_ = failure_ != 0;
    }
    /// After the first that does not fit nothing is written, however small, so that the trace has no holes.
    bool dropping() const { return dropping_; }
    /// Whether something did not fit, and when the first of it was.
    bool full() const { return full_; }
    Picoseconds full_at() const { return full_at_; }
    std::uint64_t size() const { return size_; }
    /// Everything is on its way to the disk. InputError when it cannot be.
    void close();

private:
    /// `value` writes it.
    template <class Value>
    void add_count(TrackId track, Picoseconds when, Value value);
    // Texts that are kept once, with their ids.
    struct Hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    using Texts = std::unordered_map<std::string, std::uint64_t, Hash, std::equal_to<>>;
    template <class Fill>
    void packet(Fill fill);
    void flush();
    /// Writes the packet made, if it fits; `when` is for those who ask when it was full.
    void write(Picoseconds when);
    /// Of a text; a new one gets a packet before the next.
    std::uint64_t id_of(Texts& texts, std::uint32_t field, std::string_view text);
    [[noreturn]] void cannot_write(int why) const;

    std::filesystem::path path_;
    std::uint64_t limit_, reserved_ = 0, size_ = 0;
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
    bool full_ = false, dropping_ = false;
    int failure_ = 0;  // of a write, for close(): the simulation itself cannot be told
    Picoseconds full_at_;
    Protobuf out_;         // the packet being made
    std::string pending_;  // packets on their way to the disk
    Texts names_, values_;
    std::vector<std::pair<Texts*, std::string>> new_texts_;  // in the packet being made
    std::vector<Picoseconds> ended_;                         // by track: the last slice
};

}  // namespace tilemesh::insight
