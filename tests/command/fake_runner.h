// SPDX-License-Identifier: Apache-2.0
// A simulator for tests of everything around the simulator: its kernels do at once what real ones do rarely.
#pragma once

#include "sim/run/entry.h"

namespace tilemesh {

class FakeRunner : public run::EntryRunner {
public:
    std::vector<run::KernelInfo> kernels() const override;
    void check(const run::Panel& panel, const run::KernelChoice& choice) const override;
    void check_inputs(const run::Panel& panel) const override;
    std::shared_ptr<const run::Prepared> prepare(const run::Panel& panel, int threads) const override;
    run::EntryOutcome run(const run::Panel& panel, const run::KernelChoice& choice, const run::Prepared& prepared,
                          bool want_outputs) const override;
};

}  // namespace tilemesh
