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
constexpr std::chrono::seconds worth_an_estimate(3);
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

std::string in_words(std::chrono::seconds time) {
    const auto seconds = time.count();
    if (seconds < 60) return std::to_string(seconds) + " s";
    const auto minutes = (seconds + 30) / 60;
    if (minutes < 60) return std::to_string(minutes) + " min";
    return std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
}

ProgressBar::ProgressBar(bool quiet)
    : active_(!quiet && ::isatty(2) == 1), begin_(std::chrono::steady_clock::now()) {}

void ProgressBar::show(const run::Progress& progress) {
    if (!active_ || progress.entries == 0) return;
    const std::size_t filled = bar_width * progress.finished / progress.entries;
    std::string line = clear_line;
    line += "[" + std::string(filled, '#') + std::string(bar_width - filled, '.') + "] ";
    line += std::to_string(progress.finished) + "/" + std::to_string(progress.entries) + "  " + progress.running;
    const auto gone = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begin_);
    if (gone >= worth_an_estimate && progress.finished > 0)
        line += ", about " + in_words(gone * (progress.entries - progress.finished) / progress.finished) + " left";
    std::fputs(line.c_str(), stderr);
    std::fflush(stderr);
    drawn_ = true;
}

void ProgressBar::clear() {
    if (drawn_) std::fputs(clear_line, stderr);
    drawn_ = false;
}

}  // namespace tilemesh::cli
