// SPDX-License-Identifier: Apache-2.0
// A machine without time, on which kernels run in any one order that their data and messages allow. As channels and
// engines keep their order and control flow does not look at time, every order comes to the same end, so that this
// one stands for all (adr/0033 says for which kernels it does not). It begins with no receive buffer at all; each
// time nobody can go on, the buffer grows by as little as lets somebody, so that in the end it is the smallest that
// lets the kernels end.
#pragma once

#include "sim/check/channel.h"
#include "sim/check/findings.h"
#include "sim/check/hbm_book.h"
#include "sim/check/untimed_pe.h"
#include "sim/machine/config.h"
#include "sim/machine/target.h"
#include "sim/noc/route_tree.h"
#include "sim/noc/topology.h"

#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tilemesh::check {

class UntimedMachine final : public machine::Target {
public:
    explicit UntimedMachine(const machine::MachineConfig& config);
    ~UntimedMachine() override;

    // Target
    Tensor& allocate(int pe, SharedText name, Shape shape, Dtype dtype) override;
    std::uint64_t reserve(int pe, std::uint64_t bytes, const std::string& what) override;
    void is_given(int pe, std::uint64_t address, std::uint64_t bytes) override;
    void launch(int pe, std::string kernel, std::function<void(tl::Context&)> text, ValueMode values,
                int processor = 0) override;

    /// Runs everything as far as it goes. InternalError and what else is not the kernels' fault passes.
    Report run();

    // What its parts call.
    const machine::MachineConfig& config() const { return config_; }
    const noc::Topology& topology() const { return topology_; }
    int pes() const { return topology_.pes(); }
    std::size_t processors() const { return launched_.size(); }
    Channel& channel(int from, int to);
    UntimedPe& pe(int number) { return pes_[static_cast<std::size_t>(number)]; }
    HbmBook& hbm(int pe) { return hbm_[static_cast<std::size_t>(pe)]; }
    /// The lane has something new to look at.
    void look_at(UntimedPe& pe, Lane& lane) { news_.emplace_back(&pe, &lane); }
    /// Lets all happen that follows from what is new.
    void settle();
    void start_send(UntimedPe& pe, Lane& lane, Content content);
    void start_receive(UntimedPe& pe, Lane& lane);
    /// The first receiver of a send or multicast under way that does not take it; if all do, the first.
    int waits_for_room_at(const UntimedPe& pe, const Command& command);
    /// A processor of that PE may be able to go on.
    void wake(UntimedPe& pe);
    void to_the_end_of_the_line(UntimedProcessor& processor);
    void arrive_at_barrier(const UntimedProcessor& last);
    /// "machine.cube0.pe1, machine.cube0.pe2": who runs a kernel and has not arrived.
    std::string missing_at_barrier_text();
    int first_missing_at_barrier();
    // What accesses and tiles turn out to be.
    void found(Clash what, const Touch* earlier, const Touch& later, const std::string& where);
    void found_store_to_input(const Touch& touch, const std::string& tensor);
    void found_unused(const UntimedPe& pe, const UntimedTile& tile);
    /// A kernel has failed: nothing more happens.
    void fails(const std::string& text);
    void stop(std::exception_ptr failure) { failure_ = std::move(failure); }

private:
    std::string text_of(const Touch& touch) const;
    void progress(const Channel& channel, Channel::Progress progress);
    /// A multicast that has begun, before all its receivers take it.
    struct Multicast {
        UntimedPe* pe;
        Lane* lane;
        Content content;
    };
    /// As on a machine with time, nobody gets any of it before all have posted their receives or have room: those
    /// that can go now do.
    void start_multicasts();
    /// The smallest buffer with which it would go.
    std::uint64_t wanted_buffer(const Multicast& multicast);
    bool all_finished() const;
    /// When nobody can go on: a larger buffer, as far as one helps.
    bool grow_buffer();
    std::string deadlock_text();
    void check_messages();
    void add_sram(const UntimedPe& pe, Report& report);

    const machine::MachineConfig& config_;
    noc::Topology topology_;
    std::deque<UntimedPe> pes_;
    std::deque<HbmBook> hbm_;
    std::deque<Tensor> tensors_;
    std::map<std::pair<int, int>, Channel> channels_;
    std::deque<Multicast> multicasts_;
    std::vector<UntimedProcessor*> launched_;
    std::vector<UntimedPe*> pe_of_;  // of those
    std::deque<UntimedProcessor*> line_;
    std::deque<std::pair<UntimedPe*, Lane*>> news_;
    std::size_t arrived_ = 0;
    std::uint64_t window_ = 0;
    Findings findings_;
    bool failed_ = false, deadlocked_ = false;
    std::string deadlock_;  // when it was found, the buffer as large as the machine's
    std::exception_ptr failure_;
};
}  // namespace tilemesh::check
