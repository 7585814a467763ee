// SPDX-License-Identifier: Apache-2.0
// One execution of a table: the state of its rows, workers and routers. execution.cpp is what happens to them.
#pragma once

#include "sim/collective/execution.h"
#include "sim/collective/one_link.h"
#include "sim/noc/fabric.h"

#include <array>
#include <deque>
#include <utility>
#include <vector>

namespace tilemesh::collective {

/// By link: how long it was at work.
class BusyTimes final : public Recorder {
public:
    explicit BusyTimes(std::size_t links) : busy(links) {}
    void activity(const Activity& a) override { busy[a.component] += a.end - a.begin; }
    std::vector<Picoseconds> busy;
};

class Run {
public:
    Run(const Schedule& schedule, std::uint64_t bytes_per_element, const CollectiveConfig& config,
        const noc::NetworkConfig& network, std::uint64_t pieces)
        : schedule_(schedule),
          config_(config),
          width_(bytes_per_element),
          most_pieces_(pieces),
          network_(network_of_one(config, network, packet_for(network), schedule.chips.ring)),
          topology_(network_),
          fabric_(network_, topology_),
          busy_(topology_.links().size()),
          ways_(topology_.links().size()),
          rows_(schedule.rows.size()),
          workers_(static_cast<std::size_t>(schedule.chips.n) * 2) {
        for (std::size_t i = 0; i < topology_.links().size(); ++i)
            fabric_.record(i, static_cast<ComponentId>(i), &busy_);
        // Whatever stops goes on to the next router only: no circle of waiting asks for channels of two classes.
        for (std::size_t i = 0; i < ways_.size(); ++i)
            ways_[i] = noc::CreditWindow(network_.packet * slots_behind(i));
    }

    Execution run();

private:
    /// A stream on its way, and what it is a piece of.
    struct Moving final : noc::StreamClient {
        Run* run = nullptr;
        noc::Stream stream;
        std::size_t row = 0;
        std::size_t waits_on = none;  // the link whose slot it keeps until it has left
        int at = 0;                   // the chip it leaves from, where a copy or sum goes on
        void stream_left(Picoseconds when) override {
            if (waits_on != none) {
                run->give_back(waits_on, stream.size, when);
                run->passed(run->schedule_.rows[row], at, when);
            } else {
                run->left(row, stream.size, when);
            }
        }
        void bytes_arrived(noc::Stream&, Bytes bytes, Picoseconds when, bool complete) override {
            run->arrived(*this, bytes, when, complete);
        }
    };
    struct RowState {
        std::uint64_t bytes = 0, piece = 0;  // of one of the parallel links
        std::uint64_t sent = 0, left = 0, arrived = 0;
        std::uint64_t usable = 0;            // of what has arrived: the worker there knows of it
        std::vector<std::size_t> followers;  // rows that pass on what it brings
        Picoseconds prepared;                // before this the worker is not ready to begin with it
    };
    /// What feeds the link of one chip in one direction.
    struct Worker {
        std::vector<std::size_t> rows;
        std::size_t next = 0;
        std::uint64_t feeders = 1;
        std::uint64_t passing = 0;  // packets at the router that are added to and have not left it
        Picoseconds used;           // when the last of what it brought was added to what passes
        Picoseconds free;           // of putting bytes into the router
        Picoseconds finished;       // of adding to the part that stays
    };
    enum Event : std::uint32_t { look, usable, onward, meets };
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    std::uint64_t bytes_of(const Range& range) const {
        return (range.size * width_ + config_.links - 1) / config_.links;
    }
    /// Whose size decides at which rate links move a row: all of it, of all parallel links.
    Bytes transfer_of(std::size_t row) const { return Bytes(schedule_.rows[row].range.size * width_); }
    Bytes packet_for(const noc::NetworkConfig& network) const;
    void set_up();
    std::uint64_t piece_of(const Row& row, std::uint64_t bytes) const;
    Worker& worker_of(int chip, int direction) {
        return workers_[static_cast<std::size_t>(chip) * 2 + (direction > 0 ? 0 : 1)];
    }
    const noc::Route& route(int from, int to, int direction);
    void advance(std::size_t worker, Picoseconds now);
    bool may_send(const Worker& worker, const Row& row, const RowState& state, std::uint64_t until,
                  Picoseconds now) const;
    void send_piece(Worker& worker, std::size_t row, std::uint64_t size, Picoseconds now);
    std::uint64_t feeders_of(int chip, int direction) const;
    Picoseconds feeding_time(const Worker& worker, Bytes bytes) const;
    Moving& new_stream(std::size_t row, int from, int to, Bytes size, Picoseconds now);
    void left(std::size_t row, Bytes bytes, Picoseconds when);
    void passed(const Row& row, int chip, Picoseconds when);
    void arrived(Moving& moving, Bytes bytes, Picoseconds when, bool complete);
    void at_router(const Moving& moving, int chip, Bytes bytes, Picoseconds when);
    void add_own(std::size_t which, Picoseconds now);
    void pass_on(std::size_t which, Picoseconds now);
    /// Of all its channels.
    std::uint64_t slots_behind(std::size_t link) const {
        const Bytes buffer = topology_.links()[link].config.buffer;
        const auto channels = static_cast<std::uint64_t>(network_.router.virtual_channels);
        return buffer.value() * channels / network_.packet.value();
    }
    /// Room behind a link is free: its sender knows once the credit has come back over the wire.
    void give_back(std::size_t link, Bytes bytes, Picoseconds when) {
        when += topology_.links()[link].config.latency + network_.router.credit;
        ways_[link].give_back(bytes, when);
        fabric_.look_again(link, when);
    }
    Picoseconds handling_of(const RowState& row) const;
    Picoseconds chunks_time(std::uint64_t bytes) const;
    void keep(std::size_t row, Bytes bytes, Picoseconds when);

    /// A packet at a router where it was copied or added to, before it goes on.
    struct Stopped {
        std::size_t row, from_link;
        int at;
        Bytes bytes;
    };

    const Schedule& schedule_;
    const CollectiveConfig& config_;
    const std::uint64_t width_, most_pieces_;
    std::uint64_t chunk_ = 1, reducers_ = 1;  // of a worker that adds up, and how many there are for one link
    double finish_ps_per_byte_ = 0.0;
    bool parts_wait_ = false;  // for the part before to have left
    const noc::NetworkConfig network_;
    const noc::Topology topology_;
    noc::Fabric fabric_;
    noc::Calendar calendar_;
    BusyTimes busy_;
    std::vector<noc::CreditWindow> ways_;  // slots of each link's channels, for what stops at routers
    std::vector<RowState> rows_;
    std::vector<Worker> workers_;
    std::deque<Moving> streams_;
    std::vector<Moving*> unused_;
    std::vector<Stopped> stopped_;
    std::vector<std::uint32_t> unused_stopped_;
    std::deque<std::pair<std::array<int, 3>, noc::Route>> routes_;
    Execution result_;
    Picoseconds end_;
};

}  // namespace tilemesh::collective
