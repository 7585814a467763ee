// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/trace_options.h"

#include "sim/base/error.h"
#include "sim/base/names.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

namespace tilemesh::cli {
namespace {

using Units = std::vector<std::pair<std::string_view, double>>;

const Units times = {{"ps", 1}, {"ns", 1e3}, {"us", 1e6}, {"ms", 1e9}, {"s", 1e12}};
const Units sizes = {{"B", 1}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}};
constexpr double most = 0x1p60;
constexpr std::uint64_t smallest_limit = 100000;

/// A number with one of the units behind it.
std::optional<std::uint64_t> measure(std::string_view text, const Units& units) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || !(number >= 0)) return std::nullopt;
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    for (const auto& [name, factor] : units)
        if (unit == name && number * factor <= most) return static_cast<std::uint64_t>(number * factor + 0.5);
    return std::nullopt;
}

void read_window(const std::string& text, TraceChoice& choice) {
    const std::size_t dots = text.find("..");
    const auto refuse = [&] {
        fail<InputError>(
            "--trace-window {}: expected FROM..TO, times with units, the later one last, e.g. 10us..20us or 1.5ms..",
            printable(text));
    };
    if (dots == std::string::npos || text == "..") refuse();
    const auto side = [&](std::string_view words, Picoseconds& time) {
        if (words.empty()) return;
        const auto value = measure(words, times);
        if (!value) refuse();
        time = Picoseconds(*value);
    };
    side(std::string_view(text).substr(0, dots), choice.from);
    side(std::string_view(text).substr(dots + 2), choice.to);
    if (choice.from >= choice.to) refuse();
}

void read_pes(const std::string& text, int pes, TraceChoice& choice) {
    const auto refuse = [&] {
        fail<InputError>("--trace-pe {}: expected numbers of PEs and ranges, e.g. 0-3,8", printable(text));
    };
    std::string_view rest = text;
    const auto number = [&] {
        int value = 0;
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
        if (error != std::errc() || value < 0) refuse();
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        return value;
    };
    while (true) {
        const int first = number();
        int last = first;
        if (rest.starts_with('-')) {
            rest.remove_prefix(1);
            last = number();
        }
        if (last < first) refuse();
        if (last >= pes)
            fail<InputError>("--trace-pe {}: there is no PE {}, the machine has {}", printable(text), last, pes);
        choice.pes.emplace_back(first, last);
        if (rest.empty()) return;
        if (rest.front() != ',') refuse();
        rest.remove_prefix(1);
    }
}

}  // namespace

void declare(CLI::App& command, TraceFlags& flags) {
    CLI::Option* file = command
                            .add_option("--trace", flags.file,
                                        "Write what one kernel did when, for ui.perfetto.dev; 1 ns there is 1 ps")
                            ->type_name("FILE");
    command.add_option("--trace-window", flags.window, "Only what overlaps this time of the run, e.g. 10us..20us")
        ->type_name("FROM..TO")
        ->needs(file);
    command.add_option("--trace-pe", flags.pes, "Only these PEs, with their HBM and their links out, e.g. 0-3,8")
        ->type_name("LIST")
        ->needs(file);
    command
        .add_option("--trace-limit", flags.limit, "Stop tracing before the file is larger than this; default: 2GB")
        ->type_name("SIZE")
        ->needs(file);
}

TraceChoice trace_choice(const TraceFlags& flags, const std::vector<run::Panel>& panels) {
    TraceChoice choice;
    if (flags.file.empty()) return choice;
    if (panels.size() != 1 || panels.front().kernels.size() != 1)
        fail<InputError>("--trace {}: expected a single kernel on a single panel; choose one with --kernel",
                         flags.file);
    if (flags.file == "-") fail<InputError>("--trace -: expected a file");
    choice.file = flags.file;
    if (!flags.window.empty()) read_window(flags.window, choice);
    if (!flags.pes.empty()) read_pes(flags.pes, panels.front().machine.pes(), choice);
    if (!flags.limit.empty()) {
        const auto limit = measure(flags.limit, sizes);
        if (!limit || *limit < smallest_limit)
            fail<InputError>("--trace-limit {}: expected a size with its unit, at least 100kB, e.g. 500MB",
                             printable(flags.limit));
        choice.limit = Bytes(*limit);
    }
    return choice;
}

}  // namespace tilemesh::cli
