// SPDX-License-Identifier: Apache-2.0
// A panel run exactly and steady, and how far the two are from each other.
#pragma once

#include "tests/kernels/experiment.h"

#include <catch2/catch.hpp>

namespace kernel_test {

struct Pair {
    report::KernelResult exact, steady;
};

inline Pair both(Json panel) {
    panel["values"] = {{"mode", "none"}};
    Experiment exact(panel);
    panel["steady"] = true;
    Experiment steady(panel);
    return {exact.run().result, steady.run().result};
}

inline double off(const Pair& pair) {
    return static_cast<double>(pair.steady.time.value()) / static_cast<double>(pair.exact.time.value()) - 1.0;
}

inline void check_amounts(const Pair& pair) {
    CHECK(pair.steady.commands == pair.exact.commands);
    REQUIRE(pair.steady.components.size() == pair.exact.components.size());
    for (std::size_t i = 0; i < pair.exact.components.size(); ++i) {
        const report::ComponentResult &steady = pair.steady.components[i], &exact = pair.exact.components[i];
        INFO(exact.path);
        CHECK(steady.work == exact.work);
        if (steady.kind != "link") CHECK(steady.activities == exact.activities);  // they have moved trains
        CHECK(steady.bytes == exact.bytes);
    }
}

/// What the steady run says of itself, as off().
inline double doubt(const Pair& pair) {
    return static_cast<double>(pair.steady.passed->doubt.value()) / static_cast<double>(pair.steady.time.value());
}

}  // namespace kernel_test
