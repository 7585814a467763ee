// SPDX-License-Identifier: Apache-2.0
// Completion for zsh, by its _arguments.
#include "tools/pages/pages.h"

#include <fmt/format.h>

namespace tilemesh::cli {
namespace {

constexpr const char* head = R"zsh(#compdef tilemesh
# zsh completion for tilemesh, made from the command's own description by tilemesh_pages.

_tilemesh_listed() {
    local -a names
    names=(${(f)"$(${words_of_line[1]:-tilemesh} list $1 --names 2>/dev/null)"})
    compadd -a names
}

_tilemesh() {
    local context state line
    local -a words_of_line commands
    words_of_line=($words)
    commands=(
)zsh";

constexpr const char* middle = R"(    )
    _arguments -C '1: :->command' '*:: :->rest'
    if [[ $state == command ]]; then
        _describe command commands
        return
    fi
    case $line[1] in
)";

/// Between single quotes, in a place where brackets and colons mean something.
std::string quoted(const std::string& text) {
    std::string safe;
    for (const char c : text) {
        if (c == '\'') {
            safe += "'\\''";
        } else {
            if (c == ':' || c == '[' || c == ']' || c == '\\') safe += '\\';
            safe += c;
        }
    }
    return safe;
}

std::string action(const DescribedOption& option) {
    if (const auto words = choices(option); !words.empty()) return fmt::format("({})", fmt::join(words, " "));
    if (const std::string kind = listed_kind(option); !kind.empty())
        return is_file(option) ? fmt::format("{{_tilemesh_listed {}; _files}}", kind)
                               : fmt::format("{{_tilemesh_listed {}}}", kind);
    return is_file(option) ? "_files" : " ";
}

std::string argument(const DescribedOption& option, const std::string& name) {
    std::string text = fmt::format("'{}{}[{}]", option.repeatable ? "*" : "", name, quoted(option.help));
    if (!option.value.empty()) text += fmt::format(":{}:{}", quoted(option.value), action(option));
    return text + "'";
}

std::string command_code(const DescribedCommand& command) {
    std::string code = "    " + command.name + ")\n        _arguments";
    for (const DescribedOption& option : command.options)
        for (const std::string& name : option.names) code += " \\\n            " + argument(option, name);
    for (const DescribedOption& option : command.positionals)
        code += fmt::format(" \\\n            '{}:{}:{}'", option.repeatable ? "*" : "", quoted(option.value),
                            action(option));
    return code + "\n        ;;\n";
}

}  // namespace

std::string zsh_completion(const Description& description) {
    std::string text = head;
    for (const DescribedCommand& command : description.commands)
        text += fmt::format("        '{}:{}'\n", command.name, quoted(command.help));
    text += middle;
    for (const DescribedCommand& command : description.commands) text += command_code(command);
    return text + "    esac\n}\n\n_tilemesh \"$@\"\n";
}

}  // namespace tilemesh::cli
