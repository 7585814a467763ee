// SPDX-License-Identifier: Apache-2.0
// While one lives, SIGINT and SIGTERM do not end the process but make a descriptor readable, so that a loop that
// polls can finish in order. No handler, no global state.
#pragma once

#include "sim/run/pipe.h"

#include <csignal>

namespace tilemesh::run {

class SignalWatch {
public:
    SignalWatch();
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;
    ~SignalWatch();
    int number() const { return descriptor_.number(); }

private:
    sigset_t before_;
    Descriptor descriptor_;
};

}  // namespace tilemesh::run
