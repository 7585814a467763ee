// SPDX-License-Identifier: Apache-2.0
// Does a network that runs ahead of its clients' clock tell them the same at the same time?
#include "sim/noc/fabric.h"
#include "tests/machine/routers.h"

#include <catch2/catch.hpp>

#include <deque>
#include <string>

using namespace tilemesh;
using namespace tilemesh::noc;
using namespace tilemesh::test;

namespace {

/// Sends streams over a network, each again when it has arrived, with a clock of its own.
class Client final : public StreamClient {
public:
    explicit Client(const NetworkConfig& network)
        : network_(network), topology_(network), fabric_(network, topology_) {}

    /// `ahead`: lets the fabric run to the next event of the client and looks at its clock when it has to.
    std::vector<std::string> run(bool ahead) {
        for (int from = 0; from < topology_.pes(); ++from) start(from, (from + 3) % topology_.pes());
        while (fabric_.next_event() != Picoseconds::max()) {
            now_ = fabric_.next_event();
            fabric_.run_until(now_);
            // Somebody else acts every 5 ns.
            const Picoseconds others(now_.value() / 5000 * 5000 + 5000);
            if (ahead) fabric_.run_ahead(others);
        }
        return heard_;
    }

    void stream_left(Picoseconds when) override { note("left", when); }
    void bytes_arrived(Stream& stream, Bytes bytes, Picoseconds when, bool complete) override {
        if (!complete) return;
        note(fmt::format("{} of {} from {}", bytes.value(), stream.size.value(), stream.tag), when);
        if (streams_.size() < 60) start(static_cast<int>(stream.tag + 1) % topology_.pes(), 2);
    }

private:
    void note(const std::string& what, Picoseconds when) {
        heard_.push_back(fmt::format("{}: {} at {}", now_.value(), what, when.value()));
    }
    void start(int from, int to) {
        routes_.push_back(topology_.route(from, to));
        Stream& stream = streams_.emplace_back();
        stream.route = &routes_.back();
        stream.size = Bytes(flit * (1 + 7 * (streams_.size() % 5)));
        stream.client = this;
        stream.tag = static_cast<std::uint64_t>(from);
        fabric_.inject(stream, TrafficClass::message, now_);
    }

    const NetworkConfig& network_;
    Topology topology_;
    Fabric fabric_;
    std::deque<Route> routes_;
    std::deque<Stream> streams_;
    Picoseconds now_;
    std::vector<std::string> heard_;
};

}  // namespace

TEST_CASE("a network that runs ahead of the clock tells what has left and arrived when it would have") {
    const NetworkConfig network = routers(mesh(2, 4), 2, 8, 4);
    const std::vector<std::string> in_step = Client(network).run(false), ahead = Client(network).run(true);
    CHECK(in_step.size() == 120);
    CHECK(ahead == in_step);
}

TEST_CASE("a network runs no further ahead than to the first thing that a client has to hear, and before the limit") {
    const NetworkConfig network = routers(line(2), 2, 8, 4, false);
    const Topology topology(network);
    Fabric fabric(network, topology);
    struct Ends final : StreamClient {
        void stream_left(Picoseconds) override { ++left; }
        void bytes_arrived(Stream&, Bytes, Picoseconds, bool complete) override { complete ? ++whole : ++packets; }
        int left = 0, packets = 0, whole = 0;
    } ends;
    const Route route = topology.route(0, 1);
    Stream stream;
    stream.route = &route;
    stream.size = Bytes(flit * 12);  // three packets
    stream.client = &ends;
    fabric.inject(stream, TrafficClass::message, Picoseconds());
    // The first packet's last turn ends a cycle before the switch and its four flits after the start.
    const Picoseconds first = from_nanoseconds(1 + 4);
    fabric.run_ahead(first);
    CHECK(ends.packets == 0);
    CHECK(fabric.next_event() == first);
    fabric.run_ahead(Picoseconds::max());
    CHECK(ends.packets == 2);
    CHECK(ends.left == 0);
    CHECK(ends.whole == 0);
    fabric.run_until(fabric.next_event());
    CHECK(ends.left == 1);
    CHECK(ends.whole == 1);
    CHECK(fabric.next_event() == Picoseconds::max());
}
