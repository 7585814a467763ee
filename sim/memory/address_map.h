// SPDX-License-Identifier: Apache-2.0
// Where an address lies: which channel, pseudo-channel, bank, row. A mapping is a list of fields from the most to the
// least significant, as data sheets write it; counts need not be powers of two.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tilemesh::memory {

/// What a slice is made of.
struct HbmGeometry {
    int channels = 8;
    int pseudo_channels = 2;  // of a channel; they share its command buses, not its data bus
    int stacks = 1;           // stack identifiers behind one pseudo-channel
    int bank_groups = 4;
    int banks = 4;  // of a bank group
    std::uint64_t burst = 32, row = 1024;

    bool operator==(const HbmGeometry&) const = default;
    int lanes() const { return channels * pseudo_channels; }
    int banks_per_lane() const { return stacks * bank_groups * banks; }
};

/// One burst's place. Banks count through a channel: pseudo-channel, stack, bank group, bank.
struct Place {
    int channel = 0;
    int bank = 0;
    std::uint64_t row = 0;
};

class AddressMap {
public:
    /// `order` is a preset's name or fields as in "row bank column channel column:256B"; fields that are not named
    /// follow the row in the order stack, bank, bank_group, pseudo_channel. InputError that says what is wrong.
    AddressMap(const HbmGeometry& geometry, std::string_view order);

    Place place(std::uint64_t address) const;
    /// Channel * pseudo_channels + pseudo-channel of a burst number.
    int lane(std::uint64_t burst) const;

    std::uint64_t row_block() const { return row_block_; }      // consecutive bursts that lie in one row
    std::uint64_t lane_block() const { return lane_block_; }    // consecutive bursts that lie in one lane
    std::uint64_t lane_period() const { return lane_period_; }  // bursts after which the lanes come round again
    /// A frame is what consecutive addresses use of one row in each bank they touch; frames come round after
    /// `frame_slots`, in the same banks and another row.
    std::uint64_t frame_bursts() const { return frame_bursts_; }
    std::uint64_t frame_slots() const { return frame_slots_; }

    static const std::vector<std::string>& preset_names();

private:
    enum class Part { channel, pseudo_channel, stack, bank_group, bank, column };
    struct Field {
        Part part;
        std::uint64_t count;
    };
    HbmGeometry geometry_;
    std::vector<Field> fields_;  // from the least significant, without parts of one; the row is what remains
    std::uint64_t row_block_ = 1, lane_block_ = 1, lane_period_ = 1, frame_bursts_ = 1, frame_slots_ = 1;
};

}  // namespace tilemesh::memory
