// SPDX-License-Identifier: Apache-2.0
#include "sim/insight/time_lapse.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>

namespace tilemesh::insight {
namespace {

// No digit, nothing that JSON or HTML would write in another way.
constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%()*+,-.:";
static_assert(letters.size() == 64);

constexpr std::size_t most_messages = 2048;  // pairs of PEs, those of the most bytes
constexpr std::size_t bytes_of_slice = 16;   // written
constexpr std::size_t cells = std::size_t{1} << 21;

/// Room is shared: bins first, then slices, then messages.
constexpr std::size_t of_bins(std::size_t room) { return room / 8 * 5; }
constexpr std::size_t of_slices(std::size_t room) { return room / 4; }

/// The bins of a row, `merged` at a time, as shares of their time.
std::vector<double> shares_of(const std::vector<Picoseconds>& bins, std::size_t merged, Picoseconds width,
                              Picoseconds time) {
    std::vector<double> shares;
    Picoseconds at;
    for (std::size_t bin = 0; at < time; bin += merged) {
        Picoseconds sum;
        for (std::size_t i = bin; i < std::min(bin + merged, bins.size()); ++i) sum += bins[i];
        const Picoseconds of = std::min(width * merged, time - at);
        shares.push_back(static_cast<double>(sum.value()) / static_cast<double>(of.value()));
        at += of;
    }
    return shares;
}

}  // namespace

std::string written_shares(const std::vector<double>& shares) {
    std::string text;
    char last = 0;
    std::size_t times = 0;
    const auto write = [&] {
        if (times > 0) text += last;
        if (times > 1) text += std::to_string(times);
    };
    for (const double share : shares) {
        // Something is never shown as nothing, and less than all never as all.
        const double step = share > 0.5 ? std::floor(share * 63.0) : std::ceil(share * 63.0);
        const char letter = letters[static_cast<std::size_t>(std::clamp(step, 0.0, 63.0))];
        if (letter != last) {
            write();
            last = letter;
            times = 0;
        }
        ++times;
    }
    write();
    return text;
}

void TimeLapse::add_component(const std::string& path, const std::string& kind) {
    Part part;
    char word[4] = "";
    std::sscanf(path.c_str(), "machine.cube%d.%3[a-z]%d", &part.cube, word, &part.pe);
    part.engine = kind != "hbm" && kind != "link";
    pes_per_cube_ = std::max(pes_per_cube_, part.pe + 1);
    if (kind == "matrix") ++pes_;
    parts_.push_back(std::move(part));
}

/// At least 64 however many parts there are; what is written has its own limit.
std::size_t TimeLapse::bins() const {
    std::size_t bins = 64;
    while (bins < 1024 && 2 * bins * parts_.size() <= cells) bins *= 2;
    return bins;
}

void TimeLapse::widen() {
    width_ = width_ * 2;
    for (Part& part : parts_) {
        for (Row& row : part.rows) {
            for (std::size_t i = 0; i < row.bins.size(); ++i)
                row.bins[i] = 2 * i + 1 < row.bins.size() ? row.bins[2 * i] + row.bins[2 * i + 1]
                              : 2 * i < row.bins.size()   ? row.bins[2 * i]
                                                          : Picoseconds();
            row.bins.resize((row.bins.size() + 1) / 2);
        }
    }
}

void TimeLapse::spent(ComponentId component, ClassNumber what, Picoseconds from, Picoseconds until) {
    Part& part = parts_[component];
    while (until > width_ * bins()) widen();
    auto row = std::find_if(part.rows.begin(), part.rows.end(), [=](const Row& one) { return one.what == what; });
    if (row == part.rows.end()) row = part.rows.insert(row, Row{what, {}});
    std::uint64_t bin = from.value() / width_.value();
    row->bins.resize(std::max<std::size_t>(row->bins.size(), (until.value() - 1) / width_.value() + 1));
    while (from < until) {
        const Picoseconds next = std::min(until, width_ * (bin + 1));
        row->bins[bin++] += next - from;
        from = next;
    }
}

/// The last PE is always among them: where the last tokens are, the most is done.
bool TimeLapse::keeps(ComponentId component) const { return (pes_ - 1 - number_of(parts_[component])) % every_ == 0; }

void TimeLapse::thin() {
    if (every_ < pes_) {
        every_ *= 2;
        std::erase_if(slices_, [&](const Slice& slice) { return !keeps(slice.component); });
    } else {
        slices_end_ = slices_.back().begin;
        std::erase_if(slices_, [&](const Slice& slice) { return slice.begin >= slices_end_; });
    }
}

void TimeLapse::explained(const Activity& activity, const Reasons& reasons) {
    const auto op = static_cast<Opcode>(reasons.command);
    for (const int to : reasons.receivers) {
        Message& message = messages_[{number_of(parts_[reasons.pe]), to, reasons.network}];
        ++message.count;
        message.bytes += activity.bytes.value();
    }
    if (activity.begin >= slices_end_ || activity.begin == activity.end || !keeps(activity.component)) return;
    slices_.push_back({activity.component, class_of(op), activity.begin, activity.end});
    while (slices_.size() * bytes_of_slice > of_slices(room_)) thin();
}

Json TimeLapse::lanes(Picoseconds time, std::size_t merged) const {
    Json lanes = Json::array();
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        Json rows = Json::array();
        for (const Row& row : parts_[i].rows)
            rows.push_back({row.what, written_shares(shares_of(row.bins, merged, width_, time))});
        if (!rows.empty()) lanes.push_back({i, std::move(rows)});
    }
    return lanes;
}

Json TimeLapse::slices() const {
    std::map<ComponentId, std::vector<const Slice*>> lanes;
    for (const Slice& slice : slices_) lanes[slice.component].push_back(&slice);
    Json json = Json::array();
    for (auto& [component, slices] : lanes) {
        std::stable_sort(slices.begin(), slices.end(), [](auto* a, auto* b) { return a->begin < b->begin; });
        Json numbers = Json::array();
        Picoseconds at;
        for (const Slice* slice : slices) {
            // Engines shared by several programs may report an end that a later command has moved.
            const Picoseconds begin = std::max(at, slice->begin), end = std::max(begin, slice->end);
            numbers.push_back(slice->what);
            numbers.push_back((begin - at).value());
            numbers.push_back((end - begin).value());
            at = end;
        }
        json.push_back({component, std::move(numbers)});
    }
    Json until;
    if (slices_end_ != Picoseconds::max()) until = slices_end_.value();
    return {{"every", every_}, {"until_ps", until}, {"lanes", std::move(json)}};
}

Json TimeLapse::messages(Json& left_out) const {
    std::vector<std::pair<std::array<int, 3>, Message>> sorted(messages_.begin(), messages_.end());
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.second.bytes > b.second.bytes; });
    left_out = sorted.size() > most_messages ? sorted.size() - most_messages : 0;
    Json json = Json::array();
    for (const auto& [pair, message] : sorted) {
        if (json.size() == most_messages) break;
        json.push_back({pair[0], pair[1], message.count, message.bytes});
        if (pair[2] != 0) json.back().push_back(pair[2]);
    }
    return json;
}

Json TimeLapse::close(Picoseconds time) {
    Json classes = Json::array();
    for (int number = 0; number <= class_of(OtherClass::blocked); ++number)
        classes.push_back(class_name(static_cast<ClassNumber>(number)));
    // Twice as wide until it fits; a picture of fewer bins would be none.
    std::size_t merged = 1;
    const auto count = [&] { return (time.value() + (width_ * merged).value() - 1) / (width_ * merged).value(); };
    Json shown = lanes(time, merged);
    while (count() > 16 && shown.dump().size() > of_bins(room_)) {
        merged *= 2;
        shown = lanes(time, merged);
    }
    Json json = {{"bin_ps", (width_ * merged).value()}, {"bins", count()}, {"classes", std::move(classes)}};
    json["lanes"] = std::move(shown);
    json["messages"] = messages(json["messages_left_out"]);
    json["slices"] = slices();
    return json;
}

}  // namespace tilemesh::insight
