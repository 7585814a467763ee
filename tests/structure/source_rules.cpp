// SPDX-License-Identifier: Apache-2.0
// The layering as a table, and the few textual checks. A new folder of sim/ gets a row here, with what it may
// include.
#include "tests/structure/source_rules.h"

#include <algorithm>
#include <map>
#include <sstream>

namespace {

struct Layer {
    std::vector<std::string> may_include;  // folders, or single headers of a folder otherwise closed
    bool systemc = false;
};

// Includes point one way: tools -> validation -> run -> machine -> pe -> memory -> noc -> tile -> base, with
// attention and report beside the machine and probe beside run. Workloads stand on run, which knows none of them:
// only main and tests see both. The kernels never see it, and nothing in sim/ sees the kernels.
const std::map<std::string, Layer> layers{
    {"sim/base", {{}}},
    {"sim/tile", {{"sim/base"}}},
    {"sim/energy", {{"sim/base", "sim/tile"}}},
    {"sim/program", {{"sim/base", "sim/tile"}}},
    {"sim/attention", {{"sim/base", "sim/tile"}}},
    {"sim/report", {{"sim/base", "sim/tile"}}},
    {"sim/insight",
     {{"sim/base", "sim/tile", "sim/energy", "sim/report", "sim/noc/route_tree.h", "sim/noc/topology.h",
       "sim/memory/service_profile.h", "sim/pe/cost.h", "sim/pe/follower.h", "sim/pe/segments.h",
       "sim/machine/config.h"}}},
    {"sim/noc", {{"sim/base", "sim/tile"}, true}},
    {"sim/collective", {{"sim/base", "sim/tile", "sim/noc"}}},
    {"sim/product", {{"sim/base"}}},
    {"sim/memory", {{"sim/base", "sim/tile", "sim/noc/agenda.h", "sim/noc/sim_time.h"}, true}},
    {"sim/pe", {{"sim/base", "sim/tile", "sim/noc", "sim/memory"}, true}},
    {"sim/machine",
     {{"sim/base", "sim/tile", "sim/energy", "sim/noc", "sim/collective", "sim/product", "sim/memory", "sim/pe"},
      true}},
    {"sim/check",
     {{"sim/base", "sim/tile", "sim/noc/route_tree.h", "sim/noc/topology.h", "sim/memory/config.h", "sim/pe/config.h",
       "sim/machine/config.h", "sim/machine/target.h"}}},
    {"sim/probe", {{"sim/base", "sim/tile", "sim/noc", "sim/memory", "sim/pe", "sim/machine", "sim/report"}, true}},
    {"sim/run",
     {{"sim/base", "sim/tile", "sim/noc", "sim/memory", "sim/pe", "sim/machine", "sim/report", "sim/insight"}}},
    {"sim/workloads/attention",
     {{"sim/base", "sim/tile", "sim/attention", "sim/noc", "sim/memory", "sim/pe", "sim/machine", "sim/report",
       "sim/insight", "sim/run"}}},
    {"sim/workloads/program",
     {{"sim/base", "sim/tile", "sim/program", "sim/noc", "sim/memory", "sim/pe", "sim/machine", "sim/report",
       "sim/insight", "sim/check/untimed_machine.h", "sim/run"}}},
    {"sim/workloads/collective",
     {{"sim/base", "sim/tile", "sim/noc", "sim/collective", "sim/machine", "sim/report", "sim/run"}}},
    {"sim/workloads/product",
     {{"sim/base", "sim/tile", "sim/noc", "sim/product", "sim/machine", "sim/report", "sim/run"}}},
    {"sim/search", {{"sim/base", "sim/tile", "sim/report", "sim/run"}}},
    {"sim/page", {{"sim/base", "sim/tile", "sim/noc", "sim/machine", "sim/report", "sim/run"}}},
    {"sim/validation", {{"sim"}}},
    {"kernels", {{"sim/base", "sim/tile", "sim/attention"}}},
    {"tools", {{"sim", "kernels"}}},
    {"tools/speed", {{"sim", "kernels", "tools"}, true}},
    {"tools/example_kernels", {{"sim", "kernels", "tools/cli/tilemesh_command.h"}}},
    {"tests", {{"sim", "kernels", "tools"}, true}},
};

constexpr int longest_file = 350;

bool is_inside(const std::string& path, const std::string& folder) {
    return path == folder || path.starts_with(folder + "/");
}

// What stands between the quotes or brackets of an include line, with the opening one; empty for any other line.
std::string included(std::string line) {
    const std::string word = "#include";
    std::erase_if(line, [](char c) { return c == ' ' || c == '\t'; });
    return line.starts_with(word) ? line.substr(word.size(), line.find_first_of("\">", word.size() + 1) - word.size())
                                  : "";
}

std::string broken_include(const std::string& layer_name, const Layer& layer, const std::string& include) {
    const std::string name = include.substr(1);
    if (include[0] == '<') {
        const bool is_systemc =
            name == "systemc" || name.starts_with("systemc.") || name.starts_with("sysc/") || name.starts_with("tlm");
        if (is_systemc && !layer.systemc) {
            return layer_name + " must not see SystemC";
        }
        return {};
    }
    if ((layer_name == "tests" || layer_name == "tools/example_kernels") && name.find('/') == std::string::npos) {
        return {};  // a header of its own, beside it
    }
    if (layer_of(name).empty()) {
        return "include \"" + name + "\" by its path from the project's root";
    }
    const bool allowed =
        is_inside(name, layer_name) ||
        std::ranges::any_of(layer.may_include, [&](const std::string& folder) { return is_inside(name, folder); });
    return allowed ? std::string() : layer_name + " must not include " + name;
}

}  // namespace

std::string layer_of(const std::string& path) {
    std::string longest;
    for (const auto& [folder, layer] : layers) {
        if (is_inside(path, folder) && folder.size() > longest.size()) {
            longest = folder;
        }
    }
    return longest;
}

std::vector<std::string> broken_rules(const std::string& path, const std::string& text) {
    std::vector<std::string> broken;
    const auto add = [&](int line, const std::string& what) {
        broken.push_back(path + ":" + std::to_string(line) + ": " + what);
    };
    const std::string layer_name = layer_of(path);
    if (layer_name.empty()) {
        add(1, "this folder has no row in the table of tests/structure/source_rules.cpp");
        return broken;
    }
    std::istringstream lines(text);
    std::string line;
    int number = 0;
    while (std::getline(lines, line)) {
        ++number;
        if (number == 1 && line != "// SPDX-License-Identifier: Apache-2.0") {
            add(number, "a file begins with // SPDX-License-Identifier: Apache-2.0");
        }
        if (number == 2 && path.ends_with(".h") && !line.starts_with("// ")) {
            add(number, "the second line of a header begins to say what the file is for");
        }
        const std::string include = included(line);
        if (!include.empty()) {
            const std::string what = broken_include(layer_name, layers.at(layer_name), include);
            if (!what.empty()) {
                add(number, what);
            }
        }
    }
    if (number > longest_file) {
        add(number,
            "longer than " + std::to_string(longest_file) + " lines: give its second topic a file of its own");
    }
    return broken;
}
