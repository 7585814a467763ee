// SPDX-License-Identifier: Apache-2.0
// Regimes in which a run's figures are less certain than the suites of `tilemesh validate` show, or which no
// reference data covers. A run that enters one says so: in its table, and in its result file.
#pragma once

#include "sim/report/result.h"

namespace tilemesh::report {

/// The regimes a summarised result is in, in the order of cautions.cpp; none for a run that did not finish.
std::vector<Caution> cautions_of(const KernelResult& result);

/// A line for each regime that a kernel of the panel entered, naming the kernels; "" when none did.
std::string cautions_text(const PanelResult& panel);

}  // namespace tilemesh::report
