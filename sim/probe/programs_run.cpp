// SPDX-License-Identifier: Apache-2.0
#include "sim/probe/programs_run.h"

#include "sim/base/error.h"
#include "sim/noc/flit_network.h"

#include <algorithm>
#include <limits>
#include <memory>

namespace tilemesh::probe {
namespace {

using noc::Cycle;
constexpr Cycle never = std::numeric_limits<Cycle>::max();

class Processors {
public:
    Processors(const noc::ChipNetworks& chip, const std::vector<Program>& programs)
        : chip_(chip), programs_(programs), memory_(chip), processors_(programs.size()) {
        for (const noc::FlitNetworkConfig& network : chip.networks) {
            networks_.push_back(std::make_unique<noc::FlitNetwork>(network, chip.grid, memory_));
            routes_.emplace_back(network, chip.grid);
        }
        for (std::size_t i = 0; i < programs.size(); ++i) {
            result_.steps.emplace_back(programs[i].steps.size());
            processors_[i].next_issue = programs[i].start;
            for (std::size_t k = 0; k < programs[i].steps.size(); ++k) names_.emplace_back(i, k);
            first_name_.push_back(names_.size() - programs[i].steps.size());
        }
    }

    ProgramsResult run() {
        for (Cycle now = 0; now != never; now = next_cycle(now)) {
            for (auto& network : networks_) {
                std::uint32_t tag = 0;
                while (network->take_finished(now, tag)) finish(tag, now);
            }
            for (std::size_t i = 0; i < programs_.size(); ++i) advance(i, now);
            // Whose turn it is at a core's memory changes from cycle to cycle.
            if (now % 2 == 0) {
                for (auto& network : networks_) network->send(now);
                for (auto& network : networks_) network->forward(now);
            } else {
                for (auto network = networks_.rbegin(); network != networks_.rend(); ++network)
                    (*network)->forward(now);
                for (auto network = networks_.rbegin(); network != networks_.rend(); ++network) (*network)->send(now);
            }
        }
        for (std::size_t i = 0; i < programs_.size(); ++i) {
            if (processors_[i].step < programs_[i].steps.size() || processors_[i].open() > 0)
                fail<InternalError>("programs: {} has not come to its end", programs_[i].id);
        }
        report_links();
        for (std::size_t i = 0; i < chip_.devices.size(); ++i) result_.devices.push_back(memory_.moved(i));
        return std::move(result_);
    }

private:
    struct Processor {
        std::size_t step = 0;
        Cycle next_issue = 0;                 // of the step without its own gap
        std::uint64_t reads = 0, writes = 0;  // under way
        std::uint64_t open() const { return reads + writes; }
        std::uint64_t& of(ProgramStep::Kind kind) { return kind == ProgramStep::Kind::write ? writes : reads; }
        bool in_barrier = false;
    };

    StepTimes& times(std::size_t program, std::size_t step) { return result_.steps[program][step]; }

    void finish(std::uint32_t tag, Cycle now) {
        const auto [program, step] = names_[tag];
        times(program, step).ended = now;
        --processors_[program].of(programs_[program].steps[step].kind);
        result_.end = std::max(result_.end, now);
    }

    /// Half of a barrier's own time goes by before it looks whether all is there, half after it has seen that it is.
    void leave_barrier(std::size_t number, Cycle now) {
        Processor& processor = processors_[number];
        StepTimes& barrier = times(number, processor.step);
        const Cycle looks = barrier.begun + chip_.processor.barrier / 2;
        const auto awaited = programs_[number].steps[processor.step].awaited;
        const std::uint64_t under_way = awaited == ProgramStep::Awaited::reads    ? processor.reads
                                        : awaited == ProgramStep::Awaited::writes ? processor.writes
                                                                                  : processor.open();
        if (under_way > 0 || now < looks) return;
        barrier.ended = now + (chip_.processor.barrier - chip_.processor.barrier / 2);
        processor.next_issue = barrier.ended;
        processor.in_barrier = false;
        ++processor.step;
        result_.end = std::max(result_.end, barrier.ended);
    }

    void advance(std::size_t number, Cycle now) {
        const Program& program = programs_[number];
        Processor& processor = processors_[number];
        while (processor.step < program.steps.size()) {
            if (processor.in_barrier) {
                leave_barrier(number, now);
                if (processor.in_barrier) return;
                continue;
            }
            const ProgramStep& step = program.steps[processor.step];
            if (now < processor.next_issue + step.gap) return;
            if (step.kind == ProgramStep::Kind::barrier) {
                times(number, processor.step).begun = now;
                processor.in_barrier = true;
                continue;
            }
            noc::FlitNetwork& network = *networks_[static_cast<std::size_t>(step.network.value_or(program.network))];
            if (program.outstanding > 0 && processor.open() >= program.outstanding) return;
            if (!network.accepts(program.node)) return;
            network.issue({program.node, step.node, step.kind == ProgramStep::Kind::write, step.bytes,
                           static_cast<std::uint32_t>(first_name_[number] + processor.step)});
            times(number, processor.step).begun = now;
            processor.next_issue = now;
            ++processor.of(step.kind);
            ++processor.step;
        }
    }

    /// In which a network or a processor may go on; never: all is done.
    Cycle next_cycle(Cycle now) const {
        Cycle next = never;
        for (const auto& network : networks_) next = std::min(next, network->next_cycle(now));
        if (next == now + 1) return next;
        for (std::size_t i = 0; i < programs_.size(); ++i) {
            const Processor& processor = processors_[i];
            if (processor.step >= programs_[i].steps.size()) continue;
            const Cycle due = processor.in_barrier
                                  ? result_.steps[i][processor.step].begun + chip_.processor.barrier / 2
                                  : processor.next_issue + programs_[i].steps[processor.step].gap;
            if (due > now) next = std::min(next, due);  // else it waits for a network
        }
        return next;
    }

    void report_links() {
        for (std::size_t i = 0; i < networks_.size(); ++i) {
            for (int node = 0; node < chip_.nodes(); ++node) {
                const noc::PortRates port = chip_.networks[i].port_of(node);
                const std::string name = chip_.networks[i].name + ": ";
                for (int output = 0; output < noc::FlitRoutes::outputs; ++output) {
                    const std::uint64_t flits = networks_[i]->flits_moved(node, output);
                    const double rate = output == noc::FlitRoutes::local ? port.receive : 1.0;
                    if (flits > 0) result_.links.push_back({name + routes_[i].link_name(node, output), flits, rate});
                }
                const std::uint64_t sent = networks_[i]->flits_sent(node);
                if (sent > 0 && port.send < 1.0)
                    result_.links.push_back({name + routes_[i].port_name(node), sent, port.send});
            }
        }
    }

    const noc::ChipNetworks& chip_;
    const std::vector<Program>& programs_;
    noc::NodeMemories memory_;
    std::vector<std::unique_ptr<noc::FlitNetwork>> networks_;
    std::vector<noc::FlitRoutes> routes_;
    std::vector<Processor> processors_;
    std::vector<std::pair<std::size_t, std::size_t>> names_;  // by tag: program and step
    std::vector<std::size_t> first_name_;                     // by program
    ProgramsResult result_;
};

}  // namespace

ProgramsResult run_programs(const noc::ChipNetworks& chip, const std::vector<Program>& programs) {
    return Processors(chip, programs).run();
}

}  // namespace tilemesh::probe
