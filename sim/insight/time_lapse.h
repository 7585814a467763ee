// SPDX-License-Identifier: Apache-2.0
// What every part of a machine did over time, for pictures: in bins that become twice as wide whenever the run
// outgrows them, so that memory does not grow with the run; who sent how much to whom; and, of as many PEs as there
// is room for, each command. Times come from the account, so the bins of a class add up to what the account has.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/insight/account.h"

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tilemesh::insight {

class TimeLapse final : public Spending {
public:
    /// Written, it takes about so many bytes at most.
    explicit TimeLapse(Bytes room) : room_(room.value()) {}
    /// In the order of their numbers, before anything happens.
    void add_component(const std::string& path, const std::string& kind);

    void spent(ComponentId component, ClassNumber what, Picoseconds from, Picoseconds until) override;
    /// An activity of a PE's engine: a slice, and part of a message.
    void explained(const Activity& activity, const Reasons& reasons);

    /// The finest bins for which there is room in a run that took `time`:
    /// {"bin_ps", "bins", "classes": [name], "lanes": [[component, [[class, shares], ...]], ...],
    ///  "messages": [[from PE, to PE, how many, bytes, network unless 0], ...], "messages_left_out",
    ///  "slices": {"every", "until_ps", "lanes": [[component, [class, gap, length, ...]], ...]}}
    /// Components are numbers as added; shares are written by written_shares().
    Json close(Picoseconds time);

    struct Row {
        ClassNumber what = 0;
        std::vector<Picoseconds> bins;
    };
    /// What was recorded, in bins of width().
    const std::vector<Row>& rows(ComponentId component) const { return parts_[component].rows; }
    Picoseconds width() const { return width_; }

private:
    struct Part {
        int cube = 0, pe = 0;
        bool engine = false;
        std::vector<Row> rows;
    };
    struct Slice {
        ComponentId component;
        ClassNumber what;
        Picoseconds begin, end;
    };
    struct Message {
        std::uint64_t count = 0, bytes = 0;
    };
    std::size_t bins() const;
    void widen();
    int number_of(const Part& part) const { return part.cube * pes_per_cube_ + part.pe; }
    bool keeps(ComponentId component) const;
    void thin();
    Json lanes(Picoseconds time, std::size_t merged) const;
    Json slices() const;
    Json messages(Json& left_out) const;

    std::size_t room_;
    std::vector<Part> parts_;
    int pes_per_cube_ = 1, pes_ = 0;
    Picoseconds width_{1000};
    std::map<std::array<int, 3>, Message> messages_;  // by both ends and network
    std::vector<Slice> slices_;
    int every_ = 1;                                // of so many PEs one, the last among them
    Picoseconds slices_end_ = Picoseconds::max();  // slices that begin later are not kept
};

/// Shares of bins, each a character of 64 for 0 to 1 in equal steps, followed by how often when that is not once.
std::string written_shares(const std::vector<double>& shares);

}  // namespace tilemesh::insight
