// SPDX-License-Identifier: Apache-2.0
// The ways in which a run can end badly. Each maps to one exit code of the command; the only catch is in main
// and in the worker that runs one entry.
#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>

namespace tilemesh {

/// The user's input cannot be used (exit code 2). The text is one line: where, what was found, what was expected.
class InputError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What tilemesh runs on lacks something: memory, an interpreter, one of its modules. Elsewhere the same input runs.
class HostError : public InputError {
public:
    using InputError::InputError;
};

/// The simulated kernel failed: deadlock, SRAM exhaustion, mismatching message, bad shapes (exit code 1).
class KernelError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// tilemesh itself is wrong: a run beat its lower bound, a link exceeded its rate (exit code 3).
class InternalError : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

/// Throws `E` with a formatted text.
template <class E, class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
    throw E(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace tilemesh
