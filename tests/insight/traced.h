// SPDX-License-Identifier: Apache-2.0
// A kernel of a panel run in this process, with a trace.
#pragma once

#include "sim/run/panel.h"
#include "tests/insight/trace_reader.h"

#include <string>

namespace tilemesh::test {

struct Traced {
    report::KernelResult result;
    std::string bytes;  // of the trace
    ReadTrace trace;
    run::Panel panel;
    const report::ComponentResult& part(const std::string& path) const;
};

/// Runs the first kernel of a panel; its paths are relative to the folder of the tree. Of `choice` the file is set
/// here. Without a trace when that is not wanted; with pictures when there is room for them.
Traced traced(const Json& panel, TraceChoice choice = {}, bool with_trace = true, Bytes pictures = {});
/// configs/panels/NAME.json with the kernel of that label alone, values none.
Json shipped_panel(const std::string& name, const std::string& label);

/// Causal attention of a kernel on a line of `pes`.
Json attention_panel(const std::string& kernel, int pes, const std::string& machine = "cube_line8");

}  // namespace tilemesh::test
