// SPDX-License-Identifier: Apache-2.0
// Runs the same work on several threads, for the f64 references. What is divided, and how, is the work's own matter:
// usually each call takes numbers from one atomic counter until none is left.
#pragma once

#include <algorithm>
#include <exception>
#include <thread>
#include <vector>

namespace tilemesh::attention {

/// Calls work() on `threads` threads (at least one), this one among them, and returns when all have returned. An
/// exception of any of them is thrown again here.
template <class Work>
void in_parallel(int threads, const Work& work) {
    std::vector<std::exception_ptr> failures(static_cast<std::size_t>(std::max(threads, 1)));
    const auto guarded = [&work](std::exception_ptr& failure) {
        try {
            work();
        } catch (...) {
            failure = std::current_exception();
        }
    };
    {
        std::vector<std::jthread> others;
        for (std::size_t i = 1; i < failures.size(); ++i) {
            others.emplace_back([&guarded, &failure = failures[i]] { guarded(failure); });
        }
        guarded(failures.front());
    }
    for (const std::exception_ptr& failure : failures) {
        if (failure) std::rethrow_exception(failure);
    }
}

}  // namespace tilemesh::attention
