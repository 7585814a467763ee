// SPDX-License-Identifier: Apache-2.0
// The bursts that wait for the banks of a channel: who is oldest, who hits the open row, whatever leaves before them?
#include "sim/memory/waiting_lines.h"

#include <catch2/catch.hpp>

using namespace tilemesh::memory;

namespace {

std::vector<int> numbers(const std::vector<WaitingLines::Asking>& list) {
    std::vector<int> lines;
    for (const WaitingLines::Asking& asking : list) lines.push_back(asking.line);
    return lines;
}
using Numbers = std::vector<int>;

}  // namespace

TEST_CASE("of a line that waits the oldest comes first, and of those that hit its row the oldest of them") {
    WaitingLines lines;
    const std::uint64_t rows[] = {5, 6, 5, 7, 6};
    for (std::uint64_t tag = 0; tag < 5; ++tag) lines.push(3, {tag, rows[tag], 0, false});
    CHECK(lines.size() == 5);
    CHECK(numbers(lines.to_open()) == Numbers{3});
    CHECK_FALSE(lines.hits_row(3));
    lines.row_opened(3, 6);
    CHECK(lines.hits_row(3));
    CHECK(numbers(lines.to_move()) == Numbers{3});
    CHECK(lines.take_hit(3).tag == 1);
    lines.push(3, {5, 6, 0, false});
    CHECK(lines.take_hit(3).tag == 4);
    CHECK(lines.take_hit(3).tag == 5);
    CHECK_FALSE(lines.hits_row(3));
    CHECK(numbers(lines.to_close()) == Numbers{3});
    lines.push(3, {6, 6, 0, false});
    CHECK(numbers(lines.to_move()) == Numbers{3});
    lines.row_closed(3);
    CHECK(numbers(lines.to_open()) == Numbers{3});
    for (const std::uint64_t tag : {0, 2, 3, 6}) CHECK(lines.take_oldest(3).tag == tag);
    CHECK(lines.size() == 0);
    CHECK(lines.size_of(3) == 0);
    CHECK(lines.to_open().empty());
}

TEST_CASE("lines that wait stand in the order of what they ask for, not of what else they have") {
    WaitingLines lines;
    lines.row_opened(4, 2);  // before anything came
    lines.push(0, {0, 1, 0, false});
    lines.push(9, {1, 1, 0, false});
    lines.push(4, {2, 1, 0, false});
    lines.push(4, {3, 2, 0, false});
    lines.push(9, {4, 1, 0, false});
    lines.push(0, {5, 1, 0, false});
    CHECK(numbers(lines.to_open()) == Numbers{0, 9});
    CHECK(numbers(lines.to_move()) == Numbers{4});
    CHECK(lines.take_hit(4).tag == 3);
    CHECK(numbers(lines.to_close()) == Numbers{4});
    lines.row_closed(4);
    CHECK(numbers(lines.to_open()) == Numbers{0, 9, 4});
    lines.take_oldest(0);
    CHECK(numbers(lines.to_open()) == Numbers{9, 4, 0});
    lines.row_opened(9, 1);
    lines.row_opened(0, 1);
    CHECK(numbers(lines.to_move()) == Numbers{9, 0});
    lines.take_hit(9);
    CHECK(numbers(lines.to_move()) == Numbers{9, 0});
    lines.take_hit(9);
    CHECK(numbers(lines.to_move()) == Numbers{0});
    CHECK_FALSE(lines.hits_row(7));
}
