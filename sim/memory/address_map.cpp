// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/address_map.h"

#include "sim/base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>
#include <utility>

namespace tilemesh::memory {
namespace {

struct NamedOrder {
    std::string_view name, order;
};
constexpr std::array<NamedOrder, 3> presets{{
    {"row_bank_column_channel_32B", "row bank bank_group stack pseudo_channel column channel"},
    {"bankgroup_and_pseudochannel_interleaved", "row bank stack column channel bank_group pseudo_channel"},
    {"256B_chunk_per_channel", "row bank stack column bank_group pseudo_channel channel column:256B"},
}};

constexpr std::array<std::string_view, 6> part_names{"channel",    "pseudo_channel", "stack",
                                                     "bank_group", "bank",           "column"};

/// The number after the colon: bursts, or bytes when a B follows.
std::uint64_t column_count(const std::string& word, std::size_t colon, std::uint64_t burst) {
    std::uint64_t count = 0;
    const char* end = word.data() + word.size();
    const auto [rest, error] = std::from_chars(word.data() + colon + 1, end, count);
    const bool bytes = rest != end && *rest == 'B' && rest + 1 == end;
    if (error != std::errc() || count == 0 || (rest != end && !bytes))
        fail<InputError>("found \"{}\", expected a number of bursts, or of bytes as in column:256B", word);
    if (bytes && count % burst != 0)
        fail<InputError>("found \"{}\", expected a multiple of burst_bytes ({})", word, burst);
    return bytes ? count / burst : count;
}

}  // namespace

const std::vector<std::string>& AddressMap::preset_names() {
    static const std::vector<std::string> names{std::string(presets[0].name), std::string(presets[1].name),
                                                std::string(presets[2].name)};
    return names;
}

AddressMap::AddressMap(const HbmGeometry& geometry, std::string_view order) : geometry_(geometry) {
    for (const NamedOrder& named : presets)
        if (named.name == order) order = named.order;
    std::vector<std::string> words;
    std::istringstream stream{std::string(order)};
    for (std::string word; stream >> word;) words.push_back(word);
    if (words.empty() || words.front() != "row")
        fail<InputError>("found \"{}\", expected fields that begin with row", order);
    const std::array<std::uint64_t, 6> counts{
        static_cast<std::uint64_t>(geometry.channels), static_cast<std::uint64_t>(geometry.pseudo_channels),
        static_cast<std::uint64_t>(geometry.stacks),   static_cast<std::uint64_t>(geometry.bank_groups),
        static_cast<std::uint64_t>(geometry.banks),    geometry.row / geometry.burst};
    std::array<bool, 6> whole{};  // the field has taken all that was left of its count
    std::uint64_t columns = counts[5];
    for (auto word = words.rbegin(); word + 1 != words.rend(); ++word) {
        const std::size_t colon = word->find(':');
        const auto part =
            std::find(part_names.begin(), part_names.end(), word->substr(0, colon)) - part_names.begin();
        if (part == 6) fail<InputError>("found \"{}\", expected row, {}", *word, fmt::join(part_names, ", "));
        const auto index = static_cast<std::size_t>(part);
        if (whole[index]) fail<InputError>("found \"{}\" more than once", *word);
        std::uint64_t count = index == 5 ? columns : counts[index];
        if (colon != std::string::npos) {
            if (index != 5) fail<InputError>("found \"{}\", but only column is taken in parts", *word);
            count = column_count(*word, colon, geometry.burst);
            if (columns % count != 0) fail<InputError>("found \"{}\" of {} columns", *word, columns);
            columns /= count;
        } else {
            whole[index] = true;
        }
        if (count > 1 || index == 5) fields_.push_back({static_cast<Part>(part), count});
    }
    if (!whole[5] && columns > 1) fields_.push_back({Part::column, columns});
    for (const std::size_t part : {1U, 3U, 4U, 2U})
        if (!whole[part] && counts[part] > 1) fields_.push_back({static_cast<Part>(part), counts[part]});
    if (!whole[0]) fail<InputError>("found \"{}\", expected a channel among the fields", order);

    std::uint64_t below = 1;
    bool lane_seen = false, only_columns = true;
    for (const Field& field : fields_) {
        only_columns = only_columns && field.part == Part::column;
        if (only_columns) row_block_ *= field.count;
        const bool lane = field.part == Part::channel || field.part == Part::pseudo_channel;
        if (lane && !std::exchange(lane_seen, true)) lane_block_ = below;
        below *= field.count;
        if (lane) lane_period_ = below;
        if (field.part == Part::column) frame_bursts_ = below;
    }
    if (!lane_seen) lane_block_ = lane_period_ = below;
    frame_slots_ = below / frame_bursts_;
}

Place AddressMap::place(std::uint64_t address) const {
    std::uint64_t rest = address / geometry_.burst;
    std::array<int, 6> at{};
    for (const Field& field : fields_) {
        at[static_cast<std::size_t>(field.part)] = static_cast<int>(rest % field.count);
        rest /= field.count;
    }
    const int bank = ((at[1] * geometry_.stacks + at[2]) * geometry_.bank_groups + at[3]) * geometry_.banks + at[4];
    return {at[0], bank, rest};
}

int AddressMap::lane(std::uint64_t burst) const {
    int channel = 0, pseudo_channel = 0;
    for (const Field& field : fields_) {
        if (field.part == Part::channel) channel = static_cast<int>(burst % field.count);
        if (field.part == Part::pseudo_channel) pseudo_channel = static_cast<int>(burst % field.count);
        burst /= field.count;
    }
    return channel * geometry_.pseudo_channels + pseudo_channel;
}

}  // namespace tilemesh::memory
