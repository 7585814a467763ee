// SPDX-License-Identifier: Apache-2.0
// The module tree: machine.cubeC.peP with its engines, machine.cubeC.hbmP, machine.cubeC.peA_to_peB. SystemC's names
// are the paths in reports and errors.
#pragma once

#include "sim/machine/config.h"
#include "sim/memory/slice.h"
#include "sim/noc/network.h"
#include "sim/pe/message_channel.h"
#include "sim/pe/processing_element.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <systemc>
#include <unordered_map>
#include <vector>

namespace tilemesh::machine {

/// One simulated part's name and what it is.
struct Component {
    std::string path;
    std::string kind;        // matrix, vector, dma_load, dma_store, send, receive, hbm, link
    double peak_per_ns = 0;  // multiply-accumulates, elements or bytes; 0: no rate of its own
};

struct SimulationOptions {
    Recorder* recorder = nullptr;      // besides the statistics; may be null
    pe::Follower* follower = nullptr;  // may be null
    bool reverse_construction = false;
    int processors_per_pe = 1;  // command processors, which share a PE's engines and SRAM
    Jitter jitter = {};
    bool steady = false;  // kernels may pass over work that repeats: none computes values
};

class Cube : public sc_core::sc_module {
public:
    /// `fill` makes the parts, as children of this module.
    Cube(sc_core::sc_module_name name, const std::function<void(Cube&)>& fill) : sc_module(name) { fill(*this); }
    std::vector<std::unique_ptr<memory::Slice>> slices;
    std::vector<std::unique_ptr<pe::ProcessingElement>> pes;
};

/// Topology, network and agenda, a base so that they exist before the surroundings that refer to them.
struct Wiring {
    explicit Wiring(const noc::NetworkConfig& config)
        : topology(config), network("network", config, topology), agenda("agenda") {}
    noc::Topology topology;
    noc::Network network;
    noc::Agenda agenda;
};

class Machine final : public sc_core::sc_module, private Wiring, public pe::Surroundings {
public:
    /// `recorder`: that of the options and others together.
    Machine(sc_core::sc_module_name name, const MachineConfig& config, Recorder* recorder,
            const SimulationOptions& options);
    ~Machine() override;

    const MachineConfig& config() const { return config_; }
    const noc::Topology& the_topology() const { return Wiring::topology; }
    /// At the end of a run.
    void report_links() { Wiring::network.report_links(); }
    pe::ProcessingElement& pe(int number) { return *pes_[static_cast<std::size_t>(number)]; }
    const std::vector<Component>& components() const { return components_; }
    const std::map<std::pair<int, int>, std::unique_ptr<pe::MessageChannel>>& channels() const { return channels_; }
    std::exception_ptr failure() const { return failure_; }
    void set_participants(int count) { participants_ = count; }

    // Surroundings
    memory::Slice& slice(int pe) override { return *slices_[static_cast<std::size_t>(pe)]; }
    pe::MessageChannel& channel(int from, int to) override;
    int pes() const override { return Wiring::topology.pes(); }
    std::string path_of(int pe) const override { return pes_[static_cast<std::size_t>(pe)]->path(); }
    ComponentId new_component(std::string path, std::string_view kind) override;
    void arrive_at_barrier(int participant, Picoseconds when) override;
    Picoseconds barrier_opens(int participant) const override;
    std::vector<int> missing_at_barrier() const override;
    const sc_core::sc_event& barrier_event() const override { return barrier_event_; }
    void stop(std::exception_ptr failure) override;

private:
    void build_cube(int number, bool reverse);

    const MachineConfig& config_;
    memory::ServiceProfile hbm_profile_;  // of every slice
    std::vector<Component> components_;
    std::vector<std::unique_ptr<Cube>> cubes_;
    std::vector<memory::Slice*> slices_;
    std::vector<pe::ProcessingElement*> pes_;
    std::map<std::pair<int, int>, std::unique_ptr<pe::MessageChannel>> channels_;
    std::unordered_map<std::uint64_t, pe::MessageChannel*> channel_between_;  // the same, found at once
    std::exception_ptr failure_;

    int processors_;
    int participants_ = 0;
    int arrived_ = 0;
    std::uint64_t generation_ = 0;
    std::vector<std::uint64_t> waits_for_;  // by command processor: the barrier generation
    Picoseconds latest_, opened_at_;
    sc_core::sc_event barrier_event_;
};

}  // namespace tilemesh::machine
