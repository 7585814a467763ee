// SPDX-License-Identifier: Apache-2.0
// The kind of probe "transfers": replays a list of transfers from a file and says when each arrived, what the end
// waited for, and how busy every link was.
#include "sim/noc/topology.h"
#include "sim/probe/kinds.h"
#include "sim/probe/transfers_run.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

namespace tilemesh::probe {
namespace {

using report::TextTable;

struct TransferList {
    std::vector<std::string> ids;
    std::vector<ListedTransfer> transfers;
};

/// Of a machine with so many PEs: {"transfers": [{"id", "source", "destination", "bytes", "start_ns", "after":
/// [ids]}]}; `after` names earlier ones.
TransferList read_list(JsonReader file, std::uint64_t pes) {
    TransferList list;
    std::map<std::string, std::size_t> place;
    const std::uint64_t last = pes - 1;
    JsonReader rows = file.member("transfers");
    for (JsonReader& row : rows.elements()) {
        ListedTransfer transfer;
        const std::string id = row.string("id");
        transfer.source = static_cast<int>(row.integer("source", 0, last));
        transfer.destination = static_cast<int>(row.integer("destination", 0, last));
        transfer.bytes = Bytes(row.integer("bytes", 1, std::uint64_t{1} << 40));
        transfer.start = from_nanoseconds(row.number("start_ns", 0.0, 1e15, 0.0));
        if (auto after = row.optional_member("after")) {
            for (const JsonReader& element : after->elements()) {
                const auto known = place.find(element.as_string());
                if (known == place.end()) element.reject("the id of a transfer before this one");
                transfer.after.push_back(known->second);
            }
        }
        row.finish();
        if (!place.emplace(id, list.ids.size()).second) row.member("id").reject("an id that no other transfer has");
        list.ids.push_back(id);
        list.transfers.push_back(std::move(transfer));
    }
    file.finish();
    if (list.ids.empty()) rows.reject("at least one transfer");
    return list;
}

struct LinkUse {
    std::string name;
    Bytes bytes;
    double busy_ns = 0.0;
};

std::vector<LinkUse> used_links(const TransfersResult& result, const noc::Topology& topology) {
    std::vector<LinkUse> used;
    for (std::size_t i = 0; i < result.link_bytes.size(); ++i) {
        if (result.link_bytes[i] == Bytes()) continue;
        const noc::LinkSpec& link = topology.links()[i];
        used.push_back({link.name, result.link_bytes[i],
                        static_cast<double>(result.link_bytes[i].value()) / link.config.rate.gbytes_per_s()});
    }
    std::stable_sort(used.begin(), used.end(),
                     [](const LinkUse& a, const LinkUse& b) { return a.busy_ns > b.busy_ns; });
    return used;
}

TextTable table_of(const TransferList& list, const TransfersResult& result, const std::vector<std::size_t>& rows) {
    TextTable table({{"", "transfer", TextTable::Align::left},
                     {"", "from"},
                     {"", "to"},
                     {"", "bytes"},
                     {"", "begun/ns"},
                     {"", "arrived/ns"},
                     {"", "GB/s"}});
    for (const std::size_t i : rows) {
        const ListedTransfer& transfer = list.transfers[i];
        const TransferTimes& times = result.times[i];
        const double took = std::max(to_nanoseconds(times.arrived - times.begun), 1e-3);
        table.add_row({{printable(list.ids[i], 40)},
                       {fmt::format("{}", transfer.source)},
                       {fmt::format("{}", transfer.destination)},
                       {fmt::format("{}", transfer.bytes.value())},
                       {fmt::format("{:.1f}", to_nanoseconds(times.begun))},
                       {fmt::format("{:.1f}", to_nanoseconds(times.arrived))},
                       {fmt::format("{:.1f}", static_cast<double>(transfer.bytes.value()) / took)}});
    }
    return table;
}

TextTable table_of(const std::vector<LinkUse>& links, Picoseconds end, std::size_t most) {
    TextTable table({{"", "link", TextTable::Align::left}, {"", "bytes"}, {"", "busy/ns"}, {"", "busy%"}});
    for (std::size_t i = 0; i < std::min(most, links.size()); ++i) {
        table.add_row({{links[i].name},
                       {fmt::format("{}", links[i].bytes.value())},
                       {fmt::format("{:.1f}", links[i].busy_ns)},
                       {fmt::format("{:.1f}", 100.0 * links[i].busy_ns / to_nanoseconds(end))}});
    }
    return table;
}

ProbeReport report_of(const TransferList& list, const TransfersResult& result, const noc::Topology& topology) {
    ProbeReport report;
    constexpr std::size_t shown = 40;  // everything is in the JSON
    std::vector<std::size_t> first;
    for (std::size_t i = 0; i < std::min(shown, list.ids.size()); ++i) first.push_back(i);
    const std::vector<std::size_t> chain = result.critical_chain();
    const std::vector<LinkUse> links = used_links(result, topology);
    const bool cut = list.ids.size() > shown;
    report.sections.push_back({cut ? fmt::format("the first {} of {} transfers", shown, list.ids.size()) : "",
                               table_of(list, result, first)});
    const auto unshown = static_cast<std::ptrdiff_t>(chain.size() - std::min(shown, chain.size()));
    report.sections.push_back({unshown > 0
                                   ? fmt::format("what the end waited for, the last {} of {}", shown, chain.size())
                                   : "what the end waited for",
                               table_of(list, result, {chain.begin() + unshown, chain.end()})});
    report.sections.push_back({"busiest links", table_of(links, result.end, 8)});
    report.conclusion = fmt::format("{} transfers end after {:.1f} ns, the last a chain of {}{}.", list.ids.size(),
                                    to_nanoseconds(result.end), chain.size(),
                                    links.empty() ? ""
                                                  : fmt::format("; the busiest link, {}, moves bytes for {:.1f} ns",
                                                                links[0].name, links[0].busy_ns));
    Json transfers = Json::array(), critical = Json::array(), used = Json::object();
    for (std::size_t i = 0; i < list.ids.size(); ++i) {
        transfers.push_back({{"id", list.ids[i]},
                             {"begun_ps", result.times[i].begun.value()},
                             {"arrived_ps", result.times[i].arrived.value()}});
    }
    for (const std::size_t i : chain) critical.push_back(list.ids[i]);
    for (const LinkUse& link : links) used[link.name] = {{"bytes", link.bytes.value()}, {"busy_ns", link.busy_ns}};
    report.result = {
        {"end_ps", result.end.value()}, {"transfers", transfers}, {"critical_chain", critical}, {"links", used}};
    return report;
}

PreparedProbe read_transfers(JsonReader probe, const machine::MachineConfig& machine) {
    probe.word("kind", {"transfers"});
    const NamedFile file = probe.member("file").as_file();
    probe.finish();
    const Json json = parse_json_file(file);
    const TransferList list = read_list(JsonReader(json, file.shown), static_cast<std::uint64_t>(machine.pes()));
    return [list, network = machine.network](const OnProgress&) {
        return report_of(list, run_transfers(network, list.transfers), noc::Topology(network));
    };
}

}  // namespace

std::size_t check_transfer_list(const Json& content, const std::string& file) {
    constexpr std::uint64_t most_pes = std::uint64_t{1} << 31;  // a PE's number is an int
    return read_list(JsonReader(content, file), most_pes).transfers.size();
}

Kind transfers_kind() {
    return {"transfers",
            "a list of transfers from a file, replayed: finish times, critical chain, load of every link",
            read_transfers};
}

}  // namespace tilemesh::probe
