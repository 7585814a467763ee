// SPDX-License-Identifier: Apache-2.0
// What depends on whether a person is watching: colour, the progress bar, log lines.
#pragma once

#include "sim/run/workers.h"

#include <spdlog/logger.h>

#include <chrono>
#include <string>

namespace tilemesh::cli {

/// Colour on a descriptor: only on a terminal, and never when NO_COLOR is set (https://no-color.org).
bool colour_wanted(int descriptor);

/// Lines on stderr of the form "tilemesh: error: text".
spdlog::logger make_log();

/// One line on stderr that is redrawn in place, with the time that is left if what comes takes as long as what was;
/// silent unless stderr is a terminal.
class ProgressBar {
public:
    explicit ProgressBar(bool quiet);
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;
    ~ProgressBar() { clear(); }
    void show(const run::Progress& progress);
    void clear();

private:
    bool active_;
    bool drawn_ = false;
    std::chrono::steady_clock::time_point begin_;
};

/// "40 s", "12 min", "3 h 20 min".
std::string in_words(std::chrono::seconds time);

}  // namespace tilemesh::cli
