// SPDX-License-Identifier: Apache-2.0
// What is recorded of a run beside its statistics, as far as it is wanted: its account, pictures of it over time, a
// trace, its critical path and what its time would be on other machines.
#pragma once

#include "sim/insight/account.h"
#include "sim/insight/both_followers.h"
#include "sim/insight/bound.h"
#include "sim/insight/energy_account.h"
#include "sim/insight/graph.h"
#include "sim/insight/time_lapse.h"
#include "sim/insight/trace.h"

#include <optional>
#include <string>
#include <vector>

namespace tilemesh::insight {

class Recording final : private Asker {
public:
    /// `pictures`: room for them, when they are wanted; they need the account.
    Recording(bool account, const TraceChoice& trace, Bytes pictures) {
        if (account && pictures != Bytes()) lapse_.emplace(pictures);
        if (account) account_.emplace(lapse_ ? &*lapse_ : nullptr);
        if (trace.wanted()) trace_.emplace(trace);
    }
    /// The critical path too, of a run on the machine `measured`, and its time on others. Traces show it; the result
    /// has it if that is wanted.
    void follow(const machine::MachineConfig& measured, const std::vector<OtherMachine>& others, bool wanted) {
        path_is_wanted_ = wanted;
        if (wanted || trace_) graph_.emplace(measured, others, trace_ ? &*trace_ : nullptr);
    }
    /// The energy too, of a run on that machine, which has a table.
    void meter(const machine::MachineConfig& measured) {
        meter_.emplace(measured);
        if (graph_) both_.emplace(*graph_, *meter_);
    }
    pe::Follower* follower() {
        if (both_) return &*both_;
        if (meter_) return &*meter_;
        return graph_ ? &*graph_ : nullptr;
    }
    /// For the simulation; null when nobody wants to know.
    Recorder* recorder() {
        if (account_ && (trace_ || lapse_)) return this;
        if (trace_) return &*trace_;
        return account_ ? &*account_ : nullptr;
    }
    /// `components` are those of the machine, with a path and a kind each.
    template <class Components>
    void begin(const Components& components) {
        if (graph_) graph_->begin(components);
        for (const auto& component : components) {
            if (lapse_) lapse_->add_component(component.path, component.kind);
            if (trace_) trace_->add_component(component.path, component.kind);
        }
    }
    /// After the run on that machine. The result has its time and the machine's components; it gets their account,
    /// the word for what decided, and a note on what the reader of the trace should know.
    void close(report::KernelResult& result, const machine::MachineConfig& machine) {
        if (account_) {
            account_->close(result.time, result.components);
            result.bound = bound_word(result, machine.pe.dma.outstanding);
        }
        if (lapse_) result.pictures = lapse_->close(result.time);
        report::CriticalPath path;
        if (graph_) path = graph_->close(result.time);
        if (path_is_wanted_) {
            result.critical_path = path;
            result.what_if = graph_->estimates();
        }
        if (meter_) result.energy = energy_account(*meter_, machine, result);
        if (!trace_) return;
        trace_->close(result.time, path);
        const std::string added = trace_->note();
        result.note += (result.note.empty() || added.empty() ? "" : "; ") + added;
    }

private:
    void activity(const Activity& activity) override {
        account_->activity(activity);
        if (trace_) trace_->activity(activity);
    }
    void sram_level(ComponentId pe, Picoseconds when, Bytes level) override {
        if (trace_) trace_->sram_level(pe, when, level);
    }
    bool follows_sram() const override { return trace_.has_value(); }
    void explained(const Activity& activity, const Reasons& reasons) override {
        account_->explained(activity, reasons);
        if (lapse_) lapse_->explained(activity, reasons);
        if (trace_) trace_->explained(activity, reasons);
    }
    void begins(ComponentId pe, std::uint8_t processor) override { account_->begins(pe, processor); }
    void queued(ComponentId engine, ComponentId pe, std::uint8_t processor, Picoseconds when) override {
        account_->queued(engine, pe, processor, when);
    }
    void stalled(ComponentId pe, std::uint8_t processor, Stall stall, Picoseconds from, Picoseconds until) override {
        account_->stalled(pe, processor, stall, from, until);
        if (trace_) trace_->stalled(pe, processor, stall, from, until);
    }
    void ended(ComponentId pe, std::uint8_t processor, Picoseconds when) override {
        account_->ended(pe, processor, when);
        if (trace_) trace_->ended(pe, processor, when);
    }

    std::optional<TimeLapse> lapse_;
    std::optional<Account> account_;
    std::optional<Trace> trace_;
    std::optional<Graph> graph_;
    std::optional<EnergyMeter> meter_;
    std::optional<BothFollowers> both_;
    bool path_is_wanted_ = false;
};

}  // namespace tilemesh::insight
