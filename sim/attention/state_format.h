// SPDX-License-Identifier: Apache-2.0
// How partial results of the forward pass are kept and how they travel from rank to rank. Arithmetic on them is in
// kernels/attention/attend.h; which of the two a panel asks for, in sim/workloads/attention/panel.h.
#pragma once

#include "sim/base/dtype.h"

#include <cstdint>

namespace tilemesh::attention {

struct StateFormat {
    enum class Sent : std::uint8_t {
        mlo,      // running maximum, sum of exponentials and unnormalised output
        out_lse,  // normalised output and its log-sum-exp: a number per row less, a division per hop more
    };
    Sent sent = Sent::mlo;
    /// Of o, in SRAM, in HBM and on links; m, l and lse are f32. Anything but f32 rounds the running o after every
    /// block of keys: for showing what that costs in accuracy.
    Dtype o = Dtype::f32;

    /// What one row of a partial result is on a link.
    std::int64_t sent_row_bytes(std::int64_t value_dim) const {
        const std::int64_t columns = sent == Sent::mlo ? 2 : 1;
        return value_dim * static_cast<std::int64_t>(bytes_per_element(o)) +
               columns * static_cast<std::int64_t>(bytes_per_element(Dtype::f32));
    }
};

}  // namespace tilemesh::attention
