// SPDX-License-Identifier: Apache-2.0
// Completion for fish: a line for every command, option and value.
#include "tools/pages/pages.h"

#include <fmt/format.h>

namespace tilemesh::cli {
namespace {

constexpr const char* head =
    R"(# fish completion for tilemesh, made from the command's own description by tilemesh_pages.

function __tilemesh_listed
    set -l words (commandline -opc)
    $words[1] list $argv[1] --names 2>/dev/null
end

complete -c tilemesh -f
)";

std::string quoted(const std::string& text) {
    std::string safe;
    for (const char c : text) {
        if (c == '\'' || c == '\\') safe += '\\';
        safe += c;
    }
    return "'" + safe + "'";
}

/// What completes a value, as options of `complete`.
std::string value_code(const DescribedOption& option) {
    std::string code;
    if (const auto words = choices(option); !words.empty()) code += fmt::format(" -a '{}'", fmt::join(words, " "));
    if (const std::string kind = listed_kind(option); !kind.empty())
        code += fmt::format(" -a '(__tilemesh_listed {})'", kind);
    return code + (is_file(option) ? " -F" : "");
}

std::string option_line(const std::string& where, const DescribedOption& option) {
    std::string line = "complete -c tilemesh " + where;
    for (const std::string& name : option.names)
        line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    if (!option.value.empty()) line += (is_file(option) ? " -r" : " -x") + value_code(option);
    return line + " -d " + quoted(option.help) + "\n";
}

}  // namespace

std::string fish_completion(const Description& description) {
    std::string text = head;
    for (const DescribedOption& option : description.main.options)
        text += option_line("-n __fish_use_subcommand", option);
    for (const DescribedCommand& command : description.commands) {
        text += fmt::format("complete -c tilemesh -n __fish_use_subcommand -a {} -d {}\n", command.name,
                            quoted(command.help));
        const std::string where = fmt::format("-n '__fish_seen_subcommand_from {}'", command.name);
        for (const DescribedOption& option : command.options) text += option_line(where, option);
        std::string before;
        for (const DescribedOption& option : command.positionals) {
            const std::string values = value_code(option);
            if (values != before) text += fmt::format("complete -c tilemesh {}{}\n", where, values);
            before = values;
        }
    }
    return text;
}

}  // namespace tilemesh::cli
