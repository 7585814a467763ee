// SPDX-License-Identifier: Apache-2.0
#include "sim/search/tune.h"

#include "sim/base/error.h"
#include "sim/search/tune_bounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace tilemesh::search {
namespace {

/// The point as it is run to learn its figures, which do not depend on values.
Point timed(Point point) {
    point.settings.push_back({"values.mode", "none", without_values});
    return point;
}

class Search {
public:
    Search(const Space& space, const run::Workloads& workloads, const Store& store, const TuneOptions& options)
        : space_(space), workloads_(workloads), store_(store), options_(options) {}

    Tuned tune() {
        tuned_.idle = space_.for_each([&](const Point& point, const run::Resolved&) {
            tuned_.points.push_back({.keyed = {timed(point), {}, point.kernel_name, {}, {}}});
        });
        if (find_bounds(space_, workloads_, options_, tuned_.points)) return interrupted();
        drop_repeated();
        if (std::all_of(tuned_.points.begin(), tuned_.points.end(),
                        [](const Candidate& point) { return point.fate == Fate::impossible; }))
            fail<InputError>("none of {} points can run; the first: {}", tuned_.points.size(),
                             tuned_.points.empty() ? "there is none" : tuned_.points.front().reason);
        put_in_order();
        if (check_values(space_, workloads_, tuned_.points, order_)) return interrupted();
        do {
            rebuild_front();
            if (run_open()) return interrupted();
            if (verify()) return interrupted();
        } while (std::any_of(tuned_.winners.begin(), tuned_.winners.end(),
                             [&](std::size_t winner) { return tuned_.points[winner].fate != Fate::ran; }));
        for (Candidate& point : tuned_.points)
            if (point.fate == Fate::open) point.fate = Fate::ruled_out;
        for (std::size_t i = 0; i < tuned_.points.size(); ++i)
            if ((tuned_.points[i].died || tuned_.points[i].fate == Fate::unjudged) &&
                !front_.rules_out(tuned_.points[i].least, i))
                ++tuned_.unknown;
        refuse_unless_one_is_judged();
        return std::move(tuned_);
    }

private:
    std::size_t depth() const { return options_.objectives.size() > 1 ? 1 : options_.depth; }

    void refuse_unless_one_is_judged() const {
        if (tuned_.count(Fate::ran) + tuned_.count(Fate::wrong) > 0) return;
        for (const Candidate& point : tuned_.points)
            if (point.fate == Fate::unjudged)
                fail<InputError>("none of {} points can be judged; the first that ran: {}: {}", tuned_.points.size(),
                                 printable(point.keyed.point.kernel_name), point.reason);
    }

    Tuned interrupted() {
        take_winners();
        for (std::size_t i = 0; i < tuned_.points.size(); ++i) {
            Candidate& point = tuned_.points[i];
            if (point.fate == Fate::open && !point.least.empty() && front_.rules_out(point.least, i))
                point.fate = Fate::ruled_out;
        }
        tuned_.interrupted = true;
        return std::move(tuned_);
    }

    void show(const std::string& doing) const {
        if (!options_.on_progress) return;
        const std::size_t settled = tuned_.points.size() - tuned_.count(Fate::open);
        options_.on_progress({settled, tuned_.points.size(), doing});
    }

    /// Each key once; of equal work the first alone.
    void drop_repeated() {
        std::set<std::string> keys;
        std::erase_if(tuned_.points, [&](const Candidate& point) {
            return !point.keyed.key.empty() && !keys.insert(point.keyed.key).second;
        });
        std::map<std::string, std::size_t> first;
        for (std::size_t i = 0; i < tuned_.points.size(); ++i) {
            Candidate& point = tuned_.points[i];
            if (point.fate != Fate::open || point.work.empty()) continue;
            point.same_as = first.emplace(point.work, i).first->second;
            if (point.same_as != i) point.fate = Fate::same;
        }
    }

    /// What is promising first: by the bound, of several objectives by the sum of each over the least of all.
    void put_in_order() {
        Figures unit(options_.objectives.size(), 0.0);
        for (const Candidate& point : tuned_.points)
            for (std::size_t k = 0; k < point.least.size(); ++k)
                if (point.least[k] > 0 && (unit[k] == 0 || point.least[k] < unit[k])) unit[k] = point.least[k];
        std::vector<double> promise(tuned_.points.size(), 0.0);
        for (std::size_t i = 0; i < tuned_.points.size(); ++i) {
            const Candidate& point = tuned_.points[i];
            for (std::size_t k = 0; k < point.least.size(); ++k)
                if (unit[k] > 0) promise[i] += point.least[k] / unit[k];
            if (point.fate == Fate::open) order_.push_back(i);
        }
        std::stable_sort(order_.begin(), order_.end(),
                         [&](std::size_t a, std::size_t b) { return promise[a] < promise[b]; });
        // What is there already costs nothing to know.
        for (const std::size_t i : order_) {
            Candidate& point = tuned_.points[i];
            const auto found = settled(store_, point.keyed.key, &tuned_.doubts);
            if (!found || is_doubted(point, found->result)) continue;
            point.was_there = true;
            settle(i, found->result);
        }
    }

    /// No run had what is less than its bound: somebody has changed the file. It is run again.
    bool is_doubted(const Candidate& point, const report::KernelResult& result) {
        if (result.status != report::Status::ok || !options_.objectives.missing(result).empty()) return false;
        const std::string less = options_.objectives.less_than(point.least, options_.objectives.of(result));
        if (!less.empty()) tuned_.doubts.push_back(store_.file_of(point.keyed.key).string() + ": " + less);
        return !less.empty();
    }

    /// It has not come to its end.
    static void end(Candidate& point, const report::KernelResult& result) {
        point.fate = result.status == report::Status::not_possible ? Fate::impossible : Fate::failed;
        point.reason = result.error;
        point.internal = result.internal;
        point.died = result.internal || result.status == report::Status::crashed;
    }

    /// The fate of a point with that result.
    void settle(std::size_t i, const report::KernelResult& result) {
        Candidate& point = tuned_.points[i];
        if (result.status != report::Status::ok) return end(point, result);
        point.reason = options_.objectives.missing(result);
        if (!point.reason.empty()) {
            point.fate = Fate::unjudged;
            return;
        }
        point.fate = Fate::ran;
        point.figures = options_.objectives.of(result);
        if (const std::string less = options_.objectives.less_than(point.least, point.figures); !less.empty())
            fail<InternalError>("{}: {}", point.keyed.repeat, less);
        front_.add(point.figures, i);
    }

    void rebuild_front() {
        front_ = Front(depth());
        for (std::size_t i = 0; i < tuned_.points.size(); ++i)
            if (tuned_.points[i].fate == Fate::ran) front_.add(tuned_.points[i].figures, i);
    }

    void take_winners() {
        tuned_.winners.clear();
        for (const Front::Member& member : front_.members()) tuned_.winners.push_back(member.order);
    }

    run::Task task_of(const Keyed& point) const {
        return {space_.name() + "/" + point.kernel, [this, point] {
                    const run::Panel panel = run::read_panel(space_.panel_of(point.point), workloads_);
                    store_.write(point.key, record_of(panel, point, run_point(panel)));
                    return std::string();
                }};
    }
    /// A process that died has written nothing. That somebody else ended it says nothing of the point.
    void record_death(const Keyed& point, const run::TaskResult& result) const {
        if (result.failure.empty() || result.stopped || settled(store_, point.key)) return;
        const run::Panel panel = run::read_panel(space_.panel_of(point.point), workloads_);
        report::KernelResult died = not_run(panel.kernels.front(), report::Status::crashed, result.failure);
        died.internal = result.internal;
        store_.write(point.key, record_of(panel, point, died));
    }

    /// Runs what is not ruled out. True: interrupted.
    bool run_open() {
        std::vector<std::size_t> running;  // by task
        std::size_t at = 0;
        const auto next = [&]() -> std::optional<run::Task> {
            while (at < order_.size()) {
                const std::size_t i = order_[at++];
                const Candidate& point = tuned_.points[i];
                if (point.fate != Fate::open || front_.rules_out(point.least, i)) continue;
                running.push_back(i);
                show(best_in_words());
                return task_of(point.keyed);
            }
            return {};
        };
        const auto done = [&](std::size_t task, const run::TaskResult& result) {
            Candidate& point = tuned_.points[running[task]];
            record_death(point.keyed, result);
            if (const auto found = known(store_, point.keyed.key)) return settle(running[task], found->result);
            point.fate = Fate::failed;
            point.reason = result.failure;
            point.died = true;
        };
        const bool stopped = run::run_queue({next, done}, options_.workers);
        take_winners();
        return stopped;
    }

    std::string best_in_words() const {
        if (front_.members().empty()) return "nothing found yet";
        std::string text = front_.members().size() > 1 && options_.objectives.size() > 1
                               ? fmt::format("{} in the front, ", front_.members().size())
                               : std::string("best ");
        return text + options_.objectives.text(0, front_.members().front().figures[0]);
    }

    /// Runs winners with the panel's own values. True: interrupted.
    bool verify() {
        std::vector<std::pair<std::size_t, Keyed>> wanted;
        for (const std::size_t i : tuned_.winners) {
            Candidate& point = tuned_.points[i];
            if (point.verified) continue;
            Point own = point.keyed.point;
            own.settings.pop_back();
            wanted.emplace_back(i, keyed(space_, own, space_.panel_of(own), workloads_));
        }
        std::size_t at = 0;
        std::vector<std::optional<Known>> found(wanted.size());
        const auto next = [&]() -> std::optional<run::Task> {
            while (at < wanted.size() && (found[at] = settled(store_, wanted[at].second.key, &tuned_.doubts))) ++at;
            if (at == wanted.size()) return {};
            show("checking the answer of what has won");
            return task_of(wanted[at++].second);
        };
        std::vector<std::size_t> started;
        const auto counted = [&]() -> std::optional<run::Task> {
            auto task = next();
            if (task) started.push_back(at - 1);
            return task;
        };
        const auto done = [&](std::size_t task, const run::TaskResult& result) {
            record_death(wanted[started[task]].second, result);
        };
        if (run::run_queue({counted, done}, options_.workers)) return true;
        for (std::size_t one = 0; one < wanted.size(); ++one) {
            Candidate& point = tuned_.points[wanted[one].first];
            if (!found[one]) found[one] = known(store_, wanted[one].second.key);
            if (!found[one]) {
                point.fate = Fate::failed;
                point.reason = "its run with values was ended from outside";
                point.died = true;
                continue;
            }
            const report::KernelResult& result = found[one]->result;
            if (result.status != report::Status::ok) {
                end(point, result);
            } else if (result.verdict.computed() && !result.verdict.pass) {
                point.fate = Fate::wrong;
                point.reason = result.verdict.why;
            } else {
                point.verified = result.verdict.computed();
            }
            // What went wrong did so with values.
            if (point.fate != Fate::ran) point.keyed.repeat = wanted[one].second.repeat;
        }
        return false;
    }

    const Space& space_;
    const run::Workloads& workloads_;
    const Store& store_;
    const TuneOptions& options_;
    Tuned tuned_;
    std::vector<std::size_t> order_;  // of what may be run
    Front front_{1};
};

}  // namespace

Tuned tune(const Space& space, const run::Workloads& workloads, const Store& store, const TuneOptions& options) {
    return Search(space, workloads, store, options).tune();
}

}  // namespace tilemesh::search
