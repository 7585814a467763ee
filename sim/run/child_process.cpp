// SPDX-License-Identifier: Apache-2.0
#include "sim/run/child_process.h"

#include "sim/base/error.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <sys/prctl.h>
#include <unistd.h>

namespace tilemesh::run {

pid_t start_child(const std::function<void()>& body) {
    std::fflush(nullptr);
    const pid_t parent = ::getpid();
    const pid_t process = ::fork();
    if (process < 0) fail<InternalError>("cannot start a process: {}", std::strerror(errno));
    if (process == 0) {
        // A group of its own: the terminal's Ctrl-C reaches the parent alone, which then kills the group.
        ::setpgid(0, 0);
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) std::_Exit(1);
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        body();
        std::fflush(nullptr);
        std::_Exit(0);
    }
    ::setpgid(process, process);  // whichever of the two comes first
    return process;
}

}  // namespace tilemesh::run
