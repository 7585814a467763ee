// SPDX-License-Identifier: Apache-2.0
#include "sim/machine/simulation.h"

#include "sim/base/error.h"
#include "sim/base/sanitized_stacks.h"
#include "sim/machine/passed_over.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

/// SystemC's library wants this entry point; simulations here are driven from main, so it is never called.
int sc_main(int, char**) { return 0; }

namespace tilemesh::machine {

namespace {

/// The context of the last simulation that has ended.
sc_core::sc_simcontext* ended_context = nullptr;

}  // namespace

SystemcContext::SystemcContext() : previous_(sc_core::sc_get_curr_simcontext()) {
    if (ended_context) {
        sc_core::sc_default_global_context = sc_core::sc_curr_simcontext = ended_context;
        delete std::exchange(ended_context, nullptr);
    }
    sc_core::sc_default_global_context = new sc_core::sc_simcontext;
    sc_core::sc_curr_simcontext = sc_core::sc_default_global_context;
    // A warning of SystemC (two modules of one name, say) is a mistake of ours.
    sc_core::sc_report_handler::set_actions(sc_core::SC_WARNING, sc_core::SC_THROW);
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
}

SystemcContext::~SystemcContext() {
    ended_context = sc_core::sc_curr_simcontext;
    sc_core::sc_default_global_context = sc_core::sc_curr_simcontext = previous_;
}

Simulation::Simulation(const MachineConfig& config, SimulationOptions options) : config_(config) {
    if (options.recorder) recorder_ = std::make_unique<BothRecorders>(statistics_, *options.recorder);
    Recorder* recorder = recorder_ ? recorder_.get() : &statistics_;
    machine_ = std::make_unique<Machine>("machine", config_, recorder, options);
}

Simulation::~Simulation() { machine_.reset(); }

Tensor& Simulation::allocate(int pe, SharedText name, Shape shape, Dtype dtype) {
    const std::uint64_t bytes = static_cast<std::uint64_t>(shape.elements()) * bytes_per_element(dtype);
    const std::uint64_t address = machine_->slice(pe).allocate(bytes, name.text());
    return tensors_.emplace_back(std::move(name), pe, address, shape, dtype);
}

void Simulation::launch(int pe, std::string kernel, pe::KernelText text, ValueMode values, int number) {
    const noc::Topology& topology = machine_->the_topology();
    const Launched at{pe, number};
    if (processor(at).launched()) fail<InternalError>("{} has a kernel already", machine_->pe(pe).path());
    tl::ProgramInfo info;
    info.kernel = std::move(kernel);
    info.pe = machine_->pe(pe).path();
    info.pe_id = pe;
    info.program_id = {pe % topology.pes_per_cube(), pe / topology.pes_per_cube()};
    info.num_programs = {topology.pes_per_cube(), topology.cubes()};
    for (int direction = 0; direction < 4; ++direction) {
        info.neighbours[static_cast<std::size_t>(direction)] = topology.neighbour(pe, direction);
    }
    info.values = values;
    info.integers_cost = config_.pe.integer_cycles > 0;
    info.networks = config_.network.names();
    processor(at).launch(std::move(text), std::move(info));
    launched_.push_back(at);
}

Outcome Simulation::run() {
    machine_->set_participants(static_cast<int>(launched_.size()));
    const auto begin = std::chrono::steady_clock::now();
    try {
        sc_core::sc_start();
    } catch (const sc_core::sc_report& report) {
        back_on_own_stack();
        forget_frames_below(std::size_t{64} * 1024);
        // An exception of ours that has left a method comes as a report of SystemC's, with files and processes that
        // say nothing to anybody; what it said itself is enough.
        if (std::string_view(report.get_msg_type()) == sc_core::SC_ID_SIMULATION_UNCAUGHT_EXCEPTION_)
            fail<InternalError>("{}", report.get_msg());
        if (std::string_view(report.get_msg_type()) == sc_core::SC_ID_STACK_SETUP_FAILED_)
            fail<HostError>("there is not enough memory for {} command processors: {}", launched_.size(),
                            report.get_msg());
        fail<InternalError>("SystemC: {}: {}", report.get_msg_type(), report.get_msg());
    }
    back_on_own_stack();
    Outcome outcome;
    outcome.host_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (machine_->failure()) std::rethrow_exception(machine_->failure());
    for (const Launched& at : launched_) {
        const int pe = at.pe;
        if (!processor(at).finished()) throw KernelError(deadlock_report());
        outcome.time = std::max(outcome.time, processor(at).finished_at());
        outcome.commands += processor(at).commands();
        outcome.sram_peak = std::max(outcome.sram_peak, machine_->pe(pe).sram().peak());
    }
    for (const auto& [ends, channel] : machine_->channels()) {
        outcome.sent += channel->bytes_sent();
        outcome.received += channel->bytes_received();
        outcome.copied += channel->bytes_copied();
        if (channel->sends_announced() != channel->receives_announced()) {
            fail<KernelError>("{}kernel {}: {} sent {} messages to {}, which received {}",
                              channel->unmatched().text(), channel->sender().processor().kernel_name(),
                              channel->sender().path(), channel->sends_announced(), channel->receiver().path(),
                              channel->receives_announced());
        }
    }
    machine_->report_links();
    outcome.components = machine_->components();
    outcome.totals = statistics_.totals();
    outcome.totals.resize(outcome.components.size());
    for (const Launched& at : launched_) {
        const pe::Meter* const meter = processor(at).meter();
        if (!meter) continue;
        const pe::ProcessingElement& pe = machine_->pe(at.pe);
        const auto passed = static_cast<std::uint64_t>(meter->all_passed().commands());
        add_passed(outcome.totals, {pe.own_engines(at.processor), machine_->slice(at.pe).id()}, meter->all_passed(),
                   outcome.time);
        outcome.commands += passed;
        outcome.passed += passed;
        outcome.doubt = std::max(outcome.doubt, meter->all_doubt());
    }
    return outcome;
}

bool Simulation::runs(int pe) const {
    return std::any_of(launched_.begin(), launched_.end(), [=](const Launched& at) { return at.pe == pe; });
}

bool Simulation::has_finished(int pe) {
    return runs(pe) && std::all_of(launched_.begin(), launched_.end(),
                                   [&](const Launched& at) { return at.pe != pe || processor(at).finished(); });
}

std::string Simulation::deadlock_report() {
    // Follow who waits for whom from the first PE that is not done, until somebody repeats or waits for nobody.
    std::string text;
    std::set<int> seen;
    int at = -1;
    std::set<int> waiting, launched;
    std::set<std::string> kernels;
    for (const Launched& one : launched_) {
        kernels.insert(processor(one).kernel_name());
        launched.insert(one.pe);
        if (processor(one).finished()) continue;
        waiting.insert(one.pe);
        if (at < 0) at = one.pe;
    }
    const std::string which = kernels.size() == 1 ? fmt::format("kernel {}: ", *kernels.begin()) : std::string();
    text = fmt::format("deadlock: {}{} of {} PEs wait for ever", which, waiting.size(), launched.size());
    while (at >= 0 && seen.insert(at).second) {
        if (kernels.size() > 1 && runs(at)) {
            text += fmt::format("\n  {} runs kernel {}", machine_->pe(at).path(),
                                machine_->pe(at).processor().kernel_name());
        }
        for (const std::string& line : machine_->pe(at).explain_wait()) text += "\n  " + line;
        const int next = machine_->pe(at).waits_for_pe();
        if (next >= 0 && seen.count(next) != 0) {
            text += fmt::format("\n  ... and so back to {}", machine_->pe(next).path());
        } else if (next >= 0 && has_finished(next)) {
            text += fmt::format("\n  {} has finished its kernel", machine_->pe(next).path());
        } else if (next >= 0 && !runs(next)) {
            text += fmt::format("\n  {} runs no kernel", machine_->pe(next).path());
        }
        at = next;
    }
    return text;
}

}  // namespace tilemesh::machine
