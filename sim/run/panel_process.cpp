// SPDX-License-Identifier: Apache-2.0
// The parent's side of a panel's processes.
#include "sim/run/panel_process.h"

#include "sim/base/error.h"
#include "sim/report/result_json.h"
#include "sim/run/entry_process.h"

#include <sys/wait.h>
#include <unistd.h>
#include "sim/run/child_process.h"

#include <csignal>
#include <cstring>

namespace tilemesh::run {
namespace {

/// "signal 11" -> "its worker process was killed by signal 11 (Segmentation fault)"
std::string how_it_died(const std::string& watched) {
    int number = 0;
    if (std::sscanf(watched.c_str(), "signal %d", &number) == 1)
        return fmt::format("its worker process was killed by signal {} ({})", number, ::strsignal(number));
    if (std::sscanf(watched.c_str(), "exit %d", &number) == 1)
        return fmt::format("its worker process ended with status {} and no result", number);
    if (watched == "fork") return "its worker process could not be started";
    return "its worker process was killed";
}

}  // namespace

PanelProcess::PanelProcess(const Panel& panel, int threads, const EntryFiles& files)
    : panel_(panel), commands_(make_pipe()), status_(make_pipe()), texts_(panel.kernels.size()) {
    for (std::size_t i = 0; i < panel.kernels.size(); ++i) results_.push_back(make_pipe());
    process_ = start_child([&] {
        ChildPipes pipes{std::move(commands_.reading), std::move(status_.writing), {}};
        commands_.writing.close();
        for (auto& pipe : results_) pipes.results.push_back(std::move(pipe.writing));
        serve_panel(panel, threads, std::move(pipes), files);
    });
    commands_.reading.close();
    status_.writing.close();
    for (auto& pipe : results_) pipe.writing.close();
}

PanelProcess::~PanelProcess() {
    ::kill(-process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
}

std::string PanelProcess::finish_preparing() {
    std::string text;
    while (read_some(status_.reading, text)) {
    }
    const Json status = Json::parse(text, nullptr, false);
    if (status.is_discarded()) return "the process that prepares the panel's inputs died";
    if (status.contains("input_error")) throw InputError(status["input_error"].get<std::string>());
    if (status.contains("error")) return status["error"].get<std::string>();
    return "";
}

void PanelProcess::start(std::size_t kernel) {
    // If the process is gone its pipes are closed as well, and read() will say so.
    write_all(commands_.writing, fmt::format("{}\n", kernel));
}

bool PanelProcess::read(std::size_t kernel, report::KernelResult& result) {
    if (read_some(results_[kernel].reading, texts_[kernel])) return false;
    results_[kernel].reading.close();
    result = result_from(kernel);
    texts_[kernel] = std::string();
    return true;
}

report::KernelResult PanelProcess::result_from(std::size_t kernel) const {
    const Entry& entry = panel_.kernels[kernel];
    const std::string& text = texts_[kernel];
    const std::size_t line = text.find('\n');
    if (line != std::string::npos && text.front() == '{') {
        const Json json = Json::parse(text.substr(0, line));
        return report::read_kernel_result(json, entry.where);
    }
    report::KernelResult result;
    result.kernel = entry.kernel;
    result.label = entry.label;
    result.status = report::Status::crashed;
    const std::size_t begin = line == std::string::npos ? 0 : text.rfind('\n', text.size() - 2) + 1;
    result.error = how_it_died(text.empty() ? "" : text.substr(begin, text.size() - begin - 1));
    return result;
}

}  // namespace tilemesh::run
