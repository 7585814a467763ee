// SPDX-License-Identifier: Apache-2.0
// Kernels without time: those of panels, and texts on small machines.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/check/untimed_machine.h"

#include <functional>
#include <map>
#include <string>

namespace tilemesh::test {

/// A kernel of a panel as Programs reads it.
check::Report check_panel(const Json& panel);

using Texts = std::map<int, std::function<void(tl::Context&)>>;  // by PE
/// The tensors that `lay_out` makes are there before the texts run.
check::Report check_texts(const machine::MachineConfig& config, const Texts& texts,
                          const std::function<void(machine::Target&)>& lay_out = {});

/// The text of all findings of a kind, mistakes or not; empty when there is none.
std::string found(const check::Report& report, const std::string& kind);

}  // namespace tilemesh::test
