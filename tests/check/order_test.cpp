// SPDX-License-Identifier: Apache-2.0
// Which loads and stores are in an order that kernels see to, and which are not.
#include "tests/check/checked.h"
#include "tests/language/says.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

/// Texts on a line that share a tensor of f32 [4, 4], called "between", in the slice of PE 3.
check::Report check_sharing(const std::function<Texts(Tensor& between)>& texts) {
    Tensor* between = nullptr;
    Texts running;
    for (const int pe : {0, 1, 2})
        running[pe] = [&between, &texts, pe](tl::Context& tl) {
            const Texts all = texts(*between);
            if (const auto own = all.find(pe); own != all.end()) own->second(tl);
        };
    return check_texts(ideal_line(), running, [&](machine::Target& target) {
        between = &target.allocate(3, "between", {4, 4}, Dtype::f32);
    });
}

void store_rows(tl::Context& tl, Tensor& between, std::int64_t row, std::int64_t rows) {
    tl.store(tl::at(between, 0, row, 0), tl.zeros({rows, 4}));
}
void signal(tl::Context& tl, int pe) { tl.send(pe, tl.zeros({1})); }
Tile signalled(tl::Context& tl, int pe) { return tl.recv(pe, {1}, Dtype::f32); }

}  // namespace

TEST_CASE("a store is known to have ended by a message that follows a drain") {
    const auto report_of = [](bool drains) {
        return check_sharing([=](Tensor& between) -> Texts {
            return {{0,
                     [&, drains](tl::Context& tl) {
                         store_rows(tl, between, 0, 4);
                         if (drains) tl.drain();
                         signal(tl, 1);
                     }},
                    {1, [&](tl::Context& tl) {
                         tl.wait(signalled(tl, 0));
                         tl.wait(tl.load(tl::at(between, 0, 2, 0), {1, 4}));
                     }}};
        });
    };
    CHECK(report_of(true).findings.empty());
    CHECK_THAT(found(report_of(false), "race"),
               says("machine.cube0.pe0, command 1 (store)", "machine.cube0.pe1, command 1 (load)",
                    "between in machine.cube0.hbm3, byte 32"));
}

TEST_CASE("who sends on what it has received passes on what the sender knew") {
    const check::Report report = check_sharing([](Tensor& between) -> Texts {
        return {{0,
                 [&](tl::Context& tl) {
                     store_rows(tl, between, 0, 4);
                     tl.drain();
                     signal(tl, 1);
                 }},
                {1, [](tl::Context& tl) { tl.send(2, tl.exp(signalled(tl, 0))); }},
                {2, [&](tl::Context& tl) {
                     tl.wait(signalled(tl, 1));
                     store_rows(tl, between, 0, 4);
                 }}};
    });
    CHECK(report.findings.empty());
}

TEST_CASE("a drain waits for messages too, and so learns what they tell") {
    const check::Report report = check_sharing([](Tensor& between) -> Texts {
        return {{0,
                 [&](tl::Context& tl) {
                     store_rows(tl, between, 0, 4);
                     tl.drain();
                     signal(tl, 1);
                 }},
                {1, [&](tl::Context& tl) {
                     const Tile told = signalled(tl, 0);
                     tl.drain();
                     store_rows(tl, between, 0, 4);
                     tl.wait(told);
                 }}};
    });
    CHECK(report.findings.empty());
}

TEST_CASE("one's own drain says nothing of what others have begun") {
    const check::Report report = check_sharing([](Tensor& between) -> Texts {
        return {{0,
                 [&](tl::Context& tl) {
                     store_rows(tl, between, 0, 2);
                     signal(tl, 1);
                 }},
                {1, [&](tl::Context& tl) {
                     store_rows(tl, between, 3, 1);
                     tl.drain();
                     tl.wait(signalled(tl, 0));
                     tl.wait(tl.load(tl::at(between, 0, 1, 0), {1, 4}));
                 }}};
    });
    CHECK_THAT(found(report, "race"),
               says("machine.cube0.pe0, command 1 (store) and machine.cube0.pe1, command 3 (load)"));
}

TEST_CASE("a store to what another PE may still read is a race, after a drain of the reader's it is none") {
    const auto report_of = [](bool drains) {
        return check_sharing([=](Tensor& between) -> Texts {
            return {{0,
                     [&, drains](tl::Context& tl) {
                         store_rows(tl, between, 0, 4);
                         const Tile own = tl.load(tl::at(between, 0, 1, 0), {2, 4});
                         if (drains) tl.drain();
                         signal(tl, 1);
                         tl.wait(own);
                     }},
                    {1, [&](tl::Context& tl) {
                         tl.wait(signalled(tl, 0));
                         store_rows(tl, between, 2, 1);
                     }}};
        });
    };
    CHECK(report_of(true).findings.empty());
    CHECK_THAT(found(report_of(false), "race"),
               says("machine.cube0.pe0, command 2 (load) and machine.cube0.pe1, command 2 (store)"));
}

TEST_CASE("rows that lie between each other do not meet") {
    const auto report_of = [](std::int64_t first) {
        return check_sharing([=](Tensor& between) -> Texts {
            return {{0,
                     [&](tl::Context& tl) {
                         tl.store(tl::strided(tl::at(between, 0, 0, 1), 2), tl.zeros({2, 2}));
                     }},
                    {1,
                     [&, first](tl::Context& tl) {
                         tl.store(tl::strided(tl::at(between, 0, first, 1), 2), tl.zeros({2, 2}));
                     }},
                    {2, [&](tl::Context& tl) {
                         tl.store(tl::at(between, 0, 0, 3), tl.zeros({4, 1}));
                     }}};
        });
    };
    CHECK(report_of(1).findings.empty());
    CHECK_THAT(found(report_of(0), "race"), says("between in machine.cube0.hbm3, byte 4\n"));
}

TEST_CASE("a load waits for the store of its own program that it must see, however long that waits") {
    const check::Report report = check_sharing([](Tensor& between) -> Texts {
        return {{0,
                 [&](tl::Context& tl) {
                     tl.store(tl::at(between, 0, 0, 0), tl.recv(1, {4, 4}, Dtype::f32));
                     tl.wait(tl.load(tl::at(between, 0, 3, 0), {1, 4}));
                 }},
                {1, [](tl::Context& tl) {
                     tl.wait(tl.zeros({1}));
                     tl.send(0, tl.zeros({4, 4}));
                 }}};
    });
    CHECK(report.findings.empty());
}

TEST_CASE("pages are where their table says") {
    const auto report_of = [](std::int64_t row) {
        Tensor* pool = nullptr;
        return check_texts(ideal_line(),
                           {{0,
                             [&](tl::Context& tl) {
                                 tl.store(tl::at(*pool, 0, 0, 0), tl.zeros({2, 4}));  // the page at place 2
                                 tl.wait(tl.load(tl::at(*pool, 0, row, 0), {1, 4}));
                             }}},
                           [&](machine::Target& target) {
                               pool = &target.allocate(0, "pool", {3, 2, 4}, Dtype::f32);
                               pool->set_pages({1, 4, 4}, {2, 0});
                           });
    };
    CHECK(report_of(1).findings.empty());
    CHECK_THAT(found(report_of(2), "unwritten"), says("pool in machine.cube0.hbm0, byte 0"));
}
