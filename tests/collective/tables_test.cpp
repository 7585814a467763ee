// SPDX-License-Identifier: Apache-2.0
// The tables of collectives against what is known of them: bytes on every link, the least that any table can put
// there, an order in which everything can be done.
#include "sim/collective/schedule.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

using namespace tilemesh;
using namespace tilemesh::collective;

namespace {

constexpr std::uint64_t each = 840;  // elements of a part: halves of it are whole

std::uint64_t busiest(const Schedule& schedule) {
    std::uint64_t most = 0;
    for (int chip = 0; chip < schedule.chips.n; ++chip)
        for (const int direction : {1, -1}) most = std::max(most, elements_on_link(schedule, chip, direction));
    return most;
}

Schedule table(Operation operation, Algorithm algorithm, int n, bool ring) {
    return schedule_of(operation, algorithm, {n, ring}, each * static_cast<std::uint64_t>(n));
}

const std::vector<std::pair<Operation, Algorithm>> all_tables{
    {Operation::all_gather, Algorithm::relay},        {Operation::all_gather, Algorithm::multicast},
    {Operation::all_gather, Algorithm::one_shot},     {Operation::reduce_scatter, Algorithm::relay},
    {Operation::reduce_scatter, Algorithm::one_shot}, {Operation::all_to_all, Algorithm::one_shot}};

}  // namespace

TEST_CASE("relays and copies put the least on the busiest link of a line, and half of it on that of a ring") {
    for (int n = 2; n <= 9; ++n)
        for (const bool ring : {false, true})
            for (const auto& [operation, algorithm] : all_tables) {
                if (algorithm == Algorithm::one_shot) continue;
                CAPTURE(n, ring, name_of(operation), name_of(algorithm));
                const bool closed = ring && n > 2;
                const auto others = static_cast<std::uint64_t>(n - 1) * each;
                CHECK(busiest(table(operation, algorithm, n, ring)) == (closed ? others / 2 : others));
                CHECK(least_on_busiest_link(operation, {n, ring}, each * static_cast<std::uint64_t>(n)) ==
                      (closed ? others / 2 : others));
            }
}

TEST_CASE("an all_to_all puts floor(n/2) ceil(n/2) parts on the middle of a line, n^2/8 or (n^2-1)/8 around a ring") {
    for (std::uint64_t n = 2; n <= 9; ++n) {
        CAPTURE(n);
        const int chips = static_cast<int>(n);
        CHECK(busiest(table(Operation::all_to_all, Algorithm::one_shot, chips, false)) ==
              (n / 2) * ((n + 1) / 2) * each);
        CHECK(least_on_busiest_link(Operation::all_to_all, {chips, false}, each * n) ==
              (n / 2) * ((n + 1) / 2) * each);
        if (n == 2) continue;
        const std::uint64_t eighths = n % 2 == 0 ? n * n : n * n - 1;
        CHECK(busiest(table(Operation::all_to_all, Algorithm::one_shot, chips, true)) == eighths * each / 8);
        CHECK(least_on_busiest_link(Operation::all_to_all, {chips, true}, each * n) == eighths * each / 8);
    }
}

TEST_CASE("a one-shot reduce_scatter on a ring of 8 puts 16/7 of a relay's bytes on a link") {
    const std::uint64_t straight = busiest(table(Operation::reduce_scatter, Algorithm::one_shot, 8, true));
    CHECK(straight * 7 == busiest(table(Operation::reduce_scatter, Algorithm::relay, 8, true)) * 16);
}

TEST_CASE(
    "every link of a line carries as many bytes in one direction of a gather as the other way in its mirror image") {
    for (const auto& [operation, algorithm] : all_tables) {
        const Schedule line = table(operation, algorithm, 7, false);
        for (int chip = 0; chip < 7; ++chip) {
            CAPTURE(name_of(operation), name_of(algorithm), chip);
            CHECK(elements_on_link(line, chip, 1) == elements_on_link(line, 6 - chip, -1));
        }
        // What a gather's link carries are the parts behind it, a scatter's those ahead of it.
        if (operation == Operation::all_gather && algorithm != Algorithm::one_shot)
            CHECK(elements_on_link(line, 2, 1) == 3 * each);
        if (operation == Operation::reduce_scatter && algorithm == Algorithm::relay)
            CHECK(elements_on_link(line, 2, 1) == 4 * each);
    }
}

TEST_CASE("a row comes after what it passes on, from the chip where that arrived, and passes on no other elements") {
    for (int n = 2; n <= 9; ++n)
        for (const bool ring : {false, true})
            for (const auto& [operation, algorithm] : all_tables) {
                const Schedule made = table(operation, algorithm, n, ring);
                for (std::size_t i = 0; i < made.rows.size(); ++i) {
                    const Row& row = made.rows[i];
                    if (row.after < 0) continue;
                    CAPTURE(n, ring, name_of(operation), i);
                    REQUIRE(static_cast<std::size_t>(row.after) < i);
                    const Row& before = made.rows[static_cast<std::size_t>(row.after)];
                    CHECK(before.to == row.from);
                    CHECK(before.direction == row.direction);
                    CHECK(before.range.begin <= row.range.begin);
                    CHECK(row.range.end() <= before.range.end());
                }
            }
}

TEST_CASE("parts cover the tensor, differ by one element at most, and may be empty") {
    for (const std::uint64_t elements : {0U, 3U, 8U, 1000003U}) {
        std::uint64_t next = 0;
        for (int part = 0; part < 8; ++part) {
            const Range range = part_of(elements, 8, part);
            CHECK(range.begin == next);
            CHECK(range.size - elements / 8 <= 1);
            next = range.end();
        }
        CHECK(next == elements);
    }
    CHECK(schedule_of(Operation::all_gather, Algorithm::relay, {8, false}, 1).rows.size() == 7);
}

TEST_CASE(
    "what the library takes: copies on a line, relays on a ring, straight ways for few bytes to add and for "
    "exchanges") {
    CollectiveConfig config;
    config.one_shot_bytes = Bytes(512);
    const Chips line{8, false}, ring{8, true}, pair{2, true};
    CHECK(chosen(config, Operation::all_gather, line, Bytes(1)) == Algorithm::multicast);
    CHECK(chosen(config, Operation::all_gather, ring, Bytes(1)) == Algorithm::relay);
    CHECK(chosen(config, Operation::all_gather, pair, Bytes(1)) == Algorithm::multicast);
    CHECK(chosen(config, Operation::reduce_scatter, ring, Bytes(512)) == Algorithm::one_shot);
    CHECK(chosen(config, Operation::reduce_scatter, ring, Bytes(513)) == Algorithm::relay);
    CHECK(chosen(config, Operation::reduce_scatter, line, Bytes(1)) == Algorithm::relay);
    CHECK(chosen(config, Operation::all_to_all, ring, Bytes(1)) == Algorithm::one_shot);
}

TEST_CASE("memory sees a gather's own part twice, what comes once, what is sent once however many copies are made") {
    const Schedule copies = table(Operation::all_gather, Algorithm::multicast, 4, false);
    // The first chip: its own part from input to output, one row out, three parts in.
    CHECK(elements_through_memory(copies, 0) == (2 + 1 + 3) * each);
    CHECK(elements_through_memory(copies, 1) == (2 + 2 + 3) * each);
    // The first chip of a scatter sends three parts of its input and adds what comes to its own.
    const Schedule sums = table(Operation::reduce_scatter, Algorithm::relay, 4, false);
    CHECK(elements_through_memory(sums, 0) == (2 + 3 + 2) * each);
}
