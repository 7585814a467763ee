// SPDX-License-Identifier: Apache-2.0
// The tables of every operation and algorithm, and what crosses their links.
#include "sim/collective/schedule.h"

#include "sim/base/error.h"

#include <algorithm>
#include <map>

namespace tilemesh::collective {
namespace {

const std::vector<std::string> words{"relay", "multicast", "one_shot", "in_network", "auto"};

int wrapped(int chip, int n) { return (chip % n + n) % n; }

Range half_of(Range whole, bool second) {
    const std::uint64_t first = (whole.size + 1) / 2;
    return second ? Range{whole.begin + first, whole.size - first} : Range{whole.begin, first};
}

class Table {
public:
    Table(Operation operation, const Chips& chips, std::uint64_t elements)
        : operation_(operation), chips_(chips), elements_(elements) {}

    Range part(int number) const { return part_of(elements_, chips_.n, number); }
    /// Adds the row unless it is of nothing; its number, or -1.
    int add(const Row& row) {
        if (row.range.size == 0) return -1;
        rows.push_back(row);
        return static_cast<int>(rows.size()) - 1;
    }

    void gather_by_relay() { chips_.ring ? gather_around() : gather_along(); }
    void gather_by_multicast() { chips_.ring ? multicast_around() : multicast_along(); }
    void scatter_in_network() { chips_.ring ? sum_around() : sum_along(); }
    void scatter_by_relay() { chips_.ring ? scatter_around() : scatter_along(); }
    /// From every chip to every other, the nearest first; the opposite of a ring half each way.
    void one_shot() {
        for (int distance = 1; distance < chips_.n; ++distance)
            for (int from = 0; from < chips_.n; ++from)
                for (const int direction : {1, -1}) send_straight(from, distance, direction);
    }

    std::vector<Row> rows;

private:
    Row row(int from, int to, int direction, int part_number, Range range, int after) const {
        const bool sum = operation_ == Operation::reduce_scatter;
        return {from, to, direction, part_number, range, false, sum, false, after};
    }
    void send_straight(int from, int distance, int direction) {
        const int n = chips_.n;
        const int to = chips_.ring ? wrapped(from + direction * distance, n) : from + direction * distance;
        if (to < 0 || to >= n) return;
        if (chips_.ring && 2 * distance > n) return;
        const int number = operation_ == Operation::all_gather ? from : to;
        const bool opposite = chips_.ring && 2 * distance == n;
        add(row(from, to, direction, number, opposite ? half_of(part(number), direction < 0) : part(number), -1));
    }

    /// Own part first, then what comes from behind, the nearest first.
    void gather_along() {
        const int n = chips_.n;
        for (const int direction : {1, -1}) {
            std::map<int, int> before;  // by part, the row that brought it
            for (int i = 0; i + 1 < n; ++i) {
                const int from = direction > 0 ? i : n - 1 - i;
                std::map<int, int> sent;
                for (int behind = 0; behind <= i; ++behind) {
                    const int number = from - direction * behind;
                    const int after = behind == 0 ? -1 : before[number];
                    sent[number] = add(row(from, from + direction, direction, number, part(number), after));
                }
                before = std::move(sent);
            }
        }
    }
    /// Half way round in either direction; the last part of an even ring comes half from either side.
    void gather_around() {
        const int n = chips_.n;
        for (const int direction : {1, -1}) {
            std::vector<int> before(static_cast<std::size_t>(n), -1);  // by chip, what it sent the hop before
            for (int hop = 0; hop < n / 2; ++hop) {
                std::vector<int> sent(static_cast<std::size_t>(n), -1);
                for (int from = 0; from < n; ++from) {
                    const int number = wrapped(from - direction * hop, n);
                    const bool opposite = 2 * (hop + 1) == n;
                    const Range range = opposite ? half_of(part(number), direction < 0) : part(number);
                    const int after = hop == 0 ? -1 : before[static_cast<std::size_t>(wrapped(from - direction, n))];
                    sent[static_cast<std::size_t>(from)] =
                        add(row(from, wrapped(from + direction, n), direction, number, range, after));
                }
                before = std::move(sent);
            }
        }
    }
    void add_copies(int from, int to, int direction, Range range) {
        Row sent = row(from, to, direction, from, range, -1);
        sent.copies = true;
        add(sent);
    }
    void multicast_along() {
        for (int from = 0; from < chips_.n; ++from) {
            if (from + 1 < chips_.n) add_copies(from, chips_.n - 1, 1, part(from));
            if (from > 0) add_copies(from, 0, -1, part(from));
        }
    }
    /// Half of the bytes go one hop farther east, the other half one farther west, when the ring is even.
    void multicast_around() {
        const int n = chips_.n, longer = n / 2, shorter = n - 1 - longer;
        for (int from = 0; from < n; ++from)
            for (const bool second : {false, true}) {
                const Range range = half_of(part(from), second);
                const int east = second ? shorter : longer, west = second ? longer : shorter;
                add_copies(from, wrapped(from + east, n), 1, range);
                add_copies(from, wrapped(from - west, n), -1, range);
            }
    }
    void add_sum(int from, int to, int direction, Range range) {
        Row sent = row(from, to, direction, to, range, -1);
        sent.adds = true;
        add(sent);
    }
    /// From either end to the chip that keeps a part, the farthest first: multicast_along() backwards.
    void sum_along() {
        const int n = chips_.n;
        for (int to = n - 1; to >= 1; --to) add_sum(0, to, 1, part(to));
        for (int to = 0; to < n - 1; ++to) add_sum(n - 1, to, -1, part(to));
    }
    /// Half way round from either side, as multicast_around().
    void sum_around() {
        const int n = chips_.n, longer = n / 2, shorter = n - 1 - longer;
        for (const int direction : {1, -1})
            for (int from = 0; from < n; ++from)
                for (const bool second : {false, true}) {
                    const int way = second == (direction > 0) ? shorter : longer;
                    const int to = wrapped(from + direction * way, n);
                    add_sum(from, to, direction, half_of(part(to), second));
                }
    }
    /// Sums grow on the way to the chip that keeps them, those that go farthest first.
    void scatter_along() {
        const int n = chips_.n;
        for (const int direction : {1, -1}) {
            std::map<int, int> before;
            for (int i = 0; i + 1 < n; ++i) {
                const int from = direction > 0 ? i : n - 1 - i;
                std::map<int, int> sent;
                for (int ahead = n - 1 - i; ahead >= 1; --ahead) {
                    const int number = from + direction * ahead;
                    const int after = i == 0 ? -1 : before[number];
                    sent[number] = add(row(from, from + direction, direction, number, part(number), after));
                }
                before = std::move(sent);
            }
        }
    }
    /// Half of every part all the way round in either direction, beginning one past the chip that keeps it.
    void scatter_around() {
        const int n = chips_.n;
        for (const int direction : {1, -1}) {
            std::vector<int> before(static_cast<std::size_t>(n), -1);
            for (int hop = 0; hop + 1 < n; ++hop) {
                std::vector<int> sent(static_cast<std::size_t>(n), -1);
                for (int from = 0; from < n; ++from) {
                    const int number = wrapped(from - direction * (1 + hop), n);
                    const int after = hop == 0 ? -1 : before[static_cast<std::size_t>(wrapped(from - direction, n))];
                    sent[static_cast<std::size_t>(from)] =
                        add(row(from, wrapped(from + direction, n), direction, number,
                                half_of(part(number), direction < 0), after));
                }
                before = std::move(sent);
            }
        }
    }

    Operation operation_;
    Chips chips_;
    std::uint64_t elements_;
};

}  // namespace

const std::vector<std::string>& algorithm_words() { return words; }
std::string name_of(Algorithm algorithm) { return words[static_cast<std::size_t>(algorithm)]; }

int Chips::distance(int from, int to, int direction) const {
    const int along = direction * (to - from);
    return ring ? wrapped(along, n) : along;
}

int Chips::farthest(int chip) const { return ring ? n / 2 : std::max(chip, n - 1 - chip); }

Range part_of(std::uint64_t elements, int n, int part) {
    const auto parts = static_cast<std::uint64_t>(n), number = static_cast<std::uint64_t>(part);
    const std::uint64_t each = elements / parts, longer = elements % parts;
    return {each * number + std::min(number, longer), each + (number < longer ? 1 : 0)};
}

bool can(Algorithm algorithm, Operation operation) {
    if (algorithm == Algorithm::multicast) return operation == Operation::all_gather;
    if (algorithm == Algorithm::in_network) return operation == Operation::reduce_scatter;
    if (algorithm == Algorithm::relay) return operation != Operation::all_to_all;
    return true;
}

Schedule schedule_of(Operation operation, Algorithm algorithm, const Chips& chips, std::uint64_t elements) {
    if (operation == Operation::all_reduce || algorithm == Algorithm::automatic || !can(algorithm, operation))
        fail<InternalError>("no table of {} by {}", name_of(operation), name_of(algorithm));
    Chips standing = chips;
    standing.ring = chips.ring && chips.n > 2;
    Table table(operation, standing, elements);
    if (algorithm == Algorithm::one_shot) {
        table.one_shot();
    } else if (operation == Operation::reduce_scatter) {
        algorithm == Algorithm::in_network ? table.scatter_in_network() : table.scatter_by_relay();
    } else {
        algorithm == Algorithm::multicast ? table.gather_by_multicast() : table.gather_by_relay();
    }
    return {operation, algorithm, standing, elements, std::move(table.rows)};
}

bool Schedule::crosses(const Row& row, int chip) const {
    if (!chips.ring && row.direction * (chip - row.from) < 0) return false;
    return chips.distance(row.from, chip, row.direction) < chips.distance(row.from, row.to, row.direction);
}

std::uint64_t elements_on_link(const Schedule& schedule, int chip, int direction) {
    std::uint64_t elements = 0;
    for (const Row& row : schedule.rows)
        if (row.direction == direction && schedule.crosses(row, chip)) elements += row.range.size;
    return elements;
}

std::uint64_t elements_through_memory(const Schedule& schedule, int chip) {
    const std::uint64_t own = part_of(schedule.elements, schedule.chips.n, chip).size;
    std::uint64_t elements = 2 * own;
    for (const Row& row : schedule.rows) {
        if (row.from == chip) elements += row.range.size * (row.sum && row.after >= 0 ? 2 : 1);
        const int way = schedule.chips.distance(row.from, row.to, row.direction);
        const int here = schedule.chips.distance(row.from, chip, row.direction);
        if (row.adds && here > 0 && here < way) elements += row.range.size;
        const bool comes = row.copies ? here > 0 && here <= way : row.to == chip;
        if (comes) elements += row.range.size * (row.sum && row.part == chip ? 2 : 1);
    }
    return elements;
}

std::uint64_t least_on_busiest_link(Operation operation, const Chips& chips, std::uint64_t elements) {
    const auto n = static_cast<std::uint64_t>(chips.n);
    const bool ring = chips.ring && chips.n > 2;
    if (n < 2) return 0;
    // Out of the end of a line, or out of any chip of a ring; summing adds up wherever it happens, and sums go back.
    const std::uint64_t others = elements - (elements + n - 1) / n;
    if (operation == Operation::all_to_all)  // across the middle, in one direction
        return elements / n * ((n / 2) * (n - n / 2)) / (ring ? 2 : 1);
    if (operation == Operation::all_reduce) return ring ? others : elements;
    return ring ? others / 2 : others;
}

}  // namespace tilemesh::collective
