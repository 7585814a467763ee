// SPDX-License-Identifier: Apache-2.0
// Who is on a machine's agenda is called at its time, and never in the delta cycle in which it was entered.
#include "sim/noc/agenda.h"
#include "sim/machine/simulation.h"
#include "sim/noc/sim_time.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

#include <functional>
#include <string>
#include <systemc>
#include <vector>

using namespace tilemesh;

namespace {

struct Call {
    std::string who;
    std::uint64_t at;
    std::uint64_t delta;
};

struct Caller final : noc::Agenda::Entry {
    Caller(std::vector<Call>& all, std::string own_name) : calls(all), name(std::move(own_name)) {}
    void due() override {
        calls.push_back({name, simulated_now().value(), sc_core::sc_delta_count()});
        if (then) then();
    }
    std::vector<Call>& calls;
    std::string name;
    std::function<void()> then;
};

/// Does something in the first delta cycle of a time.
class At final : public sc_core::sc_module {
public:
    SC_HAS_PROCESS(At);
    At(sc_core::sc_module_name module_name, Picoseconds when, std::function<void()> what)
        : sc_module(module_name), what_(std::move(what)) {
        SC_METHOD(run);
        dont_initialize();
        sensitive << wake_;
        wake_.notify(to_sc_time(when));
    }

private:
    void run() { what_(); }
    std::function<void()> what_;
    sc_core::sc_event wake_;
};

std::vector<std::string> names(const std::vector<Call>& calls) {
    std::vector<std::string> names;
    for (const Call& call : calls) names.push_back(call.who);
    return names;
}

}  // namespace

TEST_CASE("everybody on the agenda is called at their time, as often as they are entered") {
    machine::SystemcContext context;
    noc::Agenda agenda("agenda");
    std::vector<Call> calls;
    Caller late(calls, "late"), early(calls, "early"), also(calls, "also"), at_once(calls, "at once");
    agenda.enter(late, Picoseconds(50));
    agenda.enter(early, Picoseconds(30));
    agenda.enter(also, Picoseconds(30));
    agenda.enter(early, Picoseconds(40));
    agenda.enter(at_once, Picoseconds(0));
    sc_core::sc_start();
    CHECK(names(calls) == std::vector<std::string>{"at once", "early", "also", "early", "late"});
    const std::vector<std::uint64_t> times{0, 30, 30, 40, 50};
    for (std::size_t i = 0; i < calls.size(); ++i) CHECK(calls[i].at == times[i]);
}

TEST_CASE("an entry that comes before all others is called first, however late it was entered") {
    machine::SystemcContext context;
    noc::Agenda agenda("agenda");
    std::vector<Call> calls;
    Caller first(calls, "first"), second(calls, "second"), third(calls, "third");
    first.then = [&] { agenda.enter(second, Picoseconds(20)); };
    agenda.enter(third, Picoseconds(100));
    agenda.enter(first, Picoseconds(10));
    sc_core::sc_start();
    CHECK(names(calls) == std::vector<std::string>{"first", "second", "third"});
    CHECK(calls[1].at == 20);
}

TEST_CASE("what is entered for now waits for the next delta cycle, whoever enters it") {
    for (const bool made_before : {false, true}) {
        machine::SystemcContext context;
        std::vector<Call> calls;
        Caller due(calls, "due"), next(calls, "next"), after_that(calls, "after that"),
            from_outside(calls, "from outside");
        // Processes of one delta cycle run in the order in which they were made, or the other way round.
        std::uint64_t entered_in = 0;
        std::unique_ptr<noc::Agenda> agenda;
        std::unique_ptr<At> outside;
        const auto make_outside = [&] {
            outside = std::make_unique<At>("outside", Picoseconds(70), [&] {
                entered_in = sc_core::sc_delta_count();
                agenda->enter(from_outside, Picoseconds(70));
            });
        };
        if (made_before) make_outside();
        agenda = std::make_unique<noc::Agenda>("agenda");
        if (!made_before) make_outside();
        due.then = [&] { agenda->enter(next, simulated_now()); };
        next.then = [&] { agenda->enter(after_that, simulated_now()); };
        agenda->enter(due, Picoseconds(70));
        sc_core::sc_start();
        REQUIRE(calls.size() == 4);
        CHECK(calls[0].who == "due");
        CHECK(calls[0].delta == entered_in);  // one instant, one cycle
        for (std::size_t i : {1U, 2U}) {
            CHECK(calls[i].at == 70);
            CHECK(calls[i].delta == entered_in + 1);
        }
        CHECK(calls[3].who == "after that");
        CHECK(calls[3].delta == entered_in + 2);
    }
}

TEST_CASE("an exception that leaves a method of the simulation ends it in one line, its own") {
    struct Thrower final : noc::Agenda::Entry {
        void due() override { fail<InputError>("requests of {} bytes", 7); }
    } thrower;
    const machine::MachineConfig config = test::counting_line();
    machine::Simulation simulation(config);
    simulation.launch(
        0, "waits",
        [&](tl::Context& tl) {
            static_cast<pe::Surroundings&>(simulation.machine()).agenda.enter(thrower, from_nanoseconds(5));
            test::pause_ns(tl, 10);
        },
        ValueMode::none);
    CHECK_THROWS_MATCHES(simulation.run(), InternalError, Catch::Message("requests of 7 bytes"));
}
