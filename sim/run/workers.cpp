// SPDX-License-Identifier: Apache-2.0
// The scheduler of entries: one loop that waits for pipes and for the user's signals.
#include "sim/run/workers.h"

#include "sim/base/error.h"
#include "sim/report/words.h"
#include "sim/run/panel_process.h"
#include "sim/run/signals.h"
#include "sim/run/version.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <thread>

namespace tilemesh::run {
namespace {

class Scheduler {
public:
    Scheduler(const std::vector<Panel>& panels, const RunOptions& options)
        : panels_(panels), options_(options), states_(panels.size()) {
        const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
        slots_ = options.workers > 0 ? static_cast<std::size_t>(options.workers) : cores;
        for (const auto& panel : panels) {
            report::PanelResult result;
            result.name = panel.name;
            result.description = panel.describe();
            result.configuration = panel.resolved;
            result.seed = panel.values.seed;
            result.layers = panel.layers;
            for (const Entry& entry : panel.kernels) {
                result.kernels.emplace_back();
                result.kernels.back().kernel = entry.kernel;
                result.kernels.back().label = entry.label;
                result.kernels.back().status = report::Status::interrupted;
                if (entry.not_possible.empty()) {
                    ++progress_.entries;
                } else {
                    result.kernels.back().status = report::Status::not_possible;
                    result.kernels.back().error = entry.not_possible;
                }
            }
            results_.push_back(std::move(result));
        }
    }

    std::size_t workers() const { return slots_; }
    std::vector<report::PanelResult>& results() { return results_; }

    /// False when the user stopped it.
    bool run() {
        const SignalWatch signals;
        for (std::size_t i = 0; i < panels_.size(); ++i) pass_over_impossible(i);
        while (progress_.finished < progress_.entries) {
            fill_slots();
            if (wait(signals)) continue;
            states_.clear();  // kills whatever runs
            for (auto& panel : results_) tell_unfinished(panel);
            return false;
        }
        return true;
    }

private:
    struct PanelState {
        std::unique_ptr<PanelProcess> process;
        std::size_t preparing = 0;  // slots that preparing it takes: one per thread
        bool prepared = false;
        std::size_t started = 0;  // kernels, in order
        std::size_t finished = 0;
        std::vector<std::size_t> running;
        bool reported = false;
    };

    bool waits_for_entry(std::size_t i) const {
        return states_[i].prepared && states_[i].started < panels_[i].kernels.size();
    }

    /// Entries of prepared panels go first; the next panel is prepared when a slot would stay empty otherwise, so
    /// that few panels hold their inputs in memory at once. Preparing uses a thread for every slot that is free.
    void fill_slots() {
        while (busy_ < slots_) {
            std::size_t next = 0;
            while (next < panels_.size() && !waits_for_entry(next)) ++next;
            if (next < panels_.size()) {
                start_entry(next);
            } else if (next_panel_ < panels_.size()) {
                PanelState& state = states_[next_panel_];
                state.preparing = slots_ - busy_;
                busy_ += state.preparing;
                state.process = std::make_unique<PanelProcess>(panels_[next_panel_],
                                                               static_cast<int>(state.preparing), options_.files);
                ++next_panel_;
            } else {
                return;
            }
        }
    }

    /// What cannot run is finished as it stands.
    void pass_over_impossible(std::size_t i) {
        PanelState& state = states_[i];
        const auto& kernels = panels_[i].kernels;
        for (; state.started < kernels.size() && !kernels[state.started].not_possible.empty(); ++state.started)
            ++state.finished;
    }

    void start_entry(std::size_t i) {
        PanelState& state = states_[i];
        state.running.push_back(state.started);
        state.process->start(state.started);
        progress_.running = panels_[i].name + "/" + panels_[i].kernels[state.started].label;
        ++state.started;
        pass_over_impossible(i);
        ++busy_;
        tell_progress();
    }

    struct Source {
        std::size_t panel;
        std::size_t kernel;  // preparing: as many as the panel has
    };

    bool wait(const SignalWatch& signals) {
        std::vector<pollfd> polled = {{signals.number(), POLLIN, 0}};
        std::vector<Source> sources = {{0, 0}};
        for (std::size_t i = 0; i < states_.size(); ++i) {
            const PanelState& state = states_[i];
            if (!state.process) continue;
            if (!state.prepared) {
                polled.push_back({state.process->preparing(), POLLIN, 0});
                sources.push_back({i, panels_[i].kernels.size()});
            }
            for (const std::size_t kernel : state.running) {
                polled.push_back({state.process->reporting(kernel), POLLIN, 0});
                sources.push_back({i, kernel});
            }
        }
        if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) fail<InternalError>("poll failed");
        if (polled.front().revents != 0) return false;
        for (std::size_t p = 1; p < polled.size(); ++p) {
            if (polled[p].revents != 0) receive(sources[p]);
        }
        return true;
    }

    void receive(Source source) {
        PanelState& state = states_[source.panel];
        auto& kernels = results_[source.panel].kernels;
        if (source.kernel == kernels.size()) {
            const std::string reason = state.process->finish_preparing();
            state.prepared = true;
            busy_ -= state.preparing;
            if (!reason.empty()) give_up(source.panel, reason);
        } else {
            if (!state.process->read(source.kernel, kernels[source.kernel])) return;
            std::erase(state.running, source.kernel);
            --busy_;
            ++state.finished;
            ++progress_.finished;
        }
        if (state.finished == kernels.size()) state.process.reset();
        tell_progress();
        tell_panels();
    }

    /// The panel could not be prepared: none of its entries can run.
    void give_up(std::size_t i, const std::string& reason) {
        for (auto& kernel : results_[i].kernels) {
            if (kernel.status == report::Status::not_possible) continue;
            kernel.status = report::Status::crashed;
            kernel.error = reason;
            ++progress_.finished;
        }
        PanelState& state = states_[i];
        state.started = state.finished = results_[i].kernels.size();
    }

    void tell_progress() const {
        if (options_.on_progress) options_.on_progress(progress_);
    }

    void tell_panels() {
        for (std::size_t i = 0; i < states_.size(); ++i) {
            if (states_[i].finished < panels_[i].kernels.size()) return;
            if (!states_[i].reported && options_.on_panel) options_.on_panel(results_[i]);
            states_[i].reported = true;
        }
    }

    /// After an interruption: what there is of a panel that was under way.
    void tell_unfinished(const report::PanelResult& panel) const {
        const auto finished = [](const auto& kernel) {
            return kernel.status != report::Status::interrupted && kernel.status != report::Status::not_possible;
        };
        const auto count = std::count_if(panel.kernels.begin(), panel.kernels.end(), finished);
        const bool partly = count > 0 && static_cast<std::size_t>(count) < panel.kernels.size();
        if (partly && options_.on_panel) options_.on_panel(panel);
    }

    const std::vector<Panel>& panels_;
    const RunOptions& options_;
    std::size_t slots_ = 1;
    std::size_t busy_ = 0;        // slots taken by entries and by panels being prepared
    std::size_t next_panel_ = 0;  // not yet started
    std::vector<PanelState> states_;
    std::vector<report::PanelResult> results_;
    Progress progress_;
};

}  // namespace

RunOutcome run_panels(const std::string& name, const std::vector<Panel>& panels, const RunOptions& options) {
    const auto start = std::chrono::steady_clock::now();
    Scheduler scheduler(panels, options);
    RunOutcome outcome;
    outcome.interrupted = !scheduler.run();
    outcome.result.name = name;
    outcome.result.tool_version = version();
    outcome.result.panels = std::move(scheduler.results());
    outcome.result.workers = static_cast<int>(scheduler.workers());
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    outcome.result.wall_seconds = seconds.count();
    return outcome;
}

int exit_code(const report::RunResult& result) {
    int code = 0;
    for (const auto& panel : result.panels) {
        for (const auto& kernel : panel.kernels) {
            if (kernel.internal) return 3;
            if (!report::is_good(kernel) && kernel.status != report::Status::not_possible) code = 1;
        }
    }
    return code;
}

}  // namespace tilemesh::run
