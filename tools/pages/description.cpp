// SPDX-License-Identifier: Apache-2.0
#include "tools/pages/description.h"

#include <algorithm>
#include <map>

namespace tilemesh::cli {
namespace {

DescribedOption describe(const CLI::Option& option) {
    DescribedOption described;
    if (option.get_positional()) {
        described.names = {option.get_name()};
    } else {
        for (const std::string& name : option.get_snames()) described.names.push_back("-" + name);
        for (const std::string& name : option.get_lnames()) described.names.push_back("--" + name);
    }
    if (option.get_type_size_max() > 0) described.value = option.get_type_name();
    // Checks add what they accept: "INT:INT in [1 - 4096]".
    described.value = described.value.substr(0, described.value.find(':'));
    described.help = option.get_description();
    described.required = option.get_required();
    described.repeatable =
        option.get_expected_max() > 1 || option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
    return described;
}

DescribedCommand describe_command(const CLI::App& app) {
    DescribedCommand command{app.get_name(), app.get_description(), {}, {}};
    for (const CLI::Option* option : app.get_options())
        (option->get_positional() ? command.positionals : command.options).push_back(describe(*option));
    return command;
}

}  // namespace

Description describe(const CLI::App& app) {
    Description description{describe_command(app), app.get_footer(), {}};
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
        description.commands.push_back(describe_command(*command));
    return description;
}

std::vector<std::string> choices(const DescribedOption& option) {
    std::vector<std::string> words;
    if (option.value.find('|') == std::string::npos) return words;
    for (std::size_t begin = 0; begin <= option.value.size();) {
        const std::size_t end = std::min(option.value.find('|', begin), option.value.size());
        words.push_back(option.value.substr(begin, end - begin));
        begin = end + 1;
    }
    return words;
}

std::string listed_kind(const DescribedOption& option) {
    static const std::map<std::string, std::string> kinds{{"PANEL.json", "panels"},
                                                          {"MILESTONE.json", "milestones"},
                                                          {"PROBE.json", "probes"},
                                                          {"KERNEL", "kernels"},
                                                          {"SUITE", "suites"}};
    const auto kind = kinds.find(option.value);
    return kind == kinds.end() ? "" : kind->second;
}

bool is_file(const DescribedOption& option) {
    return option.value == "FILE" || option.value.ends_with(".json") || option.value.ends_with(".html");
}

}  // namespace tilemesh::cli
