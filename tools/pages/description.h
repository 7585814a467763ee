// SPDX-License-Identifier: Apache-2.0
// The command as it describes itself, taken out of CLI11: what man page and completions are made of. Adding a command
// or an option changes all of them without a line here.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace tilemesh::cli {

struct DescribedOption {
    std::vector<std::string> names;  // "-q", "--quiet"; of a positional its one name: "panel"
    std::string value;               // what follows: "FILE", "full|sampled|none"; of a flag empty
    std::string help;
    bool required = false;
    bool repeatable = false;
};

struct DescribedCommand {
    std::string name;
    std::string help;
    std::vector<DescribedOption> options;
    std::vector<DescribedOption> positionals;
};

struct Description {
    DescribedCommand main;  // tilemesh itself
    std::string footer;
    std::vector<DescribedCommand> commands;
};

Description describe(const CLI::App& app);

/// The words that a value may be, when it is one of a few: "full|sampled|none".
std::vector<std::string> choices(const DescribedOption& option);

/// What `tilemesh list KIND --names` lists that fits here: "panels" for a value PANEL.json. Empty: none of them.
std::string listed_kind(const DescribedOption& option);

/// Whether the value is the path of a file.
bool is_file(const DescribedOption& option);

}  // namespace tilemesh::cli
