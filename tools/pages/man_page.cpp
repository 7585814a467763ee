// SPDX-License-Identifier: Apache-2.0
// The man page in the macros of man(7).
#include "tools/pages/pages.h"

#include <fmt/format.h>

namespace tilemesh::cli {
namespace {

/// Text of the page: hyphens that stay ones when they are copied, and no line that begins like a macro.
std::string plain(const std::string& text) {
    std::string safe;
    for (const char c : text) {
        if (c == '\\') {
            safe += "\\e";
        } else if (c == '-') {
            safe += "\\-";
        } else if ((c == '.' || c == '\'') && (safe.empty() || safe.back() == '\n')) {
            safe += std::string("\\&") + c;
        } else {
            safe += c;
        }
    }
    return safe;
}

std::string bold(const std::string& text) { return "\\fB" + plain(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + plain(text) + "\\fR"; }

std::string sentence(const std::string& text) { return plain(text) + (text.ends_with('.') ? "\n" : ".\n"); }

/// A paragraph whose first line hangs out to the left.
std::string tagged(const std::string& tag, const std::string& help) { return ".TP\n" + tag + "\n" + sentence(help); }

std::string option_tag(const DescribedOption& option) {
    std::string tag;
    for (const std::string& name : option.names) tag += (tag.empty() ? "" : ", ") + bold(name);
    return option.value.empty() ? tag : tag + " " + italic(option.value);
}

std::string synopsis(const DescribedCommand& command) {
    std::string text = bold("tilemesh") + " " + bold(command.name);
    for (const DescribedOption& option : command.positionals) {
        const std::string word = italic(option.value) + (option.repeatable ? " .\\|.\\|." : "");
        text += option.required ? " " + word : " [" + word + "]";
    }
    return text + " [" + italic("OPTION") + " .\\|.\\|.]";
}

std::string command_text(const DescribedCommand& command) {
    std::string text = ".SS " + bold(command.name) + "\n" + synopsis(command) + "\n.PP\n" + sentence(command.help);
    for (const DescribedOption& option : command.positionals) text += tagged(italic(option.value), option.help);
    for (const DescribedOption& option : command.options) text += tagged(option_tag(option), option.help);
    return text;
}

constexpr const char* files = R"(.SH FILES
.TP
.I share/tilemesh/configs
Machines, panels, milestones, probes and reference data, beside the folder of the command (of
.I /usr/bin/tilemesh
in
.IR /usr/share/tilemesh ).
Where a machine, panel, milestone or probe is asked for, the name of one of these does, without folder and
.IR .json .
.TP
.I share/tilemesh/python
The front end that reads kernels in Python, and
.BR "import tilemesh" .
.SH ENVIRONMENT
.TP
.B TILEMESH_SHARE
A folder to use instead of
.IR share/tilemesh .
.SH SEE ALSO
.IR README.md ,
.I configs/README.md
and
.I adr
in
.IR share/doc/tilemesh .
)";

}  // namespace

std::string man_page(const Description& description, const std::string& version) {
    std::string text = fmt::format(
        ".\\\" Made from the command's own description by tilemesh_pages.\n"
        ".TH TILEMESH 1 \"\" \"tilemesh {}\" \"User Commands\"\n"
        ".SH NAME\n"
        "tilemesh \\- time, traffic and answers of attention kernels on meshes of processing elements\n"
        ".SH SYNOPSIS\n",
        plain(version));
    for (const DescribedCommand& command : description.commands) text += ".PP\n" + synopsis(command) + "\n";
    text += ".SH DESCRIPTION\n" + plain(description.main.help) + "\n.SH OPTIONS\n";
    for (const DescribedOption& option : description.main.options) text += tagged(option_tag(option), option.help);
    text += ".SH COMMANDS\n";
    for (const DescribedCommand& command : description.commands) text += command_text(command);
    return text + ".SH EXIT STATUS\n" + plain(description.footer) + "\n" + files;
}

}  // namespace tilemesh::cli
