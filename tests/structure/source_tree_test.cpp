// SPDX-License-Identifier: Apache-2.0
// Reads every C++ file of the repository and applies the rules of source_rules.h to it.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/structure/source_rules.h"

namespace {

const std::filesystem::path root = TILEMESH_SOURCE_DIR;

std::set<std::string> source_paths() {
    std::set<std::string> paths;
    for (const char* folder : {"sim", "kernels", "tools", "tests"}) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
            const auto extension = entry.path().extension();
            if (entry.is_regular_file() && (extension == ".h" || extension == ".cpp")) {
                paths.insert(entry.path().lexically_relative(root).generic_string());
            }
        }
    }
    return paths;
}

std::string text_of(const std::string& path) {
    std::ifstream file(root / path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

TEST_CASE("every source file keeps to the layering and to the form of a file") {
    std::string broken;
    for (const std::string& path : source_paths()) {
        for (const std::string& line : broken_rules(path, text_of(path))) {
            broken += line + "\n";
        }
    }
    INFO(broken);
    CHECK(broken.empty());
}

TEST_CASE("the walk over the tree meets every layer") {
    std::set<std::string> met;
    for (const std::string& path : source_paths()) {
        met.insert(layer_of(path));
    }
    for (const char* layer :
         {"sim/base", "sim/tile", "sim/attention", "sim/report", "sim/noc", "sim/memory", "sim/pe", "sim/machine",
          "sim/run", "sim/workloads/attention", "kernels", "tools", "tests"}) {
        CHECK(met.count(layer) == 1);
    }
}
