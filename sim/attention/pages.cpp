// SPDX-License-Identifier: Apache-2.0
// Reading page tables, and what they say of one rank.
#include "sim/attention/pages.h"

#include "sim/attention/masks/reading.h"
#include "sim/base/error.h"
#include "sim/base/random.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace tilemesh::attention {
namespace {

constexpr std::uint64_t most_page_keys = std::uint64_t{1} << 27;
constexpr std::uint64_t largest_seed = (std::uint64_t{1} << 53) - 1;
constexpr std::int64_t most_places = std::int64_t{1} << 31;
// Far from the streams of inputs and samples, whose seeds may be the same.
constexpr std::uint64_t first_stream = std::uint64_t{1} << 48;

std::int64_t pages_for(std::int64_t keys, std::int64_t page_keys) { return (keys + page_keys - 1) / page_keys; }

std::vector<std::int64_t> read_table(const MaskTensors& tensors, const std::string& name, std::int64_t pages) {
    const std::uint64_t found = tensors.length(name, "[pages]");
    if (found != static_cast<std::uint64_t>(pages))
        fail<InputError>("{}: found {} entries, expected {}, one for each page of the user's keys",
                         tensors.shown(name), found, pages);
    std::vector<std::int64_t> entries = tensors.file().read_integers(name);
    for (std::size_t i = 0; i < entries.size(); ++i)
        if (entries[i] < 0 || entries[i] >= most_places)
            fail<InputError>("{}: found {} at entry {}, expected a place from 0 to {}", tensors.shown(name),
                             entries[i], i, most_places - 1);
    std::vector<std::int64_t> sorted = entries;
    std::sort(sorted.begin(), sorted.end());
    if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end())
        fail<InputError>("{}: two pages are at place {}, expected one at each", tensors.shown(name), *twice);
    return entries;
}

}  // namespace

std::vector<std::int64_t> Pages::places(int user, int rank, const Tokens& keys) const {
    const auto pages = static_cast<std::size_t>(pages_for(keys.size(), page_keys));
    std::vector<std::int64_t> places(pages), order(pages);
    std::iota(order.begin(), order.end(), std::int64_t{0});
    const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
    if (shuffled) {
        const std::uint64_t stream =
            first_stream + (static_cast<std::uint64_t>(user) << 24) + static_cast<std::uint64_t>(rank);
        for (std::size_t i = pages; i > 1; --i) std::swap(order[i - 1], order[random_below(*shuffled, stream, i, i)]);
        return order;
    }
    const std::vector<std::int64_t>& table = entries.at(static_cast<std::size_t>(user));
    const auto entry = [&](std::int64_t page) { return table.at(at(keys.at(page * page_keys) / page_keys)); };
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return entry(a) < entry(b); });
    std::int64_t place = 0;
    for (std::size_t i = 0; i < pages; ++i) {
        if (i > 0) place += entry(order[i]) - entry(order[i - 1]) > 1 ? 2 : 1;
        places[at(order[i])] = place;
    }
    return places;
}

Pages read_pages(JsonReader reader, const MaskReading& reading) {
    Pages pages;
    pages.page_keys = static_cast<std::int64_t>(reader.integer("page_keys", 1, most_page_keys));
    if (const auto table = reader.optional_member("table")) {
        table->as_word({"shuffled"});
        pages.shuffled = reader.integer("seed", 0, largest_seed, 1);
    } else {
        const MaskTensors tensors(reader, reading, "\"table\": \"shuffled\"");
        for (std::size_t user = 0; user < reading.users.size(); ++user)
            pages.entries.push_back(read_table(tensors, tensors.name(user, "page_table"),
                                               pages_for(reading.users[user].keys, pages.page_keys)));
    }
    reader.finish();
    return pages;
}

}  // namespace tilemesh::attention
