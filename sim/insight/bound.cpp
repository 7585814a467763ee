// SPDX-License-Identifier: Apache-2.0
#include "sim/insight/bound.h"

#include "sim/insight/account.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace tilemesh::insight {
namespace {

using report::ClassTime;
using report::ComponentResult;
using report::KernelResult;

std::string_view pe_of(const ComponentResult& part) {
    return std::string_view(part.path).substr(0, part.path.rfind('.'));
}

double time_of(const ComponentResult& part, std::string_view name) {
    for (const ClassTime& one : part.account)
        if (one.name == name) return static_cast<double>(one.time.value());
    return 0.0;
}

/// Of the time of a part of the machine, how long it moved something; the busiest of its kind.
double busiest(const KernelResult& result, std::string_view kind) {
    double most = 0.0;
    for (const ComponentResult& part : result.components)
        if (part.kind == kind) most = std::max(most, time_of(part, "payload") + time_of(part, "overhead"));
    return most;
}

bool is_stall(std::string_view name) {
    for (std::size_t stall = 0; stall < stalls; ++stall)
        if (name_of(static_cast<Stall>(stall)) == name) return true;
    return name == "before the first command" || name == "done";
}

/// How long its bytes take at its rate, in picoseconds.
double at_rate(const ComponentResult& part) {
    return part.peak_per_ns > 0 ? static_cast<double>(part.bytes.value()) / part.peak_per_ns * 1000.0 : 0.0;
}

double busy_of(const ComponentResult& part) {
    double busy = 0.0;
    for (const ClassTime& one : part.account)
        if (!is_stall(one.name)) busy += static_cast<double>(one.time.value());
    return busy;
}

/// The engines of one PE and the processor's end.
struct PeParts {
    std::vector<const ComponentResult*> engines;
    double end = 0.0;
    /// The engine that the others' end is waited with: it has the least to do with waiting for the end itself.
    const ComponentResult* last() const {
        const auto left = [](const ComponentResult* part) {
            return time_of(*part, "drain") + time_of(*part, "done");
        };
        const auto least = std::min_element(engines.begin(), engines.end(),
                                            [&](const auto* a, const auto* b) { return left(a) < left(b); });
        return least == engines.end() ? nullptr : *least;
    }
};

std::map<std::string_view, PeParts> pes_of(const KernelResult& result) {
    std::map<std::string_view, PeParts> pes;
    const auto time = static_cast<double>(result.time.value());
    for (const ComponentResult& part : result.components) {
        if (part.account.empty() || part.kind == "link" || part.kind == "hbm") continue;
        PeParts& pe = pes[pe_of(part)];
        if (part.kind == "processor") {
            pe.end = std::max(pe.end, time - time_of(part, "done"));
        } else if (part.kind != "launch") {
            pe.engines.push_back(&part);
        }
    }
    return pes;
}

class Shares {
public:
    Shares(const KernelResult& result, const PeParts& pe, int transfers) : pe_(pe), transfers_(transfers) {
        slice_ = busiest(result, "hbm");
        link_ = busiest(result, "link");
        time_ = static_cast<double>(result.time.value());
        look_at_others(result);
    }

    void add(std::string_view word, double time) { of_[std::string(word)] += time; }
    /// Waiting for memory is the memory's as far as that is at work, and latency else; so is that of a transfer.
    void add_memory(double time) {
        const ComponentResult* busy = nullptr;
        for (const ComponentResult* engine : pe_.engines)
            if (engine->kind.starts_with("dma_") && (!busy || busy_of(*engine) > busy_of(*busy))) busy = engine;
        const double under_way = busy ? busy_of(*busy) : 0.0;
        const double ports = busy ? at_rate(*busy) : 0.0;  // if as many transfers were under way as can be
        const Mover movers[] = {{"HBM", slice_, slice_}, {"link", link_, link_}, {"SRAM", ports, ports * transfers_}};
        const Mover& most = *std::max_element(std::begin(movers), std::end(movers),
                                              [](const Mover& a, const Mover& b) { return a.full < b.full; });
        divide(time, most.word, under_way > 0 ? most.at_work / under_way : 0.0);
    }
    /// For links as far as the busiest is at work, and else for others' work, as far as somebody is at it.
    void add_message(double time) {
        const double at_work = time_ > 0 ? time * std::clamp(link_ / time_, 0.0, 1.0) : 0.0;
        add("link", at_work);
        divide(time - at_work, others_, others_share_);
    }
    void add_work(std::string_view kind, double time) {
        if (kind == "matrix" || kind == "vector") return add(kind, time);
        if (kind == "dma_load" || kind == "dma_store") return add_memory(time);
        if (kind == "send" || kind == "receive") return add_message(time);
        add(kind, time);
    }
    const std::map<std::string, double>& all() const { return of_; }

private:
    struct Mover {
        std::string_view word;
        double full = 0.0;     // how long it moved as much as it can
        double at_work = 0.0;  // how long it moved at its rate; transfers through the port each have one
    };
    /// What most of the time of somebody goes into.
    void look_at_others(const KernelResult& result) {
        if (time_ == 0) return;
        others_share_ = slice_ / time_;
        for (const ComponentResult& part : result.components) {
            const bool issues = part.kind == "processor";
            if (!issues && part.kind != "matrix" && part.kind != "vector") continue;
            const double work = issues ? time_of(part, "issue")
                                       : busy_of(part) + time_of(part, "operand from " + std::string(part.kind));
            if (work / time_ <= others_share_) continue;
            others_share_ = work / time_;
            others_ = issues ? std::string_view("issue") : std::string_view(part.kind);
        }
    }
    void divide(double time, std::string_view word, double share) {
        const double at_work = time * std::clamp(share, 0.0, 1.0);
        add(word, at_work);
        add("latency", time - at_work);
    }

    const PeParts& pe_;
    int transfers_;
    double slice_ = 0.0, link_ = 0.0, time_ = 0.0;
    std::string_view others_ = "HBM";
    double others_share_ = 0.0;
    std::map<std::string, double> of_;
};

/// The engine of the PE whose work ends a wait of that kind; null: none, or nobody's.
const ComponentResult* awaited(const PeParts& pe, std::string_view stall) {
    static const std::map<std::string_view, std::string_view> kinds = {{"operand from matrix", "matrix"},
                                                                       {"operand from vector", "vector"},
                                                                       {"operand from HBM", "dma_load"},
                                                                       {"order", "dma_load"}};
    constexpr std::string_view queue = "queue ";
    if (stall == "drain") return pe.last();
    const auto found = kinds.find(stall);
    const bool waits_for_place = stall.starts_with(queue);
    if (found == kinds.end() && !waits_for_place) return nullptr;
    for (const ComponentResult* engine : pe.engines)
        if (waits_for_place ? engine->kind.ends_with(stall.substr(queue.size())) : engine->kind == found->second)
            return engine;
    return nullptr;
}

/// Of time that nobody's work ends.
std::string_view word_of(std::string_view stall) {
    if (stall == "SRAM room") return "SRAM";
    if (stall == "issue" || stall == "launch") return "issue";
    return stall == "barrier" ? "barrier" : "latency";
}

/// Is something under way that the engine works on or that its next command needs? Else it has nothing to do.
bool is_under_way(std::string_view name) { return !is_stall(name) || name.starts_with("operand") || name == "order"; }

/// On its commands, and on what of its own is still in its pipeline when the next one needs it.
bool works(const PeParts& pe, const ComponentResult& engine, std::string_view name) {
    return !is_stall(name) || (name.starts_with("operand") && awaited(pe, name) == &engine);
}

double worked(const PeParts& pe, const ComponentResult& engine) {
    double time = 0.0;
    for (const ClassTime& one : engine.account)
        if (works(pe, engine, one.name)) time += static_cast<double>(one.time.value());
    return time;
}

void add_awaited(Shares& shares, const PeParts& pe, const ComponentResult& engine, double time,
                 std::vector<const ComponentResult*> waiting);

/// Time of an engine's class, for which `waiting` waited, the engine among them.
void add_class(Shares& shares, const PeParts& pe, const ComponentResult& engine, std::string_view name, double time,
               const std::vector<const ComponentResult*>& waiting) {
    const ComponentResult* const next = is_stall(name) ? awaited(pe, name) : nullptr;
    if (works(pe, engine, name))
        shares.add_work(engine.kind, time);
    else if (name == "operand from a neighbour")
        shares.add_message(time);
    else if (next && next != &engine)
        add_awaited(shares, pe, *next, time, waiting);
    else
        shares.add(word_of(name), time);
}

/// Others waited for the engine: that time is divided as its own is, in which it had something to do and did not wait
/// for `waiting`, who waited for it.
void add_awaited(Shares& shares, const PeParts& pe, const ComponentResult& engine, double time,
                 std::vector<const ComponentResult*> waiting) {
    waiting.push_back(&engine);
    const auto counts = [&](const ClassTime& one) {
        if (works(pe, engine, one.name)) return true;
        const ComponentResult* const next = is_stall(one.name) ? awaited(pe, one.name) : nullptr;
        return is_under_way(one.name) && std::find(waiting.begin(), waiting.end(), next) == waiting.end();
    };
    double sum = 0.0;
    for (const ClassTime& one : engine.account)
        if (counts(one)) sum += static_cast<double>(one.time.value());
    if (sum == 0.0) return shares.add("latency", time);
    for (const ClassTime& one : engine.account)
        if (counts(one))
            add_class(shares, pe, engine, one.name, time * static_cast<double>(one.time.value()) / sum, waiting);
}

const PeParts* last_to_end(const std::map<std::string_view, PeParts>& pes) {
    const PeParts* last = nullptr;
    for (const auto& [name, pe] : pes)
        if (!pe.engines.empty() && (!last || pe.end > last->end)) last = &pe;
    return last;
}

}  // namespace

std::vector<ClassTime> bound_times(const KernelResult& result, int transfers) {
    const auto pes = pes_of(result);
    const PeParts* last = last_to_end(pes);
    if (!last) return {};
    const ComponentResult* engine = *std::max_element(
        last->engines.begin(), last->engines.end(),
        [&](const ComponentResult* a, const ComponentResult* b) { return worked(*last, *a) < worked(*last, *b); });
    Shares shares(result, *last, transfers);
    for (const ClassTime& one : engine->account)
        add_class(shares, *last, *engine, one.name, static_cast<double>(one.time.value()), {engine});
    std::vector<ClassTime> times;
    Picoseconds sum;
    for (const auto& [word, time] : shares.all()) {
        times.push_back({word, Picoseconds(static_cast<std::uint64_t>(time))});
        sum += times.back().time;
    }
    std::stable_sort(times.begin(), times.end(),
                     [](const ClassTime& a, const ClassTime& b) { return a.time > b.time; });
    times.front().time += result.time - sum;  // what rounding down has left
    std::erase_if(times, [](const ClassTime& one) { return one.time == Picoseconds(); });
    return times;
}

std::string bound_word(const KernelResult& result, int transfers) {
    const std::vector<ClassTime> times = bound_times(result, transfers);
    if (times.empty()) return {};
    const auto pes = pes_of(result);
    double ends = 0.0, working = 0.0;
    for (const auto& [name, pe] : pes) {
        ends += pe.end;
        working += 1.0;
    }
    const double lost = static_cast<double>(result.time.value()) - ends / working;
    // Waves end one after the other by design: only what most of the machine loses has the word. Who waits for a link
    // is not the one who has more to do.
    const auto time = static_cast<double>(result.time.value());
    const bool uneven = lost > std::max(0.6 * time, static_cast<double>(times.front().time.value()));
    return uneven && times.front().name != "link" ? "imbalance" : times.front().name;
}

}  // namespace tilemesh::insight
