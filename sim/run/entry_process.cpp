// SPDX-License-Identifier: Apache-2.0
// The code of the child processes. An exception becomes a message; anything worse becomes an exit status or a signal,
// which the watcher reports.
#include "sim/run/entry_process.h"

#include "sim/base/error.h"
#include "sim/base/safetensors.h"
#include "sim/report/result_json.h"
#include "sim/report/summary.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <optional>

namespace tilemesh::run {
namespace {

/// Texts from anywhere may hold bytes that are no UTF-8; they must not cost the result.
std::string one_line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// Children die with their parent, however it ends.
void die_with_parent(pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) std::_Exit(1);
}

void save(const std::vector<NamedTensor>& outputs, const Panel& panel, const Entry& entry,
          const std::filesystem::path& file) {
    std::vector<OutputTensor> tensors;
    for (const auto& output : outputs) tensors.push_back({output.name, output.shape, output.values, output.integers});
    write_safetensors(file, tensors, {{"panel", panel.name}, {"kernel", entry.label}});
}

/// `seconds` is the whole entry; the runner may have left in the result what the simulation alone took.
report::HostResult host_facts(double seconds, const report::KernelResult& result) {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const double simulating = result.host.wall_seconds > 0.0 ? result.host.wall_seconds : seconds;
    return {seconds, simulating > 0.0 ? static_cast<double>(result.commands) / simulating : 0.0,
            static_cast<std::uint64_t>(usage.ru_maxrss) * 1024};
}

/// The watcher: forks the entry, waits, reports how it ended.
[[noreturn]] void watch(const Panel& panel, std::size_t kernel, const PreparedPanel& prepared,
                        const Descriptor& result, const EntryFiles& files) {
    std::signal(SIGCHLD, SIG_DFL);
    const pid_t watcher = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) {
        die_with_parent(watcher);
        const Entry& entry = panel.kernels[kernel];
        auto outcome = run_entry(panel, entry, prepared.of(entry), files);
        if (!files.components) outcome.components.clear();
        write_all(result, one_line(report::kernel_to_json(outcome)) + "\n");
        std::fflush(nullptr);
        std::_Exit(0);
    }
    int status = 0;
    if (child < 0) {
        write_all(result, "fork\n");
    } else if (::waitpid(child, &status, 0) == child) {
        write_all(result, WIFSIGNALED(status) ? fmt::format("signal {}\n", WTERMSIG(status))
                                              : fmt::format("exit {}\n", WEXITSTATUS(status)));
    }
    std::_Exit(0);
}

/// What preparing came to, as one line of JSON.
std::string prepare(const Panel& panel, int threads, std::optional<PreparedPanel>& prepared) {
    try {
        prepared.emplace(panel, threads);
        return R"({"ready": true})";
    } catch (const InputError& error) {
        return one_line({{"input_error", error.what()}});
    } catch (const std::exception& error) {
        return one_line({{"error", error.what()}});
    }
}

}  // namespace

report::KernelResult run_entry(const Panel& panel, const Entry& entry, const Prepared& prepared,
                               const EntryFiles& files) {
    const auto start = std::chrono::steady_clock::now();
    report::KernelResult result;
    try {
        EntryOutcome outcome = entry.workload->run(entry.number, prepared,
                                                   {.outputs = !files.save_outputs.empty(),
                                                    .account = !panel.steady,
                                                    .trace = files.trace,
                                                    .pictures = files.pictures,
                                                    .energy = panel.energy});
        result = std::move(outcome.result);
        if (panel.steady && !result.passed) result.passed.emplace();  // it has nothing that repeats
        report::summarise(result);
        report::check_physics(result);
        if (!files.save_outputs.empty()) save(outcome.outputs, panel, entry, files.save_outputs);
    } catch (const InternalError& error) {
        result.status = report::Status::failed;
        result.internal = true;
        result.error = error.what();
    } catch (const HostError& error) {
        result.status = report::Status::crashed;
        result.error = error.what();
    } catch (const std::bad_alloc&) {
        result.status = report::Status::crashed;
        result.error = "there is not enough memory";
    } catch (const std::exception& error) {
        result.status = report::Status::failed;
        result.error = error.what();
    }
    result.kernel = entry.kernel;
    result.label = entry.label;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    result.host = host_facts(seconds.count(), result);
    return result;
}

void serve_panel(const Panel& panel, int threads, ChildPipes pipes, const EntryFiles& files) {
    std::optional<PreparedPanel> prepared;
    const std::string status = prepare(panel, threads, prepared);
    write_all(pipes.status, status + "\n");
    pipes.status.close();
    if (!prepared) std::_Exit(1);
    std::signal(SIGCHLD, SIG_IGN);  // watchers report by themselves; nobody waits for them
    std::string commands;
    while (read_some(pipes.commands, commands)) {
        for (std::size_t end = 0; (end = commands.find('\n')) != std::string::npos; commands.erase(0, end + 1)) {
            const std::size_t kernel = std::stoul(commands.substr(0, end));
            const pid_t server = ::getpid();
            if (::fork() == 0) {
                die_with_parent(server);
                // The parent sees the end of a stream only when no other process holds its writing end.
                for (std::size_t other = 0; other < pipes.results.size(); ++other) {
                    if (other != kernel) pipes.results[other].close();
                }
                watch(panel, kernel, *prepared, pipes.results[kernel], files);
            }
            pipes.results[kernel].close();
        }
    }
    std::_Exit(0);
}

}  // namespace tilemesh::run
