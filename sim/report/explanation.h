// SPDX-License-Identifier: Apache-2.0
// Why a run took its time and what would change it, for the terminal: the critical path in a sentence, the changes by
// what they gain, the hottest lines of a program.
#pragma once

#include "sim/report/result.h"

#include <string>

namespace tilemesh::report {

/// How many times as fast; less than 1: slower. Of what was proved, or else estimated.
double gain_of(const KernelResult& kernel, const WhatIf& change);

/// The change that gains most among those that were proved; null when none gains anything.
const WhatIf* best_proved(const KernelResult& kernel);

/// "First: link=2x, 1.23x as fast (proved)."
std::string first_to_change(const KernelResult& kernel);

/// Both in short: "mesh_kv: 68 % matrix on cube0.pe7, 20 % HBM. First: ..."
std::string why_text(const KernelResult& kernel);

std::string explanation_text(const KernelResult& kernel, bool with_colour);

}  // namespace tilemesh::report
