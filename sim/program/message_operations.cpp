// SPDX-License-Identifier: Apache-2.0
// Messages: to a neighbour, to a rank, or to several.
#include "sim/program/host.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace tilemesh::program {
namespace {

tl::Direction direction_of(const std::string& word) {
    static const std::array<std::array<std::string_view, 2>, 4> words = {
        {{"E", "east"}, {"W", "west"}, {"N", "north"}, {"S", "south"}}};
    for (std::size_t i = 0; i < 4; ++i)
        for (const std::string_view known : words[i])
            if (word == known) return static_cast<tl::Direction>(i);
    Host::complain("the direction is \"{}\", expected E, W, N, S or east, west, north, south", word);
}

int pe_of(Host& host, const Value& rank) {
    const std::int64_t number = host.integer(rank, "a rank");
    if (!host.instance.pe_of_rank)
        Host::complain("messages go from PE to PE: this program has several instances on a PE");
    const auto& pes = *host.instance.pe_of_rank;
    if (number < 0 || number >= static_cast<std::int64_t>(pes.size()))
        Host::complain("there is no rank {}, the grid has {}", number, pes.size());
    return pes[static_cast<std::size_t>(number)];
}

/// Does the instance have its own idea of what lies in a direction? Then the PE there.
std::optional<int> neighbour(Host& host, tl::Direction direction) {
    if (!host.instance.pe_of_rank)
        Host::complain("messages go from PE to PE: this program has several instances on a PE");
    if (!host.instance.neighbours) return std::nullopt;
    const int pe = (*host.instance.neighbours)[static_cast<std::size_t>(direction)];
    if (pe < 0) Host::complain("there is no cube to the {}", tl::name_of(direction));
    return pe;
}

/// "row": those of the same place but on the first axis; "column": but on the second; "all".
std::vector<int> group_of(Host& host, const std::string& word) {
    const bool row = word == "row", column = word == "column";
    if (!row && !column && word != "all")
        Host::complain("to is \"{}\", expected a tuple of ranks, or row, column or all", word);
    if (!host.instance.pe_of_rank)
        Host::complain("messages go from PE to PE: this program has several instances on a PE");
    const auto& id = host.instance.id;
    const auto& count = host.instance.count;
    std::vector<int> pes;
    for (std::size_t rank = 0; rank < host.instance.pe_of_rank->size(); ++rank) {
        const auto number = static_cast<std::int64_t>(rank);
        const std::array<std::int64_t, 3> place{number % count[0], number / count[0] % count[1],
                                                number / count[0] / count[1]};
        bool among = place[0] != id[0] || place[1] != id[1] || place[2] != id[2];
        if (row) among = among && place[1] == id[1] && place[2] == id[2];
        if (column) among = among && place[0] == id[0] && place[2] == id[2];
        if (among) pes.push_back((*host.instance.pe_of_rank)[rank]);
    }
    return pes;
}

/// A tile of what is sent.
Tile tile_to_send(Host& host, const Value& value, std::string_view what) {
    if (!is_number(value)) Host::complain("{} of {}", what, describe(value));
    const Type type = value.is_constant() ? Type::f32 : element_type(value);
    if (is_integer(type) && !is_tile(value))
        Host::complain("{} of {}: messages carry tiles of floats", what, describe(value));
    return host.tile(value, type);
}

}  // namespace

void multicast(Host& host, const Value& value, const Value& to, const Value& network) {
    const Tile tile = tile_to_send(host, value, "multicast");
    if (to.is_none()) Host::complain("multicast needs to: a tuple of ranks, or row, column or all");
    std::vector<int> pes;
    if (to.kind() == Kind::tuple) {
        for (const Value& rank : to.as<Tuple>().items) pes.push_back(pe_of(host, rank));
    } else {
        pes = group_of(host, host.text(to, "to"));
        if (pes.empty()) return;  // a row of one
    }
    host.tl.multicast(pes, tile, host.network(network));
}

void send(Host& host, const Value& direction, const Value& value, const Value& to, const Value& network) {
    const Tile tile = tile_to_send(host, value, "send");
    if (direction.is_none() == to.is_none()) Host::complain("send needs dir or to");
    const int over = host.network(network);
    if (!to.is_none()) return host.tl.send(pe_of(host, to), tile, over);
    const tl::Direction way = direction_of(host.text(direction, "dir"));
    if (const auto pe = neighbour(host, way)) return host.tl.send(*pe, tile, over);
    host.tl.send(way, tile, over);
}

Value receive(Host& host, const Value& direction, const Value& shape, const Value& dtype, const Value& source) {
    if (shape.is_none() || dtype.is_none()) Host::complain("recv needs shape and dtype");
    const Shape dims = host.shape(shape);
    const Type type = host.type(dtype);
    if (direction.is_none() == source.is_none()) Host::complain("recv needs dir or source");
    if (!source.is_none()) return tile_value(host.tl.recv(pe_of(host, source), dims, dtype_of(type)), type);
    const tl::Direction way = direction_of(host.text(direction, "dir"));
    const auto pe = neighbour(host, way);
    return tile_value(pe ? host.tl.recv(*pe, dims, dtype_of(type)) : host.tl.recv(way, dims, dtype_of(type)), type);
}

}  // namespace tilemesh::program
