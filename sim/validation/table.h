// SPDX-License-Identifier: Apache-2.0
// What `tilemesh validate` prints.
#pragma once

#include "sim/validation/validate.h"

#include <string>

namespace tilemesh::validation {

/// One line per suite, then a line for every condition that does not hold, then one sentence.
std::string validation_text(const ValidationResult& result, bool with_colour);

/// Every comparison of every suite: reference, measured, error.
std::string report_text(const ValidationResult& result, bool with_colour);

}  // namespace tilemesh::validation
