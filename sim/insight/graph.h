// SPDX-License-Identifier: Apache-2.0
// What follows from what in a run, followed while it runs: for every moment the step that decided it, and when it
// would have been on other machines. On those, commands, their order in each queue and who waits for whom stay as
// they are in the measured run; what changes is how long each thing takes (pace.h) and, from that, who waits how
// long. The engines of a PE, its queues, its SRAM and the credits of messages are followed exactly; slices and links
// serve what comes one after the other, and what the measured run took beyond that is scaled with them.
//
// Memory is bounded by what is under way: moments are kept as long as something may follow from them, steps as long
// as they lead to one, and the part of the chain that all share is added up (CriticalPath).
#pragma once

#include "sim/insight/critical_path.h"
#include "sim/insight/moment.h"
#include "sim/insight/other_machine.h"
#include "sim/insight/pace.h"
#include "sim/insight/phases.h"
#include "sim/insight/server.h"
#include "sim/pe/follower.h"

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace tilemesh::insight {

class Graph final : public pe::Follower {
public:
    /// The machine that runs, and at most most_clocks - 1 others of the same shape, which are estimated. `listener`
    /// outlives the graph; null: nobody wants to know.
    Graph(const machine::MachineConfig& measured, const std::vector<OtherMachine>& others, PhaseListener* listener);

    /// Parts of the machine, numbered as their paths are, before the run.
    template <class Components>
    void begin(const Components& components) {
        std::vector<std::string> paths;
        for (const auto& component : components) paths.push_back(component.path);
        set_paths(std::move(paths));
    }
    /// After the run, which took so long.
    report::CriticalPath close(Picoseconds time);
    /// How long it would have taken on the other machines, in their order.
    std::vector<report::WhatIf> estimates() const;

    void phase_begins(At at, std::span<const Phase> path) override;
    void phase_ends(At at) override;
    void spent(At at, std::uint64_t instructions, Picoseconds when) override;
    void issued(At at, const Command& command, Place place, Picoseconds when) override;
    void released(At at, const TileRecord& tile, Picoseconds when) override;
    void waited(At at, const TileRecord& tile, Picoseconds when) override;
    void drained(At at, Picoseconds when) override;
    void arrived_at_barrier(At at, Picoseconds when) override;
    void passed_barrier(At at, Picoseconds when) override;
    void launched(At at, const LaunchedWork& work, Picoseconds when) override;
    void finished(At at, Picoseconds when) override;
    void computed(int pe, const Command& command, Place place, Picoseconds begin, Picoseconds end,
                  Picoseconds ready) override;
    void began(int pe, const Command& command, Place place, Picoseconds when) override;
    void share_done(int pe, const Command& command, const Share& share) override;
    void message_arrived(int from, int to, std::uint64_t number, Picoseconds when) override;
    void ended(int pe, const Command& command, Place place, Picoseconds when) override;
    void freed(int pe, const TileRecord& tile, Picoseconds when) override;

private:
    /// What a step is about, beside what it spent its time on.
    struct About {
        ComponentId component = 0;
        std::uint32_t phase = 0;
        std::int32_t line = 0;
        const std::string* file = nullptr;
    };
    struct Pending {
        Moment issued;
        About about;
    };
    /// Of one queue: what waits in it, and when those that began last did, for who waits for a place.
    struct Queue {
        std::deque<Pending> pending;
        std::deque<Moment> starts;
        std::uint64_t issued = 0, started = 0;
    };
    struct TileMoments {
        Moment ready, last_use, released;
    };
    struct Processor {
        Moment now, last_end;
        ComponentId component = 0;
        std::vector<std::uint32_t> phases{Phases::none};
        std::uint64_t barriers = 0;
        bool begun = false;
    };
    /// A load or store under way.
    struct Flight {
        Moment begin, end;
        About about;
        std::uint64_t ordinal = 0;
        Picoseconds issued;
        Bytes bytes;  // of the shares that are done
    };
    /// One of the two directions of a PE's transfers.
    struct Transfers {
        std::map<std::pair<int, std::uint64_t>, Flight> under_way;  // by processor and command
        std::deque<Moment> over;                                    // transfer i and all before it, from `first` on
        std::deque<std::pair<bool, Moment>> ended;                  // behind those
        std::uint64_t first = 0, begun = 0;
    };
    struct EndedTransfer {
        int processor;
        std::uint64_t command;
        Moment end;
    };
    /// Room that has become free, in the order of the measured run, and how much of it each machine has needed yet.
    struct Room {
        struct Free {
            std::uint64_t bytes;
            Moment when;
        };
        std::deque<Free> frees;
        std::uint64_t first = 0;  // number of the front
        std::uint64_t taken = 0;
        std::array<std::uint64_t, most_clocks> used{}, bytes{};
        Moment floor;
    };
    struct Pe {
        std::vector<Processor> processors;
        std::vector<Queue> queues;  // by the bit of their engine
        std::vector<TileMoments> tiles;
        std::array<Transfers, 2> transfers;  // loads, stores
        std::deque<EndedTransfer> ended;     // the last of them
        Room room;
        Moment computed;
        std::array<double, most_clocks> units_at_work;
        Clocks copied{};
    };
    /// Links that a message to several PEs has crossed on the way to one of them, and when, on every machine.
    using Crossed = std::map<std::size_t, Clocks>;
    struct Message {
        Moment begin, arrives, posted;
        std::shared_ptr<Crossed> crossed;  // of a multicast, which all its messages share
        About about, receive_about;
        Picoseconds send_issued, receive_issued;
        Bytes bytes;
        std::uint64_t until = 0;  // bytes of its lane, with this one
        int network = 0;          // once it has begun
        bool begun = false, has_post = false, followed = false, arrived = false, left = false, taken = false;
    };
    /// Of messages over one network, in the order of their sends.
    struct Lane {
        Server window;  // the room for them at the receiver, which is free again when credits have come back
        std::deque<std::uint64_t> waiting, leaving;  // numbers of those that have not begun, not left
        std::uint64_t bytes = 0;                     // of those that have begun
    };
    struct Channel {
        std::deque<Message> messages;
        std::map<int, Lane> lanes;  // by network
        std::uint64_t first = 0;    // number of the front
        std::uint64_t sends = 0, receives = 0, taken = 0;
    };

    void set_paths(std::vector<std::string> paths);
    Moment none() const { return Moment(clocks_); }
    Pe& pe_of(int pe);
    Processor& processor(At at);
    Queue& queue_of(int pe, Place place);
    TileMoments& tile(int pe, const TileRecord& record);
    Moment& free_of(ComponentId component);
    Server& server(ComponentId component);
    Message& message(Channel& channel, std::uint64_t number);

    template <class Figure>
    Clocks clocks_of(Figure figure) {
        Clocks times;
        for (std::size_t i = 0; i < clocks_; ++i) times[i] = figure(*paces_[i], i).value();
        return times;
    }
    void step(Moment& moment, Picoseconds start, Spent spent, const About& about) {
        step(moment, start, static_cast<std::uint8_t>(spent), about);
    }
    void step(Moment& moment, Picoseconds start, std::uint8_t spent, const About& about);
    /// The moment was then, in the measured run; what it was later than it had to be is nobody's.
    void pin(Moment& moment, Picoseconds when, const About& about);
    /// The same, where what was longer or shorter than expected scales with `scale`.
    void pin_scaled(Moment& moment, Picoseconds when, const Clocks& scale, const Moment& not_before);
    About issue_about(const Processor& processor) const {
        return {processor.component, processor.phases.back(), 0, nullptr};
    }
    void tell_phase(At at);
    void processor_goes_on(Processor& processor, bool waited, Picoseconds when, std::size_t slack);
    bool take_room(Pe& pe, std::uint64_t bytes, Moment& now);
    void consume(Room& room, std::size_t clock);
    Moment begin_of(int pe, Queue& queue, const Command& command, Place place, Pending& pending);
    void use_up(int pe, const Command& command, const Moment& ready, const Moment& end, Picoseconds since,
                Picoseconds begin, Picoseconds until, const About& about);
    void end_transfer(int pe, const Command& command, Picoseconds when);
    /// `streams`: a piece of a write to another's slice.
    Moment served(int home, const Served& piece, bool write, bool streams, const Moment& arrival, const About& about);
    /// The data of a write goes to another's slice, and is written there as it comes.
    Moment written_there(const Share& share, const Leg& there, const Moment& start, const About& about);
    /// A head's way and the bytes behind it, from `start` on, over links that others use too.
    /// Links that are among those `crossed` are not crossed again.
    Moment cross(const Leg& leg, Bytes bytes, const Moment& start, const About& about, bool only_latency,
                 Crossed* crossed = nullptr);
    /// How what a message waits for others is to be scaled: they have bytes and ways as it has. It is not known which
    /// of the two was waited for, so by what shortens it more.
    Clocks waiting(const Leg& leg, Bytes bytes);
    void arrive(Moment& moment, const Leg& leg, Bytes bytes, Picoseconds when, const Moment& start);
    void follow(Channel& channel, std::uint64_t number, int from, int to);
    void issue_send(int number, const Command& command);
    void begin_send(int number, const Command& command, const Moment& start, const Pending& pending);
    void end_send(int number, const Command& command, Place place, Picoseconds when);
    void wait_for_credits(Channel& channel, const Message& one, const Leg& leg, Moment& arrives);
    void forget_messages(Channel& channel);
    void add_up_trunk(Step* from);

    std::size_t clocks_;
    std::vector<std::string> changes_;
    std::vector<std::unique_ptr<Pace>> paces_;
    std::array<bool, most_clocks> same_pe_{};  // as the measured machine's, so that commands take as long
    std::vector<std::string> paths_;
    std::vector<ComponentId> slices_, links_;  // by PE, by link
    Steps steps_;
    Phases phases_;
    PhaseListener* listener_;
    CriticalPath path_;
    std::deque<Pe> pes_;
    std::deque<Moment> free_;     // engines, by component
    std::deque<Server> servers_;  // slices and links, by component
    std::map<std::pair<int, int>, Channel> channels_;
    std::deque<std::pair<Moment, std::uint64_t>> gates_;  // barriers: when, and how many have come
    std::uint64_t first_gate_ = 0;
    Moment end_;
    std::uint64_t next_trunk_ = std::uint64_t{1} << 20;
};

}  // namespace tilemesh::insight
