// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/program/python_process.h"

#include "sim/base/error.h"
#include "sim/base/names.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace tilemesh::workloads {
namespace {

constexpr int lacks_something = 3;  // how tools/python/tilemesh/reference.py says so

struct Answer {
    int status = 0;
    std::string out, errors;
};

class Pipe {
public:
    Pipe() {
        if (::pipe2(ends_.data(), O_CLOEXEC) != 0) fail<InternalError>("no pipe: {}", std::strerror(errno));
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close_end(0);
        close_end(1);
    }
    int end(std::size_t i) const { return ends_[i]; }
    void close_end(std::size_t i) {
        if (ends_[i] >= 0) ::close(ends_[i]);
        ends_[i] = -1;
    }

private:
    std::array<int, 2> ends_{-1, -1};
};

/// Runs a command to its end. What it says beyond the longest output is cut.
Answer run_command(const std::vector<std::string>& words) {
    Pipe out, errors;
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, out.end(1), 1);
    ::posix_spawn_file_actions_adddup2(&actions, errors.end(1), 2);
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    pid_t child = 0;
    const int failed = ::posix_spawnp(&child, arguments.front(), &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
        fail<HostError>("kernels and checks in Python need {}, which cannot be started: {}", words.front(),
                        std::strerror(failed));
    out.close_end(1);
    errors.close_end(1);
    Answer answer;
    std::array<pollfd, 2> watched{{{out.end(0), POLLIN, 0}, {errors.end(0), POLLIN, 0}}};
    std::array<std::string*, 2> texts{&answer.out, &answer.errors};
    std::vector<char> buffer(65536);
    while (watched[0].fd >= 0 || watched[1].fd >= 0) {
        if (::poll(watched.data(), 2, -1) < 0 && errno != EINTR) break;
        for (std::size_t i = 0; i < 2; ++i) {
            if (watched[i].fd < 0 || watched[i].revents == 0) continue;
            const ssize_t count = ::read(watched[i].fd, buffer.data(), buffer.size());
            if (count <= 0) {
                watched[i].fd = -1;
            } else if (texts[i]->size() <= longest_output) {
                texts[i]->append(buffer.data(), static_cast<std::size_t>(count));
            }
        }
    }
    while (::waitpid(child, &answer.status, 0) < 0 && errno == EINTR) {
    }
    return answer;
}

}  // namespace

std::string run_python(std::vector<std::string> words, const std::string& file) {
    const char* chosen = std::getenv("TILEMESH_PYTHON");
    words.insert(words.begin(), chosen && *chosen ? chosen : "python3");
    Answer answer = run_command(words);
    if (WIFEXITED(answer.status) && WEXITSTATUS(answer.status) == 0) return std::move(answer.out);
    std::string last = answer.errors;
    while (!last.empty() && last.back() == '\n') last.pop_back();
    // A complaint is one line; of anything longer the last one says what it was.
    if (const std::size_t line = last.rfind('\n'); line != std::string::npos) last = last.substr(line + 1);
    if (last.empty()) last = fmt::format("{}: python3 ended without a word", file);
    const bool lacks = WIFEXITED(answer.status) && WEXITSTATUS(answer.status) == lacks_something;
    if (lacks) fail<HostError>("{}", printable(last, 500));
    fail<InputError>("{}", printable(last, 500));
}

}  // namespace tilemesh::workloads
