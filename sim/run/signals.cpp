// SPDX-License-Identifier: Apache-2.0
// Signals as a descriptor (signalfd).
#include "sim/run/signals.h"

#include "sim/base/error.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tilemesh::run {

SignalWatch::SignalWatch() {
    sigset_t watched;
    ::sigemptyset(&watched);
    ::sigaddset(&watched, SIGINT);
    ::sigaddset(&watched, SIGTERM);
    // Writing to a worker that has died must be an error, not the end of this process.
    sigset_t blocked = watched;
    ::sigaddset(&blocked, SIGPIPE);
    ::sigprocmask(SIG_BLOCK, &blocked, &before_);
    descriptor_ = Descriptor(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!descriptor_.open()) fail<InternalError>("cannot watch signals: {}", std::strerror(errno));
}

SignalWatch::~SignalWatch() {
    // What arrived has been acted upon; unblocking must not deliver it again.
    signalfd_siginfo seen;
    while (::read(descriptor_.number(), &seen, sizeof seen) > 0) {
    }
    sigset_t pipe;
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    const timespec now{};
    while (::sigtimedwait(&pipe, nullptr, &now) == SIGPIPE) {
    }
    ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace tilemesh::run
