// SPDX-License-Identifier: Apache-2.0
// Barriers of programs: one waits for every instance of the launch, of all that are launched, whoever among those has
// none. The machine's barrier waits for all command processors; here is what makes one of the other.
#pragma once

#include "sim/tile/context.h"
#include "sim/workloads/program/panel.h"

#include <cstdint>
#include <vector>

namespace tilemesh::workloads {

/// What the command processors of one run know of each other.
class Barriers {
public:
    /// `instances`: of each launch, by PE.
    Barriers(const ProgramChoice& choice, const std::vector<std::vector<std::vector<std::int64_t>>>& instances);

    /// A command processor's way through a launch.
    class Turn {
    public:
        Turn(Barriers& barriers, std::size_t launch, tl::Context& tl)
            : barriers_(barriers), launch_(launch), tl_(tl) {}
        /// A barrier of the kernel. KernelError when not all instances can be there, or one has ended.
        void meet();
        /// Its instances have ended; `any`: it had some.
        void end(bool any);

    private:
        Barriers& barriers_;
        std::size_t launch_;
        tl::Context& tl_;
        std::int64_t met_ = 0;
    };

private:
    struct Launch {
        std::int64_t instances = 0, at_once = 0;  // at_once: command processors that have some
        std::int64_t ended = 0, fewest_met = 0;   // fewest_met: barriers of those that have ended
        bool meets = false;                       // the kernel may have barriers
        bool last = false;
    };
    std::vector<Launch> launches_;
    std::int64_t processors_ = 0;  // that have instances of any launch
};

}  // namespace tilemesh::workloads
