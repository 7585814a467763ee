// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/program/tuned_constants.h"

#include "sim/workloads/program/front_end.h"

#include <algorithm>
#include <string>

namespace tilemesh::workloads {
namespace {

/// By key of "constants", of each configuration; null: nothing tunes it, or reading the panel will say what is wrong.
Json configurations(const Json& program) {
    if (!program.is_object() || !program.contains("file") || !program.contains("kernel")) return {};
    if (!program.at("file").is_string() || !program.at("kernel").is_string()) return {};
    return tuned_constants(program.at("file").get<std::string>(), program.at("kernel").get<std::string>());
}

/// One after the other; most kernels have one.
std::vector<Json> programs_of(const Json& kernel) {
    const Json& programs = kernel.at("program");
    return programs.is_array() ? programs.get<std::vector<Json>>() : std::vector<Json>{programs};
}

}  // namespace

std::vector<Json> with_tuned_constants(const std::vector<Json>& kernels) {
    std::vector<Json> all;
    for (const Json& kernel : kernels) {
        std::vector<Json> ways{kernel};
        const std::vector<Json> programs = programs_of(kernel);
        for (std::size_t i = 0; i < programs.size(); ++i) {
            const Json tried = configurations(programs[i]);
            if (!tried.is_array() || tried.empty()) continue;
            std::vector<Json> more;
            for (const Json& way : ways)
                for (const Json& constants : tried) {
                    Json& made = more.emplace_back(way);
                    Json& program = made["program"].is_array() ? made["program"][i] : made["program"];
                    for (const auto& one : constants.items()) program["constants"][one.key()] = one.value();
                }
            ways = std::move(more);
        }
        all.insert(all.end(), ways.begin(), ways.end());
    }
    return all;
}

bool has_tuned_constants(const Json& kernel) {
    for (const Json& program : programs_of(kernel)) {
        const Json tried = configurations(program),
                   given = program.is_object() ? program.value("constants", Json()) : Json();
        const auto gives = [&](const Json& constants) {
            for (const auto& one : constants.items())
                if (!given.is_object() || !given.contains(one.key())) return false;
            return true;
        };
        if (tried.is_array() && !tried.empty() && std::none_of(tried.begin(), tried.end(), gives)) return false;
    }
    return true;
}

}  // namespace tilemesh::workloads
