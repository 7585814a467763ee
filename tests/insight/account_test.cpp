// SPDX-License-Identifier: Apache-2.0
// Accounts of kernels whose every nanosecond is known: dots and vector operations of as many ns as they have
// elements, memory and links of a byte per ns (tests/language/small_machine.h).
#include "sim/insight/account.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

using Classes = std::map<std::string, double>;  // ns

struct Accounts {
    double time = 0.0;
    std::map<std::string, Classes> of;  // by path
};

std::vector<report::ComponentResult> components_of(const machine::Outcome& outcome) {
    std::vector<report::ComponentResult> components;
    for (std::size_t i = 0; i < outcome.components.size(); ++i) {
        const machine::Totals& totals = outcome.totals[i];
        components.push_back({outcome.components[i].path, outcome.components[i].kind, totals.busy, totals.queued,
                              totals.bytes, totals.work, totals.activities, outcome.components[i].peak_per_ns});
    }
    return components;
}

Accounts closed(insight::Account& account, const machine::Outcome& outcome) {
    auto components = components_of(outcome);
    account.close(outcome.time, components);
    Accounts out{to_nanoseconds(outcome.time), {}};
    for (const report::ComponentResult& part : components)
        for (const report::ClassTime& one : part.account) out.of[part.path][one.name] = to_nanoseconds(one.time);
    return out;
}

Accounts accounts(const Kernels& kernels, const Change& change = {}, insight::Spending* listener = nullptr) {
    insight::Account account(listener);
    machine::SimulationOptions options;
    options.recorder = &account;
    return closed(account, run_kernels(counting_line(change), kernels, ValueMode::none, options));
}

/// Of two programs that share a PE.
Accounts accounts_of_two(const pe::KernelText& first, const pe::KernelText& second) {
    insight::Account account;
    machine::SimulationOptions options;
    options.recorder = &account;
    options.processors_per_pe = 2;
    const auto config = counting_line();
    machine::Simulation simulation(config, options);
    simulation.launch(0, "first", first, ValueMode::none, 0);
    simulation.launch(0, "second", second, ValueMode::none, 1);
    return closed(account, simulation.run());
}

}  // namespace

TEST_CASE("an engine's time is what it did, what it waited for, and what its processor did meanwhile") {
    const auto kernel = [](tl::Context& tl) {
        const Tile a = tl.full({4, 8}, 1.0F), b = tl.full({8, 2}, 1.0F);  // 32 and 16 ns
        const Tile c = tl.dot(a, b);                                      // 64 ns, from 48 on
        const Tile d = c + c;                                             // 8 ns
        tl.wait(d);
        tl.wait(tl.dot(tl.full({2, 2}, 1.0F), tl.full({2, 2}, 1.0F)));  // 4 + 4, then 8 ns
    };
    const Accounts got = accounts({{0, kernel}});
    CHECK(got.time == 136.0);
    CHECK(got.of.at("machine.cube0.pe0.matrix") ==
          Classes{{"dot", 64.0 + 8.0}, {"operand from vector", 48.0 + 8.0 + 8.0}});
    CHECK(got.of.at("machine.cube0.pe0.vector") ==
          Classes{{"fill", 48.0 + 8.0}, {"add", 8.0}, {"operand from matrix", 64.0 + 8.0}});
    CHECK(got.of.at("machine.cube0.pe0.processor") ==
          Classes{{"operand from vector", 120.0}, {"operand from matrix", 16.0}});
}

TEST_CASE("waiting for room and for the issue of commands is told apart") {
    const auto kernel = [](tl::Context& tl) {
        const Tile a = tl.full({9, 9}, 1.0F);  // issued at 10, 81 ns; three tiles fit
        Tile b = tl.dot(a, a);                 // issued at 20, 729 ns
        Tile c = tl.dot(b, b);                 // issued at 30
        b = Tile();
        c = tl.dot(c, c);  // issued at 40, room when b has been read
        tl.wait(c);
    };
    const Accounts got = accounts({{0, kernel}}, [](Json& json) {
        json["pe"]["issue_cycles"] = 10;
        json["pe"]["sram_bytes"] = 1024;
    });
    CHECK(got.time == 91.0 + 3 * 729.0);
    CHECK(got.of.at("machine.cube0.pe0.matrix") ==
          Classes{{"before the first command", 20.0}, {"operand from vector", 71.0}, {"dot", 3 * 729.0}});
    CHECK(got.of.at("machine.cube0.pe0.processor") ==
          Classes{{"issue", 40.0}, {"SRAM room", 91.0 + 2 * 729.0 - 40.0}, {"operand from matrix", 729.0}});
}

TEST_CASE("room is what is waited for, though nobody knows yet when the message comes that will be read and let go") {
    const auto sends = [](tl::Context& tl) { tl.send(tl::Direction::east, tl.full({16, 16}, 1.0F)); };
    const auto receives = [](tl::Context& tl) {
        Tile a = tl.recv(tl::Direction::west, {16, 16}, Dtype::f32);  // 1 KiB, and two of them fit
        Tile b = a + a;
        a = b = Tile();
        tl.full({16, 16}, 1.0F);  // 256 ns, when the sum has been made
    };
    const Accounts got = accounts({{0, sends}, {1, receives}}, [](Json& json) { json["pe"]["sram_bytes"] = 2048; });
    CHECK(got.of.at("machine.cube0.pe1.processor") == Classes{{"SRAM room", got.time - 256.0}, {"drain", 256.0}});
}

TEST_CASE("slices and links are at work, blocked or idle; a load waits for those before it") {
    const auto kernel = [](tl::Context& tl) {
        const Tile a = tl.full({8, 8}, 1.0F);  // 64 ns
        tl.wait(a);
        tl.send(tl::Direction::east, a);  // 256 ns
    };
    const auto other = [](tl::Context& tl) { tl.wait(tl.recv(tl::Direction::west, {8, 8}, Dtype::f32)); };
    const Accounts got = accounts({{0, kernel}, {1, other}});
    CHECK(got.of.at("machine.cube0.pe0_to_pe1") == Classes{{"payload", 256.0}, {"idle", got.time - 256.0}});
    CHECK(got.of.at("machine.cube0.pe1.receive_from_pe0").at("operand from a neighbour") > 64.0);
    CHECK(got.of.at("machine.cube0.pe0.send_to_pe1").at("before the first command") == 64.0);
}

TEST_CASE("two programs of a PE share its engine, and the one that has it not says so") {
    const auto kernel = [](tl::Context& tl) { tl.wait(tl.full({10, 10}, 1.0F)); };
    const Accounts got = accounts_of_two(kernel, kernel);  // checks the sums
    CHECK(got.of.count("machine.cube0.pe0.processor") == 1);
    CHECK(got.of.count("machine.cube0.pe0.processor_1") == 1);
}

TEST_CASE("what an idle engine waited for is said by the program that used it, however often another was stalled") {
    constexpr int waits = 300;
    const auto stalled = [](tl::Context& tl) {
        for (int i = 0; i < waits; ++i) tl.wait(tl.full({1, 10}, 1.0F));
    };
    const auto multiplies = [](tl::Context& tl) { tl.wait(tl.dot(tl.full({2, 2}, 1.0F), tl.full({2, 2}, 1.0F))); };
    const Accounts got = accounts_of_two(stalled, multiplies);
    CHECK(got.of.at("machine.cube0.pe0.matrix").at("done") > waits * 9.0);
}

TEST_CASE("what an idle engine waits for in the end is said by the program that used it last") {
    const auto multiplies = [](tl::Context& tl) { tl.wait(tl.dot(tl.full({2, 2}, 1.0F), tl.full({2, 2}, 1.0F))); };
    const auto goes_on = [&](tl::Context& tl) {
        tl.wait(tl.full({1, 100}, 1.0F));  // the other program has ended
        multiplies(tl);
        tl.wait(tl.full({1, 300}, 1.0F));
    };
    const Accounts got = accounts_of_two(multiplies, goes_on);
    const Classes& matrix = got.of.at("machine.cube0.pe0.matrix");
    CHECK(matrix.at("operand from vector") > 300.0);
    CHECK(matrix.count("done") == 0);
}

TEST_CASE("a command issued long after the one before has ended waits for its own operands") {
    const auto sends = [](tl::Context& tl) {
        tl.send(tl::Direction::east, tl.full({2, 2}, 1.0F));
        tl.send(tl::Direction::east, tl.dot(tl.full({16, 16}, 1.0F), tl.full({16, 16}, 1.0F)));  // 4096 ns
    };
    const auto receives = [](tl::Context& tl) {
        const Tile early = tl.recv(tl::Direction::west, {2, 2}, Dtype::f32);  // issued at 300
        const Tile first = tl.dot(early, early);                              // 600, done soon after
        const Tile late = tl.recv(tl::Direction::west, {16, 16}, Dtype::f32);
        const Tile second = tl.dot(late, late);  // 1200, while nobody knows yet when the first will be done
    };
    const Accounts got = accounts({{0, sends}, {1, receives}}, [](Json& json) { json["pe"]["issue_cycles"] = 300; });
    const Classes& matrix = got.of.at("machine.cube0.pe1.matrix");
    CHECK(matrix.at("dot") == 8.0 + 4096.0);
    CHECK(matrix.at("operand from a neighbour") > 4096.0);
    CHECK(matrix.at("issue") < 600.0);
    CHECK(matrix.count("drain") == 0);
}

TEST_CASE("what the processor did is remembered as long as an engine may ask for it") {
    constexpr int waits = 300;
    const auto sends = [](tl::Context& tl) { tl.send(tl::Direction::east, tl.full({2, 2}, 1.0F)); };
    const auto receives = [](tl::Context& tl) {
        const Tile early = tl.recv(tl::Direction::west, {2, 2}, Dtype::f32);
        const Tile first = tl.dot(early, early);
        // The processor runs ahead through these before anybody knows when the first is done.
        for (int i = 0; i < waits; ++i) tl.wait(tl.full({1, 10}, 1.0F));
        const Tile second = tl.dot(first, first);
    };
    const Accounts got = accounts({{0, sends}, {1, receives}}, [](Json& json) { json["pe"]["issue_cycles"] = 1; });
    const Classes& processor = got.of.at("machine.cube0.pe1.processor");
    CHECK(processor.at("operand from vector") == waits * 10.0);
    const Classes& matrix = got.of.at("machine.cube0.pe1.matrix");
    CHECK(matrix.at("dot") == 8.0 + 8.0);
    CHECK(matrix.at("operand from vector") > waits * 9.0);
    CHECK(matrix.at("issue") < waits * 1.1);
}

TEST_CASE("a receive waits for its neighbour, a send for credits, and both for nobody else") {
    const auto sends = [](tl::Context& tl) {
        const Tile x = tl.full({16, 16}, 1.0F);  // 256 ns, 1024 bytes
        tl.send(tl::Direction::east, x);
    };
    const auto receives = [](tl::Context& tl) {
        const Tile busy = tl.full({64, 64}, 0.0F);  // 4096 ns
        tl.wait(busy);
        tl.wait(tl.recv(tl::Direction::west, {16, 16}, Dtype::f32));
    };
    const Accounts got =
        accounts({{0, sends}, {1, receives}}, [](Json& json) { json["network"]["receive_buffer_bytes"] = 512; });
    const Classes& sender = got.of.at("machine.cube0.pe0.send_to_pe1");
    CHECK(sender.at("send") == 1024.0);
    CHECK(sender.at("credits") > 3000.0);  // half of it lies in the buffer until the receive is posted
    const Classes& receiver = got.of.at("machine.cube0.pe1.receive_from_pe0");
    CHECK(receiver.at("before the first command") == 4096.0);
    CHECK(got.of.at("machine.cube0.pe1.processor").at("operand from vector") == 4096.0);
}

TEST_CASE("a link's account is the same packet by packet and in one sum") {
    struct : insight::Spending {
        void spent(ComponentId, insight::ClassNumber what, Picoseconds, Picoseconds) override {
            if (what == insight::class_of(insight::OtherClass::blocked)) ++blocked;
        }
        int blocked = 0;
    } listener;
    // Two streams of several packets share a link whose far end takes one packet at a time.
    const auto sender = [](tl::Context& tl) { tl.send(2, tl.full({16, 16}, 1.0F)); };
    const auto receiver = [](tl::Context& tl) {
        const Tile near = tl.recv(1, {16, 16}, Dtype::f32);
        pause_ns(tl, 500);
        tl.wait(near + tl.recv(0, {16, 16}, Dtype::f32));
    };
    const auto narrow = [](Json& json) {
        json["network"]["packet_bytes"] = 64;
        json["network"]["flit_bytes"] = 64;
        json["network"]["receive_buffer_bytes"] = 128;
        json["network"]["link"]["buffer_bytes"] = 64;
    };
    const Kernels kernels = {{0, sender}, {1, sender}, {2, receiver}};
    const Accounts each = accounts(kernels, narrow, &listener), sum = accounts(kernels, narrow);
    CHECK(listener.blocked > 0);
    CHECK(each.time == sum.time);
    CHECK(each.of == sum.of);
    const auto is_blocked = [](const auto& part) { return part.second.count("blocked") != 0; };
    CHECK(std::any_of(sum.of.begin(), sum.of.end(), is_blocked));
}

namespace {

/// The account of a slice that did these things, in a run of 1 us.
Classes account_of_slice(const std::vector<Activity>& all) {
    insight::Account account;
    std::vector<report::ComponentResult> components(1);
    components[0].path = "machine.cube0.hbm0";
    components[0].kind = "hbm";
    components[0].activities = all.size();
    components[0].peak_per_ns = 1.0;
    for (const Activity& one : all) {
        account.activity(one);
        components[0].bytes += one.bytes;
    }
    account.close(from_nanoseconds(1000), components);
    Classes classes;
    for (const report::ClassTime& one : components[0].account) classes[one.name] += to_nanoseconds(one.time);
    return classes;
}

Activity moved(double begin, double end, double wanted) {
    return {0,
            from_nanoseconds(begin),
            from_nanoseconds(end),
            from_nanoseconds(wanted),
            Bytes(static_cast<std::uint64_t>(end - begin)),
            0,
            0,
            "read"};
}

}  // namespace

TEST_CASE("what a slice does side by side counts once, and no time of it is blocked or idle as well") {
    // On half of its lanes each, both for 200 ns; then one that waited for either.
    CHECK(account_of_slice({moved(0, 100, 0), moved(0, 100, 0), moved(200, 400, 0)}) ==
          Classes{{"payload", 400.0}, {"idle", 600.0}});
    CHECK(account_of_slice({moved(0, 100, 0), moved(0, 50, 0), moved(200, 400, 0)}) ==
          Classes{{"payload", 350.0}, {"blocked", 50.0}, {"idle", 600.0}});
    // The second waited for some lanes while the third found others free, in what had been told as blocked.
    CHECK(account_of_slice({moved(0, 10, 0), moved(800, 900, 0), moved(20, 420, 20)}) ==
          Classes{{"payload", 510.0}, {"blocked", 490.0}});
}

TEST_CASE("an account with a part below zero is found out, though unsigned times add up") {
    CHECK_THROWS_WITH(account_of_slice({moved(0, 600, 0), moved(0, 600, 0)}),
                      Catch::Contains("the account of machine.cube0.hbm0"));
}
