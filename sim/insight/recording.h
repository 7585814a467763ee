// SPDX-License-Identifier: Apache-2.0
// What is recorded of a run beside its statistics: its account, a trace, both or neither.
#pragma once

#include "sim/insight/account.h"
#include "sim/insight/trace.h"

#include <optional>
#include <string>
#include <vector>

namespace tilemesh::insight {

class Recording final : private Recorder {
public:
    Recording(bool account, const TraceChoice& trace) {
        if (account) account_.emplace();
        if (trace.wanted()) trace_.emplace(trace);
    }
    /// For the simulation; null when nobody wants to know.
    Recorder* recorder() {
        if (account_ && trace_) return this;
        if (trace_) return &*trace_;
        return account_ ? &*account_ : nullptr;
    }
    /// `components` are those of the machine, with a path and a kind each.
    template <class Components>
    void begin(const Components& components) {
        if (!trace_) return;
        for (const auto& component : components) trace_->add_component(component.path, component.kind);
    }
    /// After a run of so long. Adds what the reader should know to `note`.
    void close(Picoseconds time, std::vector<report::ComponentResult>& components, std::string& note) {
        if (account_) account_->close(time, components);
        if (!trace_) return;
        trace_->close(time);
        const std::string added = trace_->note();
        note += (note.empty() || added.empty() ? "" : "; ") + added;
    }

private:
    void activity(const Activity& activity) override {
        account_->activity(activity);
        trace_->activity(activity);
    }
    void sram_level(ComponentId pe, Picoseconds when, Bytes level) override { trace_->sram_level(pe, when, level); }
    bool wants_reasons() const override { return true; }
    void reasons(const Activity& activity, const Reasons& reasons) override {
        account_->reasons(activity, reasons);
        trace_->reasons(activity, reasons);
    }
    void issued(ComponentId engine, const Reasons& reasons) override { account_->issued(engine, reasons); }
    void processor(ComponentId pe, std::uint8_t processor, Stall stall, Picoseconds until) override {
        account_->processor(pe, processor, stall, until);
        trace_->processor(pe, processor, stall, until);
    }

    std::optional<Account> account_;
    std::optional<Trace> trace_;
};

}  // namespace tilemesh::insight
