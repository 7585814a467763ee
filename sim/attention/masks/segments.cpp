// SPDX-License-Identifier: Apache-2.0
// {"kind": "segments"}: sequences packed into one context; a query sees the keys of its own segment. Segments are
// given as "lengths" that lie one after the other, as "ids", or as the tensor segment_ids of the panel's inputs, one
// id per key position; a query has the id of its position, and before position 0 none: it sees nothing. Equal ids are
// one segment wherever they are.
#include "sim/attention/masks/reading.h"
#include "sim/attention/masks/segment_runs.h"

#include <fmt/format.h>

#include <algorithm>

namespace tilemesh::attention {
namespace {

/// The segments of one user, and where they were given, for errors.
struct UserSegments {
    SegmentRuns runs;
    std::string source;
};

class Segments final : public Mask {
public:
    explicit Segments(std::vector<UserSegments> users) : users_(std::move(users)) {}

    std::string name() const override { return "segments"; }
    bool sees(Viewer viewer, std::int64_t query_position, std::int64_t key_position) const override {
        const SegmentRuns& runs = of(viewer);
        return runs.holds(query_position) && runs.holds(key_position) &&
               runs.id_at(query_position) == runs.id_at(key_position);
    }
    void row(Viewer viewer, std::int64_t query_position, Range keys, std::span<float> visible) const override {
        std::fill(visible.begin(), visible.end(), 0.0F);
        if (of(viewer).holds(query_position)) of(viewer).mark(of(viewer).id_at(query_position), keys, visible);
    }
    Visible block(Viewer viewer, Range queries, Range keys) const override { return of(viewer).block(queries, keys); }
    std::uint64_t visible_pairs(Viewer viewer, Range queries, Range keys) const override {
        return of(viewer).equal_pairs(queries, keys);
    }
    int compare_operations() const override { return 1; }  // the ids of query and key, from vectors

    std::optional<std::string> refuses(std::span<const User> users) const override {
        for (std::size_t i = 0; i < users.size(); ++i) {
            const std::int64_t found = users_.at(i).runs.size();
            if (found != users[i].keys)
                return fmt::format("{}: found segments of {} positions, expected {}, the keys of user {}",
                                   users_[i].source, found, users[i].keys, i);
            const std::int64_t last = users[i].query_positions().end - 1;
            if (last >= found && users[i].queries > 0 && found > 0)
                return fmt::format(
                    "{}: the last query of user {} is at position {}, expected at most {}, the last "
                    "position that has a segment",
                    users_[i].source, i, last, found - 1);
        }
        return {};
    }

private:
    const SegmentRuns& of(Viewer viewer) const { return users_[static_cast<std::size_t>(viewer.user)].runs; }

    std::vector<UserSegments> users_;
};

std::vector<UserSegments> read_lengths(const JsonReader& lengths, std::size_t users) {
    std::vector<UserSegments> segments;
    for (const auto& list : lists_of_users(lengths, users)) {
        std::vector<SegmentRuns::Piece> pieces;
        std::int64_t total = 0;
        for (const JsonReader& element : list) {
            const auto length = static_cast<std::int64_t>(element.as_integer(1, furthest_position));
            pieces.push_back({length, static_cast<std::int64_t>(pieces.size())});
            total += length;
            if (total > static_cast<std::int64_t>(furthest_position)) element.reject("segments of fewer positions");
        }
        segments.push_back({SegmentRuns(pieces), "lengths"});
    }
    return segments;
}

std::vector<SegmentRuns::Piece> pieces_of(const std::vector<std::int64_t>& ids) {
    std::vector<SegmentRuns::Piece> pieces;
    for (const std::int64_t id : ids) {
        if (pieces.empty() || pieces.back().id != id) pieces.push_back({0, id});
        ++pieces.back().length;
    }
    return pieces;
}

std::vector<UserSegments> read_ids(const JsonReader& list_of_ids, std::size_t users) {
    constexpr std::uint64_t largest_id = (std::uint64_t{1} << 53) - 1;
    std::vector<UserSegments> segments;
    for (const auto& list : lists_of_users(list_of_ids, users)) {
        std::vector<std::int64_t> ids;
        for (const JsonReader& element : list)
            ids.push_back(static_cast<std::int64_t>(element.as_integer(0, largest_id)));
        segments.push_back({SegmentRuns(pieces_of(ids)), "ids"});
    }
    return segments;
}

std::vector<UserSegments> read_tensors(const JsonReader& mask, const MaskReading& reading) {
    const MaskTensors tensors(mask, reading, "lengths or ids");
    std::vector<UserSegments> segments;
    for (std::size_t user = 0; user < reading.users.size(); ++user) {
        const std::string name = tensors.name(user, "segment_ids");
        tensors.length(name, "[keys]");
        segments.push_back({SegmentRuns(pieces_of(tensors.file().read_integers(name))), tensors.shown(name)});
    }
    return segments;
}

}  // namespace

std::shared_ptr<const Mask> read_segments(JsonReader& reader, const MaskReading& reading) {
    const auto lengths = reader.optional_member("lengths");
    const auto ids = reader.optional_member("ids");
    if (lengths && ids) reader.complain("found both \"lengths\" and \"ids\", expected one of them");
    const std::size_t users = reading.users.size();
    return std::make_shared<Segments>(lengths ? read_lengths(*lengths, users)
                                      : ids   ? read_ids(*ids, users)
                                              : read_tensors(reader, reading));
}

}  // namespace tilemesh::attention
