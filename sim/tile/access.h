// SPDX-License-Identifier: Apache-2.0
// What a load reads or a store writes where it is no box of a tensor: any elements of memory, in the HBM slices of
// one or several PEs. Timing uses the parts; values go through read and write, at the moment the transfer starts.
#pragma once

#include "sim/base/units.h"
#include "sim/tile/values.h"

#include <cstdint>
#include <span>
#include <vector>

namespace tilemesh {

/// Evenly spaced segments in the HBM slice of one PE.
struct AccessPart {
    int home = 0;
    std::uint64_t address = 0;  // of the first segment, in the slice
    std::uint64_t bytes = 0;    // of a segment
    std::uint64_t segments = 1;
    std::uint64_t stride = 0;  // bytes from one segment to the next
};

class Access {
public:
    virtual ~Access() = default;

    /// The parts of each home lie together; none: nothing moves.
    std::span<const AccessPart> parts() const { return parts_; }
    Bytes bytes() const { return bytes_; }

    /// May both touch the same element?
    virtual bool meets(const Access& other) const = 0;
    /// The values as the memory holds them now.
    virtual PayloadPtr read() const = 0;
    /// `values` is null for a store of numbers that the access has itself.
    virtual void write(Payload* values) = 0;
    /// Does it read and write, with nothing in between that others do?
    virtual bool is_atomic() const { return false; }
    /// Does the access have what it stores itself? Then it is stored in every run.
    virtual bool stores_numbers() const { return false; }

protected:
    void add_part(const AccessPart& part) {
        parts_.push_back(part);
        bytes_ += Bytes(part.bytes * part.segments);
    }

private:
    std::vector<AccessPart> parts_;
    Bytes bytes_;
};

}  // namespace tilemesh
