// SPDX-License-Identifier: Apache-2.0
#include "sim/machine/machine.h"

#include <algorithm>

namespace tilemesh::machine {
namespace {

/// 0, 1, ... n-1, or the other way round.
std::vector<int> order(int n, bool reverse) {
    std::vector<int> numbers(static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i) numbers[static_cast<std::size_t>(i)] = reverse ? n - 1 - i : i;
    return numbers;
}

}  // namespace

Machine::Machine(sc_core::sc_module_name module_name, const MachineConfig& config, Recorder* the_recorder,
                 const SimulationOptions& options)
    : sc_module(module_name),
      Wiring(config.network),
      Surroundings(Wiring::network, Wiring::agenda, the_recorder, options.follower, options.jitter, options.steady),
      config_(config),
      hbm_profile_(config.hbm),
      cubes_(static_cast<std::size_t>(topology.cubes())),
      slices_(static_cast<std::size_t>(topology.pes())),
      pes_(static_cast<std::size_t>(topology.pes())),
      processors_(options.processors_per_pe),
      waits_for_(static_cast<std::size_t>(topology.pes()) * static_cast<std::size_t>(options.processors_per_pe)) {
    for (const int cube : order(topology.cubes(), options.reverse_construction))
        build_cube(cube, options.reverse_construction);
}

Machine::~Machine() = default;

void Machine::build_cube(int number, bool reverse) {
    const auto fill = [&](Cube& cube) {
        const int per_cube = topology.pes_per_cube();
        for (const int local : order(per_cube, reverse)) {
            const auto pe = static_cast<std::size_t>(number * per_cube + local);
            const std::string slice_name = fmt::format("hbm{}", local);
            const ComponentId id = new_component(fmt::format("{}.{}", cube.name(), slice_name), "hbm");
            cube.slices.push_back(std::make_unique<memory::Slice>(slice_name.c_str(), config_.hbm, hbm_profile_,
                                                                  Wiring::agenda, id, recorder));
            slices_[pe] = cube.slices.back().get();
            cube.pes.push_back(std::make_unique<pe::ProcessingElement>(
                fmt::format("pe{}", local).c_str(), static_cast<int>(pe), config_.pe, *this, processors_));
            pes_[pe] = cube.pes.back().get();
        }
        const auto& links = topology.links();
        for (const int i : order(static_cast<int>(links.size()), reverse)) {
            const noc::LinkSpec& spec = links[static_cast<std::size_t>(i)];
            if (spec.from / per_cube != number) continue;
            const std::string leaf = spec.name.substr(spec.name.find('.') + 1);
            const ComponentId id = new_component(fmt::format("{}.{}", cube.name(), leaf), "link");
            components_[id].peak_per_ns = spec.config.rate.gbytes_per_s();
            Wiring::network.add(static_cast<std::size_t>(i), std::make_unique<noc::Link>(leaf.c_str(), spec, id),
                                recorder);
        }
    };
    cubes_[static_cast<std::size_t>(number)] = std::make_unique<Cube>(fmt::format("cube{}", number).c_str(), fill);
}

ComponentId Machine::new_component(std::string path, std::string_view kind) {
    double peak = 0.0;
    if (kind == "matrix") peak = config_.pe.macs_per_ns(Dtype::f16);
    if (kind == "hbm") peak = config_.hbm.peak().gbytes_per_s();
    if (kind == "dma_load" || kind == "dma_store") {
        // As many transfers as may be under way, each at the rate of the SRAM port.
        const pe::DmaConfig& dma = config_.pe.dma;
        peak = dma.outstanding * dma.bytes_per_cycle * config_.pe.clock.ghz();
    }
    components_.push_back({std::move(path), std::string(kind), peak});
    return static_cast<ComponentId>(components_.size() - 1);
}

pe::MessageChannel& Machine::channel(int from, int to) {
    const std::uint64_t ends = static_cast<std::uint64_t>(from) << 32U | static_cast<std::uint32_t>(to);
    pe::MessageChannel*& channel = channel_between_[ends];
    if (!channel)
        channel =
            (channels_[{from, to}] = std::make_unique<pe::MessageChannel>(Wiring::network, pe(from), pe(to))).get();
    return *channel;
}

void Machine::arrive_at_barrier(int participant, Picoseconds when) {
    waits_for_[static_cast<std::size_t>(participant)] = generation_ + 1;
    latest_ = std::max(latest_, when);
    if (++arrived_ < participants_) return;
    arrived_ = 0;
    ++generation_;
    opened_at_ = latest_;
    barrier_event_.notify(sc_core::SC_ZERO_TIME);
}

Picoseconds Machine::barrier_opens(int participant) const {
    return waits_for_[static_cast<std::size_t>(participant)] <= generation_ ? opened_at_ : Picoseconds::max();
}

std::vector<int> Machine::missing_at_barrier() const {
    std::vector<int> missing;
    if (arrived_ == 0) return missing;
    for (const pe::ProcessingElement* pe : pes_) {
        for (int i = 0; i < processors_; ++i) {
            const bool waits = waits_for_[static_cast<std::size_t>(pe->number() * processors_ + i)] > generation_;
            if (!pe->processor(i).launched() || waits) continue;
            missing.push_back(pe->number());
            break;
        }
    }
    return missing;
}

void Machine::stop(std::exception_ptr failure) {
    if (failure_) return;
    failure_ = std::move(failure);
    sc_core::sc_stop();
}

}  // namespace tilemesh::machine
