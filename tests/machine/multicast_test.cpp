// SPDX-License-Identifier: Apache-2.0
// Routers that copy: the trees that copies take on all topologies, their times packet by packet, whose credits a
// packet needs, and that nobody waits for ever, however many send at once.
#include "sim/base/error.h"
#include "sim/base/random.h"
#include "sim/machine/config.h"
#include "sim/noc/fabric.h"
#include "sim/noc/route_tree.h"
#include "tests/machine/routers.h"

#include <catch2/catch.hpp>

#include <deque>
#include <map>
#include <set>

using namespace tilemesh;
using namespace tilemesh::noc;
using namespace tilemesh::test;

namespace {

struct Message {
    int from;
    std::vector<std::int32_t> to;
    std::uint64_t flits;
};

/// Messages that all begin at once, each one stream of copies, with a window of so many bytes at each receiver whose
/// credits come back as soon as bytes arrive, or never.
class Copying final : public StreamClient {
public:
    Copying(const NetworkConfig& network, std::vector<Message> messages, std::uint64_t window, bool come_back = true)
        : topology_(network), fabric_(network, topology_), messages_(std::move(messages)), come_back_(come_back) {
        for (const Message& message : messages_) send(message, window);
        while (fabric_.next_event() != Picoseconds::max()) fabric_.run_until(fabric_.next_event());
    }
    /// When the last byte of message `i` has reached each of its receivers; -1: never.
    std::vector<double> arrivals(std::size_t i) const {
        std::vector<double> list;
        for (std::size_t to = 0; to < messages_[i].to.size(); ++to) {
            const auto found = arrived_.find({i, to});
            list.push_back(found == arrived_.end() ? -1.0 : found->second);
        }
        return list;
    }
    Bytes received(std::size_t i, std::size_t to) const { return ends_.at({i, to})->arrived; }
    std::map<std::uint32_t, std::uint64_t> link_bytes() {
        std::map<std::uint32_t, std::uint64_t> bytes;
        for (std::uint32_t link = 0; link < topology_.links().size(); ++link)
            if (const Bytes moved = fabric_.bytes_moved(link, last_); moved > Bytes()) bytes[link] = moved.value();
        return bytes;
    }
    /// Every link of every route, once a message.
    std::map<std::uint32_t, std::uint64_t> expected_link_bytes() const {
        std::map<std::uint32_t, std::uint64_t> bytes;
        for (const Message& message : messages_) {
            std::set<std::uint32_t> links;
            for (const int to : message.to)
                for (const Hop& hop : topology_.route(message.from, to)) links.insert(hop.link);
            for (const std::uint32_t link : links) bytes[link] += message.flits * flit;
        }
        return bytes;
    }

    void stream_left(Picoseconds) override {}
    void bytes_arrived(Stream& stream, Bytes bytes, Picoseconds when, bool complete) override {
        last_ = std::max(last_, when);
        if (complete) arrived_[keys_.at(stream.tag)] = to_nanoseconds(when);
        if (!come_back_) return;
        stream.credits->give_back(bytes, when);
        fabric_.look_again(first_links_.at(stream.tag), when);
    }

private:
    void send(const Message& message, std::uint64_t window) {
        const std::size_t number = sent_++;
        std::vector<Route> routes;
        for (const int to : message.to) routes.push_back(topology_.route(message.from, to));
        const RouteTree& tree = trees_.emplace_back(tree_of(routes));
        std::vector<Stream*> streams;
        for (const RouteTree::Branch& branch : tree.branches) {
            Stream& stream = streams_.emplace_back();
            stream.route = &branch.route;
            stream.size = Bytes(message.flits * flit);
            stream.client = this;
            streams.push_back(&stream);
        }
        for (std::size_t i = 0; i < tree.branches.size(); ++i) {
            auto& copies = copies_.emplace_back();
            for (const std::size_t onward : tree.branches[i].onward) {
                const bool ends = tree.branches[onward].route.empty();
                if (ends) streams[i]->end_of_copies = streams[onward];
                if (!ends) copies.push_back(streams[onward]);
            }
            if (!copies.empty()) streams[i]->copies = &copies;
        }
        for (std::size_t to = 0; to < message.to.size(); ++to) {
            Stream& end = *streams[tree.ends[to]];
            end.tag = keys_.size();
            keys_.emplace_back(number, to);
            first_links_.push_back(tree.branches.front().route.front().link);
            end.credits = &windows_.emplace_back(Bytes(window));
            ends_[{number, to}] = &end;
        }
        fabric_.inject(*streams.front(), TrafficClass::message, Picoseconds());
    }

    using Key = std::pair<std::size_t, std::size_t>;  // message, place of the receiver
    const Topology topology_;
    Fabric fabric_;
    const std::vector<Message> messages_;
    const bool come_back_;
    std::size_t sent_ = 0;
    std::deque<RouteTree> trees_;
    std::deque<Stream> streams_;
    std::deque<std::vector<Stream*>> copies_;
    std::deque<CreditWindow> windows_;
    std::vector<Key> keys_;
    std::vector<std::size_t> first_links_;
    std::map<Key, const Stream*> ends_;
    std::map<Key, double> arrived_;
    Picoseconds last_;
};

constexpr std::uint64_t no_limit = std::uint64_t{1} << 40;

NetworkConfig copying(const GridConfig& grid, int channels, std::uint64_t buffer, std::uint64_t packet, bool port) {
    NetworkConfig network = routers(grid, channels, buffer, packet, port);
    network.router.multicast = true;
    return network;
}

/// Some of the PEs but one, at least one of them.
std::vector<std::int32_t> some_but(int from, int pes, std::uint64_t seed) {
    std::vector<std::int32_t> to;
    for (int pe = 0; pe < pes; ++pe)
        if (pe != from && random_below(seed, 1, static_cast<std::uint64_t>(pe), 2) == 0) to.push_back(pe);
    if (to.empty()) to.push_back(from == 0 ? 1 : 0);
    return to;
}

/// Those of them that the first is reached with.
std::vector<std::int32_t> over_one_link(const NetworkConfig& network, int from, const std::vector<std::int32_t>& to) {
    return injections(network, Topology(network), from, to).front();
}

std::vector<std::pair<GridConfig, GridConfig>> all_grids() {
    std::vector<std::pair<GridConfig, GridConfig>> grids;
    const std::vector<GridConfig> flat{line(5),    ring(5),     ring(6),     ring(8),
                                       mesh(3, 4), torus(4, 4), torus(3, 5), all_to_all(6)};
    for (const GridConfig& grid : flat) grids.emplace_back(grid, GridConfig());
    for (const GridConfig& pes : {line(3), mesh(2, 4), all_to_all(4)})
        for (const GridConfig& cubes : {line(3), mesh(3, 3), ring(4), torus(3, 4)}) grids.emplace_back(pes, cubes);
    return grids;
}

}  // namespace

TEST_CASE("copies take the routes of single messages, and cross each of their links once") {
    for (const auto& [pes, cubes] : all_grids()) {
        for (const bool port : {false, true}) {
            NetworkConfig network = network_of(pes, cubes);
            if (port) network.port = network.link;
            network.router.multicast = true;
            const Topology topology(network);
            for (std::uint64_t seed = 0; seed < 40; ++seed) {
                CAPTURE(text_of(pes), text_of(cubes), port, seed);
                const int from =
                    static_cast<int>(random_below(seed, 0, 0, static_cast<std::uint64_t>(topology.pes())));
                const auto to = over_one_link(network, from, some_but(from, topology.pes(), seed));
                std::vector<Route> routes;
                for (const int pe : to) routes.push_back(topology.route(from, pe));
                const RouteTree tree = tree_of(routes);
                std::vector<int> before(tree.branches.size(), -1);
                std::multiset<std::uint32_t> links;
                for (std::size_t i = 0; i < tree.branches.size(); ++i) {
                    for (const Hop& hop : tree.branches[i].route) links.insert(hop.link);
                    for (const std::size_t onward : tree.branches[i].onward) before[onward] = static_cast<int>(i);
                }
                CHECK(links.size() == std::set<std::uint32_t>(links.begin(), links.end()).size());
                for (std::size_t i = 0; i < to.size(); ++i) {
                    CHECK(tree.branches[tree.ends[i]].onward.empty());
                    Route way;
                    for (int at = static_cast<int>(tree.ends[i]); at >= 0;
                         at = before[static_cast<std::size_t>(at)]) {
                        const Route& part = tree.branches[static_cast<std::size_t>(at)].route;
                        way.insert(way.begin(), part.begin(), part.end());
                    }
                    REQUIRE(way.size() == routes[i].size());
                    for (std::size_t hop = 0; hop < way.size(); ++hop) {
                        CHECK(way[hop].link == routes[i][hop].link);
                        CHECK(way[hop].channel_class >= routes[i][hop].channel_class);
                    }
                }
            }
        }
    }
}

TEST_CASE("one message for each first link on the way, where routers copy; else one for each receiver") {
    NetworkConfig network = network_of(line(6));
    const std::vector<std::int32_t> to{5, 0, 3, 1, 4};
    using Groups = std::vector<std::vector<std::int32_t>>;
    CHECK(injections(network, Topology(network), 2, to) == Groups{{5}, {0}, {3}, {1}, {4}});
    network.router.multicast = true;
    CHECK(injections(network, Topology(network), 2, to) == Groups{{5, 3, 4}, {0, 1}});
    CHECK(injections(network, Topology(network), 2, std::vector<std::int32_t>{9, 1, -1, 0}) ==
          Groups{{9}, {1, 0}, {-1}});
    network.port = network.link;
    CHECK(injections(network, Topology(network), 2, to) == Groups{to});
}

TEST_CASE("every receiver of a message has it when it would have had it alone") {
    for (const GridConfig& grid : {line(4), mesh(3, 3), ring(5), torus(4, 4)})
        for (const bool port : {false, true})
            for (const std::uint64_t flits : {1, 16, 40, 160}) {
                const NetworkConfig network = copying(grid, 4, 32, 16, port);
                std::vector<std::int32_t> to;
                for (int pe = 1; pe < grid.nodes(); ++pe) to.push_back(pe);
                to = over_one_link(network, 0, to);
                const Copying copies(network, {{0, to, flits}}, no_limit);
                for (std::size_t i = 0; i < to.size(); ++i) {
                    CAPTURE(text_of(grid), port, flits, to[i]);
                    CHECK(copies.arrivals(0)[i] == arrival_ns(network, 0, to[i], flits));
                }
            }
}

TEST_CASE("a copy that waits for its channel holds up no other") {
    // The one channel into PE 1 is PE 0's for a long packet. PE 2 gets its copy of PE 3's message as if alone.
    const NetworkConfig network = copying(line(4), 1, 200, 200, true);
    const Copying both(network, {{0, {1}, 200}, {3, {2, 1}, 16}}, no_limit);
    const Copying alone(network, {{3, {2, 1}, 16}}, no_limit);
    CHECK(both.arrivals(1)[0] == alone.arrivals(0)[0]);
    CHECK(both.arrivals(1)[1] >= both.arrivals(0)[0]);
    CHECK(alone.arrivals(0)[1] < both.arrivals(0)[0]);
}

TEST_CASE("a packet that waits where it branches keeps its room until the last copy has left") {
    // PE 0 has the one channel into PE 1 for 200 flits. Two packets of PE 3 that fill a buffer each have copies for
    // PE 1, which wait in routers 1 and 2; the message behind cannot pass router 2, although PE 2, where it goes, is
    // idle.
    const auto behind = [](const std::vector<std::int32_t>& first) {
        const NetworkConfig network = copying(line(4), 1, 16, 200, true);
        return Copying(network, {{0, {1}, 200}, {3, first, 16}, {3, first, 16}, {3, {2}, 16}}, no_limit)
            .arrivals(3)[0];
    };
    CHECK(behind({2}) < 100);
    CHECK(behind({2, 1}) > 200);
}

TEST_CASE("a packet enters when every receiver has room, and takes room at each") {
    const NetworkConfig network = copying(line(4), 4, 32, 16, true);
    const std::uint64_t packet = 16 * flit;
    for (const std::uint64_t packets : {1, 2, 3}) {
        const Copying stuck(network, {{0, {1, 2, 3}, 64}}, packets * packet + packet - 1, false);
        for (std::size_t to = 0; to < 3; ++to) CHECK(stuck.received(0, to) == Bytes(packets * packet));
    }
    const Copying all(network, {{0, {1, 2, 3}, 64}}, packet);
    for (const double arrival : all.arrivals(0)) CHECK(arrival > 0);
}

TEST_CASE("whoever sends to whomever, with buffers of a packet: all arrives, over each link once") {
    for (const auto& [pes, cubes] : all_grids()) {
        for (const bool port : {false, true}) {
            NetworkConfig network = copying(pes, 2, 8, 8, port);
            network.cubes = cubes;
            network.die_to_die = network.link;
            const int nodes = pes.nodes() * cubes.nodes();
            for (std::uint64_t seed = 0; seed < 4; ++seed) {
                CAPTURE(text_of(pes), text_of(cubes), port, seed);
                std::vector<Message> messages;
                for (int from = 0; from < nodes; ++from)
                    for (std::uint64_t i = 0; i < 6; ++i) {
                        const std::uint64_t draw = seed * 1000 + static_cast<std::uint64_t>(from) * 10 + i;
                        messages.push_back({from, over_one_link(network, from, some_but(from, nodes, draw)),
                                            1 + random_below(draw, 2, 0, 40)});
                    }
                Copying storm(network, messages, 16 * flit);
                for (std::size_t i = 0; i < messages.size(); ++i)
                    for (const double arrival : storm.arrivals(i)) CHECK(arrival > 0);
                CHECK(storm.link_bytes() == storm.expected_link_bytes());
            }
        }
    }
}

TEST_CASE("routers that copy need buffers of a packet, and say so") {
    Json json = parse_json_file(std::string(TILEMESH_SOURCE_DIR) + "/configs/machines/cube_line8.json");
    json["network"]["router"]["multicast"] = true;
    CHECK(machine::read_machine(JsonReader(json, "m")).network.router.multicast);
    for (const char* const link : {"link", "port"}) {
        Json small = json;
        small["network"][link] = json["network"]["link"];
        small["network"][link]["buffer_bytes"] = 4095;
        std::string complaint;
        try {
            machine::read_machine(JsonReader(small, "m"));
        } catch (const InputError& error) {
            complaint = error.what();
        }
        CHECK_THAT(complaint, Catch::Contains(std::string(link) + "/buffer_bytes: found 4095, expected at least "
                                                                  "packet_bytes (4096), since router/multicast"));
        small["network"]["router"]["multicast"] = false;
        CHECK_FALSE(machine::read_machine(JsonReader(small, "m")).network.router.multicast);
    }
}
