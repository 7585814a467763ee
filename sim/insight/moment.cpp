// SPDX-License-Identifier: Apache-2.0
#include "sim/insight/moment.h"

namespace tilemesh::insight {

void Steps::grow() {
    constexpr std::size_t block = 4096;
    blocks_.push_back(new Step[block]);
    for (std::size_t i = 0; i < block; ++i) blocks_.back()[i].before = std::exchange(free_, &blocks_.back()[i]);
}

}  // namespace tilemesh::insight
