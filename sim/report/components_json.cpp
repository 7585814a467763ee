// SPDX-License-Identifier: Apache-2.0
#include "sim/report/components_json.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>

namespace tilemesh::report {
namespace {

constexpr std::size_t named = 3;  // of a kind: the busiest and the least busy

Json to_json(const ComponentResult& part) {
    Json json = {{"path", part.path},
                 {"kind", part.kind},
                 {"busy_ps", part.busy.value()},
                 {"queued_ps", part.queued.value()},
                 {"bytes", part.bytes.value()},
                 {"work", part.work},
                 {"activities", part.activities},
                 {"peak_per_ns", part.peak_per_ns}};
    if (part.account.empty()) return json;
    Json& account = json["account_ps"] = Json::object();
    for (const ClassTime& one : part.account) account[one.name] = one.time.value();
    return json;
}

using Kind = std::vector<const ComponentResult*>;

/// Kinds in the order in which they first appear.
std::vector<Kind> kinds_of(const std::vector<ComponentResult>& components) {
    std::vector<Kind> kinds;
    for (const ComponentResult& part : components) {
        auto kind = std::find_if(kinds.begin(), kinds.end(),
                                 [&](const Kind& other) { return other.front()->kind == part.kind; });
        if (kind == kinds.end()) kind = kinds.emplace(kinds.end());
        kind->push_back(&part);
    }
    return kinds;
}

ComponentResult sum_of(const Kind& kind) {
    ComponentResult sum;
    sum.path = fmt::format("all {}", kind.size());
    sum.kind = kind.front()->kind;
    for (const ComponentResult* part : kind) {
        sum.busy += part->busy;
        sum.queued += part->queued;
        sum.bytes += part->bytes;
        sum.work += part->work;
        sum.activities += part->activities;
        sum.peak_per_ns += part->peak_per_ns;
        for (const ClassTime& one : part->account) {
            auto entry = std::find_if(sum.account.begin(), sum.account.end(),
                                      [&](const ClassTime& other) { return other.name == one.name; });
            if (entry == sum.account.end()) entry = sum.account.insert(entry, {one.name, Picoseconds()});
            entry->time += one.time;
        }
    }
    return sum;
}

/// Of components at work, by busy time; of two alike the first of the machine comes first.
Json distribution_of(const Kind& kind) {
    Kind busy;
    for (const ComponentResult* part : kind)
        if (part->activities > 0) busy.push_back(part);
    const auto accounted =
        std::count_if(kind.begin(), kind.end(), [](const ComponentResult* part) { return !part->account.empty(); });
    Json json = {{"count", kind.size()}, {"at_work", busy.size()}, {"accounted", accounted}};
    if (busy.empty()) return json;
    const auto more = [](const ComponentResult* a, const ComponentResult* b) { return a->busy > b->busy; };
    std::stable_sort(busy.begin(), busy.end(), more);
    const std::size_t last = busy.size() - 1;
    json["busy_ps"] = {{"least", busy[last]->busy.value()},
                       {"quarter", busy[last - last / 4]->busy.value()},
                       {"middle", busy[last - last / 2]->busy.value()},
                       {"three_quarters", busy[last / 4]->busy.value()},
                       {"most", busy[0]->busy.value()}};
    const std::size_t shown = std::min(named, busy.size());
    Json busiest = Json::array(), least_busy = Json::array();
    for (std::size_t i = 0; i < shown; ++i) {
        busiest.push_back({{"path", busy[i]->path}, {"busy_ps", busy[i]->busy.value()}});
        least_busy.push_back({{"path", busy[last - i]->path}, {"busy_ps", busy[last - i]->busy.value()}});
    }
    json["busiest"] = std::move(busiest);
    json["least_busy"] = std::move(least_busy);
    return json;
}

}  // namespace

Json components_to_json(const std::vector<ComponentResult>& components, ComponentDetail detail) {
    Json json = Json::array();
    if (detail == ComponentDetail::all)
        for (const ComponentResult& part : components) json.push_back(to_json(part));
    if (detail != ComponentDetail::summary) return json;
    for (const Kind& kind : kinds_of(components)) {
        Json record = to_json(sum_of(kind));
        record["distribution"] = distribution_of(kind);
        json.push_back(std::move(record));
    }
    return json;
}

}  // namespace tilemesh::report
