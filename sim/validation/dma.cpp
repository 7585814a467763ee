// SPDX-License-Identifier: Apache-2.0
// The DMA probes against figures published for a part of the default machine's kind. Each row names a probe; rows may
// state a time with its tolerance, a least share of the peak, or that time grows with distance.
#include "sim/base/error.h"
#include "sim/probe/dma_bench.h"
#include "sim/run/resolve.h"
#include "sim/validation/families.h"

#include <algorithm>
#include <charconv>

namespace tilemesh::validation {
namespace {

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 30;

/// What all rows of a file share.
struct Setting {
    machine::MachineConfig machine;
    std::uint64_t bytes;
    bool write;
};

double slowest_ns(const probe::DmaTimes& times) {
    return to_nanoseconds(*std::max_element(times.latencies.begin(), times.latencies.end()));
}

/// The scenario of that name on the machine; the number of sharers is part of a name.
probe::DmaScenario scenario_called(const JsonReader& where, const machine::MachineConfig& machine) {
    const std::string name = where.as_string(), sharing = "sharing_";
    std::vector<int> sharers;
    if (name.starts_with(sharing)) {
        int count = 0;
        const char* const begin = name.data() + sharing.size();
        const auto [end, error] = std::from_chars(begin, name.data() + name.size(), count);
        if (error == std::errc() && end == name.data() + name.size() && count > 0) sharers.push_back(count);
    }
    std::vector<std::string> known;
    for (probe::DmaScenario& scenario : probe::dma_scenarios(noc::Topology(machine.network), 0, sharers)) {
        if (scenario.name == name) return scenario;
        known.push_back(scenario.name);
    }
    known.emplace_back("by_distance");
    where.reject(fmt::format("a probe of machine {}: sharing_N up to its {} PEs of a cube, or one of {}",
                             machine.name, machine.pes_per_cube(), list_of_names(known)));
}

Case distance_case(const Setting& setting) {
    return {"by_distance", {"dma_distance"}, [setting] {
                const probe::DmaBench bench(setting.machine, setting.bytes, setting.write);
                std::vector<Comparison> comparisons;
                double nearer = 0.0;
                for (const probe::DmaTransfer& transfer : probe::dma_by_distance(bench.topology())) {
                    const double ns = slowest_ns(bench.run({transfer}));
                    const std::string name = fmt::format("{} from {}", bench.topology().pe_name(transfer.pe),
                                                         bench.topology().pe_name(transfer.home));
                    if (nearer > 0.0) comparisons.push_back({"dma_distance", name, nearer, ns, "ns"});
                    nearer = ns;
                }
                return comparisons;
            }};
}

Case time_case(const Setting& setting, const probe::DmaScenario& scenario, double ns, double tolerance) {
    return {scenario.name, {"dma"}, [=] {
                const probe::DmaBench bench(setting.machine, setting.bytes, setting.write);
                const double measured = slowest_ns(bench.run(scenario.transfers));
                return std::vector<Comparison>{{"dma", scenario.name, ns, measured, "ns", tolerance}};
            }};
}

Case share_case(const Setting& setting, const probe::DmaScenario& scenario, double least) {
    return {scenario.name, {"dma_share"}, [=] {
                const probe::DmaBench bench(setting.machine, setting.bytes, setting.write);
                const double share = bench.share_of_peak(scenario.transfers, bench.run(scenario.transfers));
                return std::vector<Comparison>{{"dma_share", scenario.name, least, share, "of peak"}};
            }};
}

std::vector<Case> cases_of(JsonReader file, const Surroundings& surroundings) {
    JsonReader name = file.member("machine");
    const auto machine_file = surroundings.configs / "machines" / (name.as_string() + ".json");
    if (!std::filesystem::exists(machine_file)) name.reject("the name of a file in configs/machines");
    const run::Resolved machine = run::resolve_machine_file(machine_file);
    const Setting setting{machine::read_machine(JsonReader(machine.json, machine.origins)),
                          file.integer("bytes", 2, most_bytes),
                          file.word("access", {"read", "write"}, "read") == "write"};
    std::vector<Case> cases;
    for (JsonReader& row : file.member("rows").elements()) {
        JsonReader probe = row.member("probe");
        if (probe.is_string() && probe.as_string() == "by_distance") {
            cases.push_back(distance_case(setting));
            continue;
        }
        const probe::DmaScenario scenario = scenario_called(probe, setting.machine);
        if (row.has("share_of_peak_at_least")) {
            cases.push_back(share_case(setting, scenario, row.number("share_of_peak_at_least", 1e-6, 1.0)));
        } else {
            const double ns = row.number("ns", 1e-3, 1e12);
            cases.push_back(time_case(setting, scenario, ns, row.number("tolerance", 1e-6, 10.0)));
        }
    }
    return cases;
}

}  // namespace

Family dma_family() {
    Family family;
    family.name = "dma_probes";
    family.form = "{machine, bytes} and rows of {probe, ns, tolerance} or {probe, share_of_peak_at_least}";
    family.files = {"dma_probes.json"};
    family.suites = {
        {"dma",
         "time of DMA transfers, local, far and shared, against published figures",
         {each_within_its_own_tolerance()}},
        {"dma_share",
         "share of the HBM peak that DMA transfers reach together, against a least share",
         {each_at_least_its_reference()},
         false,
         true},
        {"dma_distance",
         "time of a DMA transfer against the one whose slice is a step nearer",
         {each_at_least_its_reference()},
         false,
         true},
    };
    family.recognises = [](const Json& file) { return has_row_with(file, "rows", {"probe"}); };
    family.read = cases_of;
    return family;
}

}  // namespace tilemesh::validation
