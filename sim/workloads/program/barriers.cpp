// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/program/barriers.h"

#include "sim/base/error.h"

#include <algorithm>

namespace tilemesh::workloads {
namespace {

bool has_barriers(const program::Program& program) {
    return std::any_of(program.functions.begin(), program.functions.end(), [](const program::Function& function) {
        return std::any_of(function.code.begin(), function.code.end(), [](const program::Instruction& instruction) {
            return instruction.op == program::Op::barrier;
        });
    });
}

}  // namespace

Barriers::Barriers(const ProgramChoice& choice,
                   const std::vector<std::vector<std::vector<std::int64_t>>>& instances) {
    const auto in_flight = static_cast<std::size_t>(choice.programs_per_pe);
    std::vector<std::size_t> most(instances.empty() ? 0 : instances.front().size(), 0);
    for (std::size_t number = 0; number < instances.size(); ++number) {
        Launch& launch = launches_.emplace_back();
        launch.instances = choice.launches[number].instances();
        launch.meets = has_barriers(*choice.launches[number].program);
        launch.last = number + 1 == instances.size();
        for (std::size_t pe = 0; pe < most.size(); ++pe) {
            const std::size_t working = std::min(instances[number][pe].size(), in_flight);
            launch.at_once += static_cast<std::int64_t>(working);
            most[pe] = std::max(most[pe], working);
        }
    }
    for (const std::size_t working : most) processors_ += static_cast<std::int64_t>(working);
}

void Barriers::Turn::meet() {
    const Launch& launch = barriers_.launches_[launch_];
    if (launch.at_once < launch.instances)
        fail<KernelError>(
            "a barrier waits for every instance, and of {} only {} can be in flight at once: use a smaller grid, "
            "more "
            "programs_per_pe, or another dispatch",
            launch.instances, launch.at_once);
    tl_.barrier();
    ++met_;
    if (launch.ended > 0 && launch.fewest_met < met_)
        fail<KernelError>("a barrier waits for every instance, and one has ended without coming to it");
}

void Barriers::Turn::end(bool any) {
    Launch& launch = barriers_.launches_[launch_];
    if (any) {
        launch.fewest_met = launch.ended == 0 ? met_ : std::min(launch.fewest_met, met_);
        ++launch.ended;
    }
    // Who has no instance comes to the kernel's barriers too, that those open; nobody waits after the last launch
    // otherwise.
    if (launch.last && (!launch.meets || launch.at_once == barriers_.processors_)) return;
    do {
        tl_.barrier();
        ++met_;
    } while (launch.ended < launch.at_once || met_ <= launch.fewest_met);
}

}  // namespace tilemesh::workloads
