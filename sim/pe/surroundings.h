// SPDX-License-Identifier: Apache-2.0
// What a PE sees of the machine around it: the network, everybody's HBM slice, the channels to other PEs, the
// barrier, and where to report activity. The machine implements it.
#pragma once

#include "sim/base/jitter.h"
#include "sim/base/recorder.h"
#include "sim/memory/slice.h"
#include "sim/noc/agenda.h"
#include "sim/noc/network.h"
#include "sim/pe/follower.h"

#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace tilemesh::pe {

class MessageChannel;
class ProcessingElement;

class Surroundings {
public:
    Surroundings(noc::Network& the_network, noc::Agenda& the_agenda, Recorder* the_recorder, Follower* the_follower,
                 Jitter the_jitter, bool is_steady)
        : network(the_network),
          agenda(the_agenda),
          jitter(the_jitter),
          steady(is_steady),
          recorder(the_recorder),
          follower(the_follower),
          asker(the_recorder ? the_recorder->asker() : nullptr),
          engine_recorder(asker ? &the_recorder->without_asker() : the_recorder),
          sram_recorder(!asker                  ? the_recorder
                        : asker->follows_sram() ? asker
                                                : nullptr) {}
    virtual ~Surroundings() = default;

    virtual memory::Slice& slice(int pe) = 0;
    virtual MessageChannel& channel(int from, int to) = 0;
    virtual int pes() const = 0;
    virtual std::string path_of(int pe) const = 0;
    virtual ComponentId new_component(std::string path, std::string_view kind) = 0;
    /// A command processor (of PE participant / processors of a PE) has arrived at the barrier at `when`.
    virtual void arrive_at_barrier(int participant, Picoseconds when) = 0;
    /// When the barrier it waits at opens; max while somebody is missing.
    virtual Picoseconds barrier_opens(int participant) const = 0;
    /// Numbers of the PEs that run a kernel and have not arrived at the barrier; none when nobody waits at one.
    virtual std::vector<int> missing_at_barrier() const = 0;
    virtual const sc_core::sc_event& barrier_event() const = 0;
    /// Ends the simulation with this failure.
    virtual void stop(std::exception_ptr failure) = 0;

    noc::Network& network;
    noc::Agenda& agenda;
    const Jitter jitter;
    const bool steady;   // kernels may pass over what repeats
    Recorder* recorder;  // any of these may be null
    Follower* follower;
    Asker* asker;
    Recorder* engine_recorder;  // of the activities of engines, which the asker gets with reasons
    Recorder* sram_recorder;    // of what is in use
};

}  // namespace tilemesh::pe
