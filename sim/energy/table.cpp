// SPDX-License-Identifier: Apache-2.0
#include "sim/energy/table.h"

#include "sim/tile/command.h"

#include <fmt/core.h>

namespace tilemesh::energy {
namespace {

constexpr double largest = 1e9;
constexpr const char* no_source = "no source given";

std::vector<std::string> dtypes_of_products() {
    std::vector<std::string> names;
    for (const Dtype dtype :
         {Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::f8e4m3, Dtype::f8e5m2, Dtype::i8, Dtype::u8})
        names.emplace_back(name_of(dtype));
    return names;
}

std::vector<std::string> vector_operations() {
    std::vector<std::string> names;
    for (int i = 0; i < opcode_count; ++i)
        if (engine_of(static_cast<Opcode>(i)) == EngineKind::vector)
            names.emplace_back(name_of(static_cast<Opcode>(i)));
    return names;
}

/// The place of the object that a member is in: what was written in one go has one.
std::string place_around(const JsonReader& member) {
    const std::string place = member.place();
    return place.substr(0, place.rfind('/'));
}

Price read_price(JsonReader reader) {
    if (!reader.is_object()) return {reader.as_number(0.0, largest), no_source, ""};
    Price price;
    const JsonReader value = reader.member("value");
    price.value = value.as_number(0.0, largest);
    price.source = no_source;
    const auto source = reader.optional_member("source"), trust = reader.optional_member("trust");
    for (const auto& about : {source, trust})
        if (about && place_around(*about) != place_around(value))
            value.complain(
                fmt::format("this number was changed and {} was not, expected all of the object anew, or a "
                            "plain number in its place",
                            about->path()));
    if (source) price.source = source->as_string();
    if (trust) price.trust = trust->as_word({"high", "medium", "low"});
    reader.finish();
    return price;
}

}  // namespace

const std::vector<Group>& energy_groups() {
    static const std::vector<Group> groups = {
        {"pj_per_mac", dtypes_of_products()},
        {"pj_per_element", vector_operations()},
        {"pj_per_byte", {"sram_read", "sram_write", "hbm_read", "hbm_write", "router", "die_to_die", "port"}},
        {"pj_per_byte_mm", {"link"}},
        {"mm", {"pe_pitch"}},
        {"watts", {"pe", "hbm", "die_to_die"}},
        {"watts_per_mib", {"sram"}},
    };
    return groups;
}

const std::vector<Group>& area_groups() {
    static const std::vector<Group> groups = {
        {"mm2", {"pe"}},           {"mm2_per_mac", {"matrix"}},  {"mm2_per_lane", {"vector"}},
        {"mm2_per_mib", {"sram"}}, {"mm2_per_channel", {"hbm"}}, {"mm2_per_gbyte_per_s", {"die_to_die"}},
    };
    return groups;
}

Table read_table(JsonReader reader, const std::vector<Group>& groups) {
    if (!reader.is_object()) reader.reject("a table, or the name of a file with one");
    Table table;
    table.technology = reader.string("technology");
    reader.string("name", "");
    reader.string("description", "");
    for (const Group& group : groups) {
        auto member = reader.optional_member(group.unit);
        if (!member) continue;
        for (const std::string& key : group.keys)
            if (const auto price = member->optional_member(key))
                table.prices[group.unit + "." + key] = read_price(*price);
        member->finish();
    }
    reader.finish();
    return table;
}

PowerLimit read_power_limit(JsonReader reader) {
    PowerLimit limit;
    const auto watts = [&](const char* key) -> std::optional<double> {
        if (!reader.has(key)) return {};
        return reader.number(key, 1e-9, largest);
    };
    limit.machine = watts("machine_watts");
    limit.cube = watts("cube_watts");
    limit.pe = watts("pe_watts");
    limit.window_ps = static_cast<std::uint64_t>(reader.number("window_ns", 0.0, largest, 0.0) * 1000.0);
    reader.finish();
    if (!limit.machine && !limit.cube && !limit.pe)
        reader.reject("at least one of machine_watts, cube_watts, pe_watts");
    return limit;
}

}  // namespace tilemesh::energy
