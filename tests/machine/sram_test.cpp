// SPDX-License-Identifier: Apache-2.0
// The book of an SRAM: room is granted at the earliest time it exists, and nothing is lost.
#include "sim/pe/sram.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using tilemesh::pe::Sram;

namespace {

const Picoseconds never = Picoseconds::max();
Picoseconds at(std::uint64_t ps) { return Picoseconds(ps); }

}  // namespace

TEST_CASE("room that is there is granted at once") {
    Sram sram(Bytes(100));
    const Sram::Answer answer = sram.take(Bytes(100), at(7), never);
    CHECK(answer.granted);
    CHECK(answer.when == at(7));
    CHECK(sram.used() == Bytes(100));
}

TEST_CASE("room that will be free is granted for when it is, and the earliest frees come first") {
    Sram sram(Bytes(100));
    sram.take(Bytes(60), at(0), never);
    sram.take(Bytes(40), at(0), never);
    sram.give_back(Bytes(60), at(50));
    sram.give_back(Bytes(40), at(30));
    const Sram::Answer small = sram.take(Bytes(40), at(10), never);
    CHECK(small.granted);
    CHECK(small.when == at(30));
    const Sram::Answer large = sram.take(Bytes(60), at(10), never);
    CHECK(large.granted);
    CHECK(large.when == at(50));
}

TEST_CASE("one large request may need several frees") {
    Sram sram(Bytes(100));
    for (int i = 0; i < 4; ++i) sram.take(Bytes(25), at(0), never);
    for (std::uint64_t i = 0; i < 4; ++i) sram.give_back(Bytes(25), at(10 * (i + 1)));
    const Sram::Answer answer = sram.take(Bytes(75), at(0), never);
    CHECK(answer.granted);
    CHECK(answer.when == at(30));
}

TEST_CASE("frees beyond the settled time are not used while an earlier one may still come") {
    Sram sram(Bytes(100));
    sram.take(Bytes(100), at(0), never);
    sram.give_back(Bytes(50), at(80));
    const Sram::Answer unsettled = sram.take(Bytes(50), at(0), at(20));
    CHECK_FALSE(unsettled.granted);
    CHECK(unsettled.when == at(80));  // look again then
    // The earlier one comes.
    sram.give_back(Bytes(50), at(25));
    CHECK(sram.take(Bytes(50), at(0), at(25)).when == at(25));
}

TEST_CASE("room that nobody will give back is not granted") {
    Sram sram(Bytes(100));
    sram.take(Bytes(80), at(0), never);
    const Sram::Answer answer = sram.take(Bytes(30), at(0), never);
    CHECK_FALSE(answer.granted);
    CHECK(answer.when == never);
    CHECK(sram.used() == Bytes(80));  // a refusal takes nothing
}

TEST_CASE("the book knows what is held, and the most that ever was taken") {
    Sram sram(Bytes(100));
    sram.take(Bytes(70), at(0), never);
    sram.give_back(Bytes(70), at(10));
    CHECK(sram.held() == Bytes(0));
    sram.take(Bytes(20), at(20), never);
    CHECK(sram.held() == Bytes(20));
    CHECK(sram.used() == Bytes(20));
    CHECK(sram.peak() == Bytes(70));
}
