// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/collective/panel.h"

#include "sim/run/not_possible.h"

#include <fmt/core.h>

namespace tilemesh::workloads {
namespace {

using collective::Algorithm;
using collective::Operation;

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 44;

CollectiveChoice read_choice(JsonReader& reader) {
    CollectiveChoice choice;
    choice.where = reader.place();
    if (reader.is_string()) {
        choice.kernel = choice.label = reader.as_string();
        choice.algorithm = reader.as_choice<Algorithm>(collective::algorithm_words());
        return choice;
    }
    JsonReader kernel = reader.member("kernel");
    choice.kernel = choice.label = kernel.as_string();
    choice.algorithm = kernel.as_choice<Algorithm>(collective::algorithm_words());
    if (const auto label = reader.optional_member("label")) choice.label = run::read_name(*label);
    reader.finish();
    return choice;
}

}  // namespace

collective::Chips CollectivePanel::chips() const {
    const noc::GridConfig& grid = machine.cubes() > 1 ? machine.network.cubes : machine.network.pes_in_cube;
    return {machine.pes(), grid.kind == noc::TopologyKind::ring && machine.pes() > 2};
}

collective::Ground CollectivePanel::ground() const { return {collectives, machine.network, machine.hbm.peak()}; }

Algorithm CollectivePanel::algorithm(const CollectiveChoice& choice, Operation call) const {
    if (choice.algorithm == Algorithm::automatic)
        return collective::quickest(ground(), call, chips(), elements(), bytes_per_element(dtype));
    if (collective::can(choice.algorithm, call)) return choice.algorithm;
    // An all_reduce by copies at routers sums by relays first, one that sums at routers gathers by copies.
    return call == Operation::reduce_scatter ? Algorithm::relay : Algorithm::multicast;
}

std::vector<collective::Schedule> CollectivePanel::calls(const CollectiveChoice& choice) const {
    std::vector<Operation> operations{operation};
    if (operation == Operation::all_reduce) operations = {Operation::reduce_scatter, Operation::all_gather};
    std::vector<collective::Schedule> made;
    for (const Operation call : operations)
        made.push_back(collective::schedule_of(call, algorithm(choice, call), chips(), elements()));
    return made;
}

CollectivePanel read_collective_panel(JsonReader& panel, const run::Setup& setup, std::vector<JsonReader>& kernels) {
    CollectivePanel read{setup, {}, {}, {}, {}, {}};
    if (const auto collectives = panel.member("machine").optional_member("collectives"))
        read.collectives = collective::read_collectives(*collectives);
    JsonReader problem = panel.member("problem");
    read.operation = problem.member("collective").as_choice<Operation>(collective::operation_words());
    const std::string dtype = problem.word("dtype", {"bf16", "f16", "f32"}, "bf16");
    read.dtype = *dtype_from_name(dtype);
    const std::uint64_t width = bytes_per_element(read.dtype);
    JsonReader bytes = problem.member("bytes");
    read.bytes = bytes.as_integer(width, most_bytes);
    if (read.bytes % width != 0) bytes.reject(fmt::format("a multiple of {}, the bytes of a {}", width, dtype));
    problem.finish();
    for (JsonReader& kernel : kernels) read.choices.push_back(read_choice(kernel));
    return read;
}

}  // namespace tilemesh::workloads
