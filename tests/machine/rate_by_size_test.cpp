// SPDX-License-Identifier: Apache-2.0
// Links that reach a share of their rate by the size of a transfer: the share itself, messages, loads and packets
// that share a link, all in closed form.
#include "sim/base/error.h"
#include "tests/language/says.h"
#include "tests/language/small_machine.h"
#include "tests/machine/routers.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::probe;
using namespace tilemesh::test;

namespace {

using Shares = std::vector<noc::SizeShare>;

/// As of a fixed cost that is worth `half` bytes: half of the rate for so many.
double hockney(double bytes, double half) { return bytes / (bytes + half); }

double share_at(const Shares& shares, std::uint64_t bytes) {
    noc::LinkConfig link{Rate::gbytes_per_s(8.0), Picoseconds(), Bytes(64), shares};
    return link.rate_for(Bytes(bytes)).gbytes_per_s() / 8.0;
}

/// The error for links of a machine with this list.
std::string list_complaint(const std::string& link, const std::string& list) {
    try {
        counting_line([&](Json& json) { json["network"][link]["rate_by_size"] = Json::parse(list); });
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("between two sizes time is linear in the size, beyond them the share stays") {
    const Shares two{{Bytes(64), hockney(64, 192)}, {Bytes(4096), hockney(4096, 192)}};
    for (const std::uint64_t bytes : {64, 100, 192, 1000, 4096})
        CHECK(share_at(two, bytes) == Approx(hockney(static_cast<double>(bytes), 192)));
    CHECK(share_at(two, 1) == Approx(0.25));
    CHECK(share_at(two, 1 << 20) == Approx(hockney(4096, 192)));
    const Shares three{{Bytes(10), 0.5}, {Bytes(20), 0.8}, {Bytes(40), 0.4}};
    CHECK(share_at(three, 15) == Approx(15 / (20 + 0.5 * (25 - 20))));
    CHECK(share_at(three, 30) == Approx(30 / (25 + 0.5 * (100 - 25))));
    CHECK(share_at(three, 20) == Approx(0.8));
    CHECK(share_at({}, 1) == 1.0);
    const noc::LinkConfig link{Rate::gbytes_per_s(8.0), Picoseconds(), Bytes(64), three};
    CHECK(link.best_rate().gbytes_per_s() == Approx(6.4));
    CHECK(noc::LinkConfig{Rate::gbytes_per_s(8.0), Picoseconds(), Bytes(64)}.best_rate().gbytes_per_s() == 8.0);
}

TEST_CASE("no transfer of more bytes takes less time, whatever the list says of its sizes") {
    const Shares shares{{Bytes(64), 0.02}, {Bytes(512), 0.16}, {Bytes(4096), 0.9}, {Bytes(65536), 0.7}};
    double before = 0.0;
    for (std::uint64_t bytes = 1; bytes < 100'000; bytes += 7) {
        const double time = static_cast<double>(bytes) / share_at(shares, bytes);
        CHECK(time >= before * (1.0 - 1e-12));
        before = time;
    }
}

TEST_CASE("a transfer takes its bytes over the rate that its size reaches, in packets and over hops") {
    for (const std::uint64_t flits : {1, 4, 16, 100}) {
        noc::NetworkConfig network = routers(line(8), 4, 32, 16, false);
        const double idle = arrival_ns(network, 0, 3, flits);
        network.link.rate_by_size = {{Bytes(8), 0.25}, {Bytes(16 * flit), 0.5}};
        const double reached = share_at(network.link.rate_by_size, flit * flits);
        INFO(flits << " flits reach " << reached);
        const auto bytes = static_cast<double>(flits);
        CHECK(arrival_ns(network, 0, 3, flits) == Approx(idle + bytes / reached - bytes).margin(0.01));
    }
}

TEST_CASE("the port is the sender's own: the links between routers stay free for others") {
    noc::NetworkConfig network = routers(line(4), 4, 64, 16);
    const auto with = [&](noc::LinkConfig& slow) {
        slow.rate_by_size = {{Bytes(1), 0.25}};
        const TransfersResult both = run_transfers(
            network, {{0, 3, Bytes(flit * 160), Picoseconds()}, {1, 2, Bytes(flit * 160), Picoseconds()}});
        slow.rate_by_size = {};
        return to_nanoseconds(both.end);
    };
    // Both cross the link from 1 to 2: at the ports a quarter of the rate each, on the link one after the other.
    CHECK(with(*network.port) < 160 * 4 * 1.1);
    CHECK(with(network.link) > 160 * 8);
}

TEST_CASE("transfers of two sizes share a link for the sum of their times") {
    noc::NetworkConfig network = routers(line(3), 4, 256, 64, false);
    network.link.rate_by_size = {{Bytes(64 * flit), 0.5}, {Bytes(640 * flit), 1.0}};
    // The large one reaches the rate, the small ones half of it.
    std::vector<ListedTransfer> transfers{{1, 2, Bytes(flit * 640), Picoseconds()}};
    for (int i = 0; i < 5; ++i) transfers.push_back({0, 2, Bytes(flit * 64), Picoseconds()});
    const double end = to_nanoseconds(run_transfers(network, transfers).end);
    CHECK(end >= 640 + 5 * 128);
    CHECK(end <= 640 + 5 * 128 + 30);
}

TEST_CASE("a load from another slice comes at the share of its bytes, its request at that of a request") {
    const auto ready = [](const Json& shares, std::int64_t elements) {
        const auto config = counting_line([&](Json& json) {
            json["hbm"]["gbytes_per_s_per_channel"] = 1000;
            if (!shares.is_null()) json["network"]["link"]["rate_by_size"] = shares;
        });
        machine::Simulation simulation(config);
        Tensor& tensor = simulation.allocate(1, "tensor", {elements}, Dtype::f32);
        double when = 0.0;
        const auto text = [&](tl::Context& tl) { when = ready_ns(tl, tl.load(tl::at(tensor), tensor.shape())); };
        simulation.launch(0, "access", text, ValueMode::none);
        simulation.run();
        return when;
    };
    const Json shares = Json::parse(R"([{"bytes": 512, "share": 0.25}, {"bytes": 4096, "share": 0.5}])");
    const double request = 32;  // bytes
    for (const std::int64_t elements : {128, 1024}) {
        const double bytes = 4.0 * static_cast<double>(elements), reached = elements == 128 ? 0.25 : 0.5;
        INFO(bytes);
        CHECK(ready(shares, elements) - ready({}, elements) ==
              Approx(bytes / reached - bytes + request / 0.25 - request).margin(5));
    }
}

TEST_CASE("a link is at work for as long as its transfers take, and has moved their bytes") {
    const auto slow = counting_line([](Json& json) {
        json["network"]["link"]["rate_by_size"] = Json::parse(R"([{"bytes": 256, "share": 0.25},
                                                                  {"bytes": 4096, "share": 0.8}])");
    });
    Kernels kernels;
    kernels[0] = [](tl::Context& tl) {
        tl.send(1, tl.zeros({64}));    // 256 bytes
        tl.send(1, tl.zeros({1024}));  // 4,096
    };
    kernels[1] = [](tl::Context& tl) {
        tl.recv(0, {64}, Dtype::f32);
        tl.recv(0, {1024}, Dtype::f32);
    };
    const machine::Outcome outcome = run_kernels(slow, kernels);
    bool found = false;
    for (std::size_t i = 0; i < outcome.components.size(); ++i) {
        if (outcome.components[i].path != "machine.cube0.pe0_to_pe1") continue;
        found = true;
        CHECK(outcome.totals[i].bytes == Bytes(4352));
        CHECK(to_nanoseconds(outcome.totals[i].busy) == Approx(256 / 0.25 + 4096 / 0.8).margin(0.1));
    }
    CHECK(found);
}

TEST_CASE("mistakes in what sizes reach are named by their path") {
    CHECK(list_complaint("link", R"([{"bytes": 64, "share": 0.5}, {"bytes": 128, "share": 1}])").empty());
    CHECK_THAT(list_complaint("link", "[]"), says("/network/link/rate_by_size", "at least one"));
    CHECK_THAT(list_complaint("link", R"([{"bytes": 64, "share": 0.5}, {"bytes": 64, "share": 0.6}])"),
               says("/network/link/rate_by_size/1", "more than in the element before"));
    CHECK_THAT(list_complaint("link", R"([{"bytes": 64, "share": 0.4}, {"bytes": 128, "share": 0.9}])"),
               says("/network/link/rate_by_size/1", "found 0.9, expected at most 0.8", "less time than the 64"));
    CHECK_THAT(list_complaint("link", R"([{"bytes": 64, "share": 1.5}])"),
               says("/network/link/rate_by_size/0/share", "1"));
    CHECK_THAT(list_complaint("link", R"([{"bytes": 0, "share": 1}])"), says("/network/link/rate_by_size/0/bytes"));
    CHECK_THAT(list_complaint("link", R"([{"byte": 1, "bytes": 1, "share": 1}])"),
               says("/rate_by_size/0/byte", "did you mean bytes"));
}
