// SPDX-License-Identifier: Apache-2.0
// Values of the commands that work element by element with broadcasting: arithmetic, exponentials, select, cast.
#pragma once

#include "sim/tile/evaluate.h"

namespace tilemesh {

PayloadPtr evaluate_elementwise(ValueStep& step);

}  // namespace tilemesh
