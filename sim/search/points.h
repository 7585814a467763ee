// SPDX-License-Identifier: Apache-2.0
// One point of a space, from its name to its record in a store: what sweeps and searches share.
#pragma once

#include "sim/report/result.h"
#include "sim/run/panel.h"
#include "sim/search/space.h"
#include "sim/search/store.h"

#include <optional>
#include <string>
#include <vector>

namespace tilemesh::search {

/// A point of the space by its key; its panel is made again where it is needed.
struct Keyed {
    Point point;
    std::string key;
    std::string kernel;      // label
    std::string repeat;      // the command that runs it alone
    std::string impossible;  // not empty: the panel cannot be read, so the point is not in the store; why
};

/// `panel` is that of the point.
Keyed keyed(const Space& space, const Point& point, const run::Panel& panel);
/// The same of one that may not be readable.
Keyed keyed(const Space& space, const Point& point, const run::Resolved& panel, const run::Workloads& workloads);

/// Runs the one kernel of a panel, or says why it cannot run; without facts of the host and without components.
report::KernelResult run_point(const run::Panel& panel);

/// Of a kernel that did not run.
report::KernelResult not_run(const run::Entry& entry, report::Status status, const std::string& why);

/// What a store has of a point: the same bytes whoever ran it.
Json record_of(const run::Panel& panel, const Keyed& point, const report::KernelResult& result);
/// The result in a record of `source` (the point, unless something else is said). InputError for what is no whole
/// result of exactly this point and model: anything that record_of could not have made.
report::KernelResult result_of(const Json& record, const std::string& key, const std::string& source = {});

/// What a store knows of a point.
struct Known {
    Json record;
    report::KernelResult result;
};
/// Nothing where there is no file, or one that result_of does not take: that counts as not there, so that the point
/// is run again and the file replaced. Why it was not believed is added to `doubts`. Every reader of results asks
/// here.
std::optional<Known> known(const Store& store, const std::string& key, std::vector<std::string>* doubts = nullptr);
/// The same of a run that has told something of its point: one that what it ran on has ended, as there was no memory
/// or its process was killed, is run again.
std::optional<Known> settled(const Store& store, const std::string& key, std::vector<std::string>* doubts = nullptr);
/// All doubts in one line, at most a few of them in full.
std::string doubts_text(const std::vector<std::string>& doubts);

}  // namespace tilemesh::search
