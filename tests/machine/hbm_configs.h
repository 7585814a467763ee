// SPDX-License-Identifier: Apache-2.0
// HBM configurations for tests: four HBM3 channels of 51.2 GB/s unless told otherwise.
#pragma once

#include "sim/memory/config.h"

namespace tilemesh::test {

inline memory::HbmConfig hbm_config(const Json& changes) {
    Json json = {
        {"bytes_per_pe", 1 << 30}, {"channels_per_pe", 4}, {"gbytes_per_s_per_channel", 51.2}, {"standard", "HBM3"}};
    if (changes.is_object()) json.merge_patch(changes);
    return memory::read_hbm(JsonReader(json, "test"));
}

}  // namespace tilemesh::test
