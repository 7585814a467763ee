// SPDX-License-Identifier: Apache-2.0
// A process for work that must not share this one: a simulation of its own, memory of its own, a death of its own.
#pragma once

#include <functional>

#include <sys/types.h>

namespace tilemesh::run {

/// Starts a child that does `body` and ends; returns its id. The child is a process group of its own, takes signals
/// as a new process does, and dies with this process. InternalError when there can be no more processes.
pid_t start_child(const std::function<void()>& body);

}  // namespace tilemesh::run
