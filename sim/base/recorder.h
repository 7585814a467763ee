// SPDX-License-Identifier: Apache-2.0
// The one seam through which everything observable passes. Engines, links, SRAM and HBM report what they did, since
// when and why; statistics, traces and cycle accounts are recorders. No part formats anything. No recorder, no cost.
#pragma once

#include "sim/base/units.h"

#include <cstdint>
#include <string_view>

namespace tilemesh {

/// A simulated part that can be busy, numbered densely per machine; the machine knows its name
/// ("machine.cube0.pe3.matrix").
using ComponentId = std::uint32_t;

/// One stretch of activity of a component.
struct Activity {
    ComponentId component = 0;
    Picoseconds begin;          // when the component started to work on it
    Picoseconds end;            // when it could start on the next
    Picoseconds wanted;         // when it could have started had the component been free (queueing = begin - wanted)
    Bytes bytes;                // moved by this activity (links, DMA, HBM); 0 for compute
    std::uint64_t work = 0;     // multiply-accumulates or element operations; 0 for movers
    std::uint64_t command = 0;  // index of the command in its PE's program
    std::string_view what;      // "dot", "load", ... static storage
};

class Recorder {
public:
    virtual ~Recorder() = default;
    virtual void activity(const Activity&) = 0;
    /// SRAM in use at one PE changed.
    virtual void sram_level(ComponentId, Picoseconds, Bytes) {}
};

}  // namespace tilemesh
