// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/program/tuned_constants.h"

#include "sim/workloads/program/front_end.h"

#include <string>

namespace tilemesh::workloads {
namespace {

/// By key of "constants", of each configuration; null: nothing tunes it, or reading the panel will say what is wrong.
Json configurations(const Json& program) {
    if (!program.is_object() || !program.contains("file") || !program.contains("kernel")) return {};
    if (!program.at("file").is_string() || !program.at("kernel").is_string()) return {};
    return tuned_constants(program.at("file").get<std::string>(), program.at("kernel").get<std::string>());
}

}  // namespace

std::vector<Json> with_tuned_constants(const std::vector<Json>& kernels) {
    std::vector<Json> all;
    for (const Json& kernel : kernels) {
        std::vector<Json> ways{kernel};
        const Json& programs = kernel.at("program");
        for (std::size_t i = 0; i < (programs.is_array() ? programs.size() : 1); ++i) {
            const Json tried = configurations(programs.is_array() ? programs.at(i) : programs);
            if (!tried.is_array() || tried.empty()) continue;
            std::vector<Json> more;
            for (const Json& way : ways)
                for (const Json& constants : tried) {
                    Json& made = more.emplace_back(way);
                    Json& program = programs.is_array() ? made["program"][i] : made["program"];
                    for (const auto& one : constants.items()) program["constants"][one.key()] = one.value();
                }
            ways = std::move(more);
        }
        all.insert(all.end(), ways.begin(), ways.end());
    }
    return all;
}

}  // namespace tilemesh::workloads
