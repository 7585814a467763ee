// SPDX-License-Identifier: Apache-2.0
// Completion for bash. What is installed or in the user's folders is asked of the command that is being completed, so
// that a command with kernels of its own completes them too.
#include "tools/pages/pages.h"

#include <fmt/format.h>

namespace tilemesh::cli {
namespace {

constexpr const char* head =
    R"bash(# bash completion for tilemesh, made from the command's own description by tilemesh_pages.

_tilemesh_listed() {
    COMPREPLY+=($(compgen -W "$("${COMP_WORDS[0]}" list "$1" --names 2>/dev/null)" -- "$word"))
}
_tilemesh_files() {
    local IFS=$'\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY+=($(compgen -f -- "$word"))
}
_tilemesh_words() {
    COMPREPLY+=($(compgen -W "$1" -- "$word"))
}

_tilemesh() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        _tilemesh_words ")bash";

constexpr const char* tail = R"bash(    esac
}
complete -F _tilemesh tilemesh
)bash";

/// What completes a value.
std::string value_code(const DescribedOption& option) {
    std::string code;
    if (const auto words = choices(option); !words.empty())
        code += fmt::format("_tilemesh_words \"{}\"; ", fmt::join(words, " "));
    if (const std::string kind = listed_kind(option); !kind.empty()) code += "_tilemesh_listed " + kind + "; ";
    if (is_file(option)) code += "_tilemesh_files; ";
    return code;
}

std::string command_code(const DescribedCommand& command) {
    std::string code = "    " + command.name + ")\n        case $before in\n", options;
    for (const DescribedOption& option : command.options) {
        for (const std::string& name : option.names) options += (options.empty() ? "" : " ") + name;
        if (!option.value.empty())
            code += fmt::format("        {}) {}return ;;\n", fmt::join(option.names, "|"), value_code(option));
    }
    code += "        esac\n        if [[ $word == -* ]]; then\n            _tilemesh_words \"" + options +
            "\"\n            return\n        fi\n";
    std::string place;
    for (std::size_t i = 0; i < command.positionals.size(); ++i) {
        const std::string values = value_code(command.positionals[i]);
        if (values != place) code += "        " + values.substr(0, values.rfind(';')) + "\n";
        place = values;
    }
    return code + "        ;;\n";
}

}  // namespace

std::string bash_completion(const Description& description) {
    std::string text = head;
    for (const DescribedCommand& command : description.commands) text += command.name + " ";
    for (const DescribedOption& option : description.main.options)
        text += fmt::format("{} ", fmt::join(option.names, " "));
    text.back() = '"';
    text += "\n        return\n    fi\n    case $command in\n";
    for (const DescribedCommand& command : description.commands) text += command_code(command);
    return text + tail;
}

}  // namespace tilemesh::cli
