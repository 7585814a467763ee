// SPDX-License-Identifier: Apache-2.0
// A child writes one word (done, failed or internal), a line end and its text, then ends without any clean-up.
#include "sim/run/tasks.h"

#include "sim/base/error.h"
#include "sim/run/child_process.h"
#include "sim/run/pipe.h"
#include "sim/run/signals.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

namespace tilemesh::run {
namespace {

using Clock = std::chrono::steady_clock;

std::string outcome_of(const Task& task) {
    try {
        return "done\n" + task.work();
    } catch (const InternalError& error) {
        return std::string("internal\n") + error.what();
    } catch (const std::exception& error) {
        return std::string("failed\n") + error.what();
    }
}

/// Signals that no mistake of a program's own raises.
bool comes_from_outside(int signal) {
    return signal == SIGKILL || signal == SIGTERM || signal == SIGINT || signal == SIGHUP;
}

class Child {
public:
    Child(const Task& task, std::size_t number) : number_(number), pipe_(make_pipe()), begin_(Clock::now()) {
        process_ = start_child([&] {
            pipe_.reading.close();
            write_all(pipe_.writing, outcome_of(task));
        });
        pipe_.writing.close();
    }
    Child(Child&& other) noexcept
        : number_(other.number_),
          process_(std::exchange(other.process_, -1)),
          pipe_(std::move(other.pipe_)),
          text_(std::move(other.text_)),
          begin_(other.begin_) {}
    Child& operator=(Child&&) = delete;
    ~Child() {
        if (process_ < 0) return;
        ::kill(-process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }

    std::size_t number() const { return number_; }
    int descriptor() const { return pipe_.reading.number(); }
    /// True when the child has ended; `result` is then filled.
    bool read(TaskResult& result) {
        if (read_some(pipe_.reading, text_)) return false;
        int status = 0;
        ::waitpid(std::exchange(process_, -1), &status, 0);
        result.seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
        const std::size_t line = text_.find('\n');
        const std::string word = text_.substr(0, line);
        std::string rest = line == std::string::npos ? "" : text_.substr(line + 1);
        result.internal = word != "done" && word != "failed";
        if (WIFSIGNALED(status)) {
            result.internal = true;
            result.stopped = comes_from_outside(WTERMSIG(status));
            result.failure = fmt::format("its process was killed by signal {} ({})", WTERMSIG(status),
                                         ::strsignal(WTERMSIG(status)));
        } else if (line == std::string::npos) {
            result.failure = fmt::format("its process ended with status {} and no result", WEXITSTATUS(status));
        } else {
            (word == "done" ? result.text : result.failure) = std::move(rest);
        }
        return true;
    }

private:
    std::size_t number_;
    pid_t process_ = -1;
    Pipe pipe_;
    std::string text_;
    Clock::time_point begin_;
};

}  // namespace

bool run_queue(const TaskQueue& queue, int workers) {
    const std::size_t slots =
        workers > 0 ? static_cast<std::size_t>(workers) : std::max(1U, std::thread::hardware_concurrency());
    const SignalWatch signals;
    std::vector<Child> children;
    children.reserve(slots);
    for (std::size_t started = 0;;) {
        while (children.size() < slots) {
            const std::optional<Task> task = queue.next();
            if (!task) break;
            children.emplace_back(*task, started++);
        }
        if (children.empty()) return false;
        std::vector<pollfd> polled = {{signals.number(), POLLIN, 0}};
        for (const Child& child : children) polled.push_back({child.descriptor(), POLLIN, 0});
        if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) fail<InternalError>("poll failed");
        if (polled.front().revents != 0) return true;
        std::vector<Child> remaining;
        remaining.reserve(slots);
        for (std::size_t i = 0; i < children.size(); ++i) {
            TaskResult result;
            if (polled[i + 1].revents == 0 || !children[i].read(result))
                remaining.push_back(std::move(children[i]));
            else
                queue.done(children[i].number(), std::move(result));
        }
        children = std::vector<Child>();
        children.swap(remaining);
    }
}

TasksOutcome run_tasks(const std::vector<Task>& tasks, int workers,
                       const std::function<void(const Progress&)>& on_progress) {
    TasksOutcome outcome;
    outcome.results.resize(tasks.size());
    for (TaskResult& result : outcome.results) {
        result.failure = "interrupted";
        result.interrupted = true;
    }
    Progress progress{0, tasks.size(), ""};
    std::size_t started = 0;
    const auto next = [&]() -> std::optional<Task> {
        if (started == tasks.size()) return {};
        progress.running = tasks[started].name;
        if (on_progress) on_progress(progress);
        return tasks[started++];
    };
    const auto done = [&](std::size_t number, TaskResult result) {
        outcome.results[number] = std::move(result);
        ++progress.finished;
    };
    outcome.interrupted = run_queue({next, done}, workers);
    return outcome;
}

}  // namespace tilemesh::run
