// SPDX-License-Identifier: Apache-2.0
// Terminal manners.
#include "tools/cli/terminal.h"

#include <spdlog/sinks/stdout_color_sinks.h>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace tilemesh::cli {
namespace {

constexpr std::size_t bar_width = 30;
const char* const clear_line = "\r\033[K";

}  // namespace

bool colour_wanted(int descriptor) {
    const char* no_color = std::getenv("NO_COLOR");
    if (no_color != nullptr && *no_color != '\0') return false;
    const char* terminal = std::getenv("TERM");
    if (terminal == nullptr || std::string_view(terminal) == "dumb") return false;
    return ::isatty(descriptor) == 1;
}

spdlog::logger make_log() {
    const auto mode = colour_wanted(2) ? spdlog::color_mode::always : spdlog::color_mode::never;
    spdlog::logger log("tilemesh", std::make_shared<spdlog::sinks::stderr_color_sink_st>(mode));
    log.set_pattern("%n: %^%l%$: %v");
    return log;
}

ProgressBar::ProgressBar(bool quiet) : active_(!quiet && ::isatty(2) == 1) {}

void ProgressBar::show(const run::Progress& progress) {
    if (!active_ || progress.entries == 0) return;
    const std::size_t filled = bar_width * progress.finished / progress.entries;
    std::string line = clear_line;
    line += "[" + std::string(filled, '#') + std::string(bar_width - filled, '.') + "] ";
    line += std::to_string(progress.finished) + "/" + std::to_string(progress.entries) + "  " + progress.running;
    std::fputs(line.c_str(), stderr);
    std::fflush(stderr);
    drawn_ = true;
}

void ProgressBar::clear() {
    if (drawn_) std::fputs(clear_line, stderr);
    drawn_ = false;
}

}  // namespace tilemesh::cli
