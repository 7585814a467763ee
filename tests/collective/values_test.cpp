// SPDX-License-Identifier: Apache-2.0
// What the tables compute: every chip ends with what it should, sums in the order of the table.
#include "sim/collective/values.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace tilemesh;
using namespace tilemesh::collective;

namespace {

std::vector<Schedule> calls_of(Operation operation, Algorithm algorithm, const Chips& chips, std::uint64_t elements) {
    if (operation != Operation::all_reduce) return {schedule_of(operation, algorithm, chips, elements)};
    return {schedule_of(Operation::reduce_scatter, algorithm == Algorithm::multicast ? Algorithm::relay : algorithm,
                        chips, elements),
            schedule_of(Operation::all_gather, algorithm, chips, elements)};
}

void check_all(Operation operation, Algorithm algorithm, const Chips& chips, std::uint64_t elements) {
    const Inputs inputs{Dtype::f32, 5};
    const std::vector<Schedule> calls = calls_of(operation, algorithm, chips, elements);
    for (std::uint64_t element = 0; element < elements; ++element) {
        const auto want = expected(operation, chips, elements, inputs, element);
        const auto got = follow(calls, inputs, element);
        for (std::size_t chip = 0; chip < want.held.size(); ++chip) {
            if (std::isnan(want.held[chip])) continue;
            CAPTURE(name_of(operation), name_of(algorithm), chips.n, chips.ring, element, chip);
            CHECK(got.held[chip] == Approx(want.held[chip]).margin(1e-5));
        }
    }
}

}  // namespace

TEST_CASE("every chip ends with what it should, whatever the number of chips and elements") {
    for (int n = 2; n <= 9; ++n)
        for (const bool ring : {false, true})
            for (const std::uint64_t elements :
                 {std::uint64_t{1}, static_cast<std::uint64_t>(n), static_cast<std::uint64_t>(3 * n + 1)})
                for (const Operation operation :
                     {Operation::all_gather, Operation::reduce_scatter, Operation::all_reduce, Operation::all_to_all})
                    for (const Algorithm algorithm : {Algorithm::relay, Algorithm::multicast, Algorithm::one_shot}) {
                        const Operation last = operation == Operation::all_reduce ? Operation::all_gather : operation;
                        if (can(algorithm, last)) check_all(operation, algorithm, {n, ring}, elements);
                    }
}

TEST_CASE("sums of a line grow from both ends, rounded at every hop; the owner adds west's and east's to its own") {
    const Inputs inputs{Dtype::bf16, 3};
    const Schedule line = schedule_of(Operation::reduce_scatter, Algorithm::relay, {4, false}, 4);
    const auto x = [&](int chip) { return inputs.value(chip, 2); };  // element 2 is chip 2's
    const auto bf16 = [](float value) { return round_to(Dtype::bf16, value); };
    const float from_west = bf16(x(0) + x(1));
    const float sum = x(2) + from_west + x(3);
    CHECK(follow({line}, inputs, 2).held[2] == static_cast<double>(bf16(sum)));
}

TEST_CASE("a sum that passes many chips is rounded at each, not only where it ends") {
    const Inputs inputs{Dtype::bf16, 3};
    const Schedule line = schedule_of(Operation::reduce_scatter, Algorithm::relay, {8, false}, 64);
    int unlike_one_rounding = 0;
    for (std::uint64_t element = 56; element < 64; ++element) {  // those of the last chip
        float passed_on = inputs.value(0, element), exact = passed_on;
        for (int chip = 1; chip < 7; ++chip) {
            passed_on = round_to(Dtype::bf16, passed_on + inputs.value(chip, element));
            exact += inputs.value(chip, element);
        }
        const float own = inputs.value(7, element);
        const float want = round_to(Dtype::bf16, own + passed_on);
        unlike_one_rounding += want == round_to(Dtype::bf16, own + exact) ? 0 : 1;
        CHECK(follow({line}, inputs, element).held[7] == static_cast<double>(want));
    }
    CHECK(unlike_one_rounding > 0);
}

TEST_CASE("a table that forgets a row leaves a chip without its element") {
    Schedule gather = schedule_of(Operation::all_gather, Algorithm::relay, {4, false}, 4);
    gather.rows.erase(gather.rows.begin());  // the first chip's own part never leaves eastwards
    const auto got = follow({gather}, {Dtype::f32, 1}, 0);
    CHECK_FALSE(std::isnan(got.held[0]));
    CHECK(std::isnan(got.held[1]));
}

TEST_CASE("inputs are a function of seed, chip and element, in the element's type") {
    const Inputs one{Dtype::bf16, 1}, two{Dtype::bf16, 2};
    CHECK(one.value(3, 17) == Inputs{Dtype::bf16, 1}.value(3, 17));
    CHECK(one.value(3, 17) != two.value(3, 17));
    CHECK(one.value(3, 17) != one.value(4, 17));
    CHECK(one.value(3, 17) == round_to(Dtype::bf16, one.value(3, 17)));
}
