// SPDX-License-Identifier: Apache-2.0
// Random kernels that send each other messages, in orders that often wait for ever: the check without time and the
// simulator must be of one opinion, for any times, and of the smallest buffer to the byte.
#include "sim/base/random.h"
#include "tests/check/checked.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

constexpr int pes = 4;

struct Step {
    enum class What { send, receive, wait, work } what;
    int peer = 0;
    std::int64_t elements = 1;
    std::vector<int> others{};  // send: who receives it, too
    int network = any_network;
};

class Draw {
public:
    explicit Draw(std::uint64_t seed) : seed_(seed) {}
    std::uint64_t below(std::uint64_t bound) { return random_below(seed_, 0, next_++, bound); }

private:
    std::uint64_t seed_, next_ = 0;
};

/// Messages that match, their ends moved about within each PE: by as much as can, but need not, wait for ever.
std::vector<std::vector<Step>> random_steps(Draw& draw, bool multicasts, bool networks) {
    std::vector<std::vector<Step>> steps(pes);
    for (std::uint64_t left = 4 + draw.below(20); left > 0; --left) {
        const int from = static_cast<int>(draw.below(pes)),
                  to = (from + 1 + static_cast<int>(draw.below(pes - 1))) % pes;
        // Of one size for each pair, so that no order of them is a mismatch; with multicasts of one for each sender.
        const std::int64_t elements = 8 + 8 * ((from * 7 + (multicasts ? 0 : to * 3)) % 5);
        Step send{Step::What::send, to, elements};
        for (int other = 0; multicasts && other < pes; ++other)
            if (other != from && other != to && draw.below(3) == 0) send.others.push_back(other);
        if (networks) send.network = static_cast<int>(draw.below(3)) - 1;
        steps[static_cast<std::size_t>(from)].push_back(send);
        steps[static_cast<std::size_t>(to)].push_back({Step::What::receive, from, elements});
        for (const int other : send.others)
            steps[static_cast<std::size_t>(other)].push_back({Step::What::receive, from, elements});
    }
    for (auto& own : steps) {
        for (std::uint64_t swaps = draw.below(6); swaps > 0 && own.size() > 1; --swaps) {
            const std::size_t at = draw.below(own.size() - 1);
            std::swap(own[at], own[at + 1]);
        }
        for (std::uint64_t extras = draw.below(10); extras > 0; --extras)
            own.insert(own.begin() + static_cast<std::ptrdiff_t>(draw.below(own.size() + 1)),
                       {draw.below(2) == 0 ? Step::What::wait : Step::What::work, 0, 16});
    }
    return steps;
}

Texts texts_of(const std::vector<std::vector<Step>>& steps) {
    Texts texts;
    for (int pe = 0; pe < pes; ++pe)
        texts[pe] = [own = steps[static_cast<std::size_t>(pe)]](tl::Context& tl) {
            Tile received;
            for (const Step& step : own) switch (step.what) {
                    case Step::What::send: {
                        std::vector<int> to = step.others;
                        to.insert(to.begin(), step.peer);
                        tl.multicast(to, tl.zeros({step.elements}), step.network);
                        break;
                    }
                    case Step::What::receive:
                        received = tl.recv(step.peer, {step.elements}, Dtype::f32);
                        break;
                    case Step::What::wait:
                        if (received) tl.wait(received);
                        break;
                    case Step::What::work:
                        if (received) received = tl.exp(received);
                        break;
                }
        };
    return texts;
}

/// `copies`: messages go to several, on a machine whose routers copy, with a port or without. `networks`: over either
/// of two, or whichever the machine chooses, which lead one way around or both ways.
void check_agreement(bool copies, bool networks) {
    int waiting = 0, needing = 0;
    for (std::uint64_t seed = 1; seed <= 500; ++seed) {
        INFO("seed " << seed << (copies ? ", multicasts" : "") << (networks ? ", networks" : ""));
        Draw draw(seed);
        const Texts texts = texts_of(random_steps(draw, copies, networks));
        const int depth = 1 + static_cast<int>(draw.below(3));
        const auto machine_with = [&](std::uint64_t buffer) {
            return counting_line([=](Json& json) {
                json["network"]["packet_bytes"] = 32;
                json["network"]["receive_buffer_bytes"] = buffer;
                json["pe"]["queue_depth"] = depth;
                json["pe"]["sram_bytes"] = 1024;
                if (networks) {
                    const bool around = seed % 3 == 0;
                    json["cube"] = {{"topology", around ? "torus" : "mesh"}, {"rows", 2}, {"cols", 2}};
                    json["network"]["networks"] = Json::parse(
                        around ? R"([{"name": "a", "routing": ["east", "south"]},
                                     {"name": "b", "routing": ["north", "west"]}])"
                               : R"([{"name": "a"}, {"name": "b", "routing": ["south_or_north", "east_or_west"]}])");
                    if (seed % 2 == 0) json["network"]["port"] = json["network"]["link"];
                }
                if (!copies) return;
                json["network"]["router"]["multicast"] = true;
                if (networks) return;
                json["cube"] = {{"topology", "mesh"}, {"rows", 2}, {"cols", 2}};
                if (seed % 2 == 0) json["network"]["port"] = json["network"]["link"];
            });
        };
        const auto ends = [&](std::uint64_t buffer, std::optional<std::uint64_t> jitter) {
            machine::SimulationOptions options;
            options.jitter = Jitter(jitter);
            try {
                run_kernels(machine_with(buffer), {texts.begin(), texts.end()}, ValueMode::none, options);
            } catch (const KernelError&) {
                return false;
            }
            return true;
        };
        const check::Report report = check_texts(machine_with(32), texts);
        const bool needs_little = report.least_buffer.has_value() && report.least_buffer->value() <= 32;
        CHECK(report.sound() == needs_little);
        CHECK(ends(32, {}) == report.sound());
        CHECK(ends(32, seed) == report.sound());
        if (!report.least_buffer) {
            ++waiting;
            CHECK(!ends(1 << 20, {}));
        } else if (!needs_little) {
            ++needing;
            const std::uint64_t least = report.least_buffer->value();
            CHECK(ends(least, {}));
            CHECK(ends(least, seed));
            CHECK(!ends(least - 1, {}));
        }
    }
    CHECK(waiting > 10);
    CHECK(needing > 10);
}

}  // namespace

TEST_CASE("the check and the simulator agree on random kernels, with and without jitter") {
    check_agreement(false, false);
}

TEST_CASE("the same of kernels that send to several at once, on routers that copy") { check_agreement(true, false); }

TEST_CASE("the same over several networks, where messages overtake each other") {
    check_agreement(false, true);
    check_agreement(true, true);
}
