// SPDX-License-Identifier: Apache-2.0
// What a load reads or a store writes where it is no box of a tensor: any elements of memory, in the HBM slices of
// one or several PEs. Timing uses the parts; values go through read and write, at the moment the transfer starts.
#pragma once

#include "sim/base/counted.h"
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

class Access : public Counted {
public:
    /// The parts of each home lie together; none: nothing moves.
    std::span<const AccessPart> parts() const {
        return parts_.empty() ? std::span(&part_, has_part_ ? 1 : 0) : std::span(parts_);
    }
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
        if (has_part_) {
            if (parts_.empty()) parts_.push_back(part_);
            parts_.push_back(part);
        } else {
            part_ = part;
            has_part_ = true;
        }
        bytes_ += Bytes(part.bytes * part.segments);
    }

private:
    // Most accesses have one part, which needs no list.
    AccessPart part_;
    bool has_part_ = false;
    std::vector<AccessPart> parts_;  // of several
    Bytes bytes_;
};

}  // namespace tilemesh
