// SPDX-License-Identifier: Apache-2.0
#include "sim/page/mesh_layout.h"

#include "sim/base/error.h"
#include "sim/machine/config.h"
#include "sim/noc/topology.h"

namespace tilemesh::page {

struct MeshLayout::Known {
    explicit Known(const Json& machine)
        : config(machine::read_machine(JsonReader(machine, "machine"))), topology(config.network) {}
    machine::MachineConfig config;
    noc::Topology topology;
};

MeshLayout::MeshLayout(const Json& configuration) {
    if (!configuration.is_object() || !configuration.contains("machine")) return;
    try {
        known_ = std::make_unique<const Known>(configuration["machine"]);
    } catch (const InputError&) {
        known_.reset();
    }
}

MeshLayout::~MeshLayout() = default;
MeshLayout::MeshLayout(MeshLayout&&) noexcept = default;

Json MeshLayout::json() const {
    if (!known_) return {};
    const noc::Topology& topology = known_->topology;
    const noc::GridConfig grid = topology.whole_grid();
    Json pes = Json::array(), links = Json::array();
    for (int pe = 0; pe < topology.pes(); ++pe)
        pes.push_back({"machine." + topology.pe_name(pe), topology.row_of(pe), topology.col_of(pe)});
    for (const noc::LinkSpec& link : topology.links()) {
        links.push_back(
            {"machine." + link.name, link.from, link.to, link.config.rate.gbytes_per_s(), link.die_to_die});
        if (link.network > 0) links.back().push_back(link.network);
    }
    return {{"rows", grid.rows},
            {"cols", grid.cols},
            {"cube_rows", known_->config.network.pes_in_cube.rows},
            {"cube_cols", known_->config.network.pes_in_cube.cols},
            {"pes", std::move(pes)},
            {"links", std::move(links)}};
}

Json MeshLayout::route(std::size_t from, std::size_t to, std::size_t network) const {
    Json route = Json::array();
    if (!known_ || std::max(from, to) >= static_cast<std::size_t>(known_->topology.pes())) return route;
    if (network >= static_cast<std::size_t>(known_->topology.networks())) return route;
    for (const noc::Hop& hop :
         known_->topology.route(static_cast<int>(from), static_cast<int>(to), static_cast<int>(network)))
        route.push_back(static_cast<std::uint32_t>(hop.link));
    return route;
}

}  // namespace tilemesh::page
