// SPDX-License-Identifier: Apache-2.0
// Barriers, and launches on machines that have them.
#include "sim/insight/graph.h"

namespace tilemesh::insight {

void Graph::arrived_at_barrier(At at, Picoseconds) {
    Processor& p = processor(at);
    while (p.barriers - first_gate_ >= gates_.size()) gates_.emplace_back(none(), 0);
    auto& [opens, waiting] = gates_[p.barriers - first_gate_];
    opens.after(p.now);
    ++waiting;
}

void Graph::passed_barrier(At at, Picoseconds when) {
    Processor& p = processor(at);
    auto& [opens, waiting] = gates_[p.barriers - first_gate_];
    const bool decided = p.now.after(opens);
    --waiting;
    ++p.barriers;
    processor_goes_on(p, decided, when, pe_of(at.pe).processors.size());
    while (!gates_.empty() && gates_.front().second == 0) {
        gates_.pop_front();
        ++first_gate_;
    }
}

void Graph::launched(At at, const LaunchedWork& work, Picoseconds when) {
    Processor& p = processor(at);
    Pe& pe = pe_of(at.pe);
    p.now.after(pe.computed);
    const Picoseconds begin = p.now.when();
    step(p.now, begin, Spent::launch, issue_about(p));
    for (std::size_t clock = 0; clock < clocks_; ++clock) {
        const machine::MachineConfig& config = paces_[clock]->config();
        const pe::LaunchConfig& launch = config.pe.launch;
        std::uint64_t ready = p.now.at(clock) + launch.start_of(work).value();
        if (work.kind == LaunchedWork::Kind::exchange) {
            pe.copied[clock] = ready + config.network.link.rate_for(work.bytes).time_for(work.bytes).value();
        } else {
            if (pe.copied[clock] > ready) {
                ready +=
                    static_cast<std::uint64_t>(static_cast<double>(pe.copied[clock] - ready) * launch.copy_share);
                pe.copied[clock] = 0;
            }
            pe.units_at_work[clock] = launch.pace_of(work, config.pe.core_rates(work));
        }
        p.now.set(clock, ready);
    }
    processor_goes_on(p, true, when, pe.processors.size());
}

}  // namespace tilemesh::insight
