// SPDX-License-Identifier: Apache-2.0
// Panels with programs, run in this process: those of configs/panels/programs, and small ones made here of kernels in
// the .py files of this folder.
#pragma once

#include "sim/run/panel.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tilemesh::test {

struct Ran {
    report::KernelResult result;
    std::map<std::string, std::vector<float>> outputs;  // by tensor; empty unless values are computed
    /// Activities of all components of a kind: "send", "receive", "dma_load", "matrix", ...
    std::uint64_t count(const std::string& kind) const;
    std::uint64_t bytes(const std::string& kind) const;
    /// Of a link, "cube0.pe1_to_pe2"; 0 if it carried nothing.
    std::uint64_t link_bytes(const std::string& name) const;
    std::uint64_t busiest_link_bytes() const;
};

class Programs {
public:
    /// configs/panels/programs/NAME.json, after settings as of --set.
    explicit Programs(const std::string& name, const std::vector<std::string>& settings = {});
    explicit Programs(const char* name, const std::vector<std::string>& settings = {})
        : Programs(std::string(name), settings) {}
    /// Paths in it are relative to this folder.
    explicit Programs(const Json& panel);

    std::size_t kernels() const { return panel_.kernels.size(); }
    const std::string& label(std::size_t kernel) const { return panel_.kernels[kernel].label; }
    const run::Panel& panel() const { return panel_; }
    /// Checks and runs a kernel, and holds it against physics.
    Ran run(std::size_t kernel = 0);

private:
    run::Panel panel_;
    std::map<const run::Workload*, std::shared_ptr<const run::Prepared>> prepared_;
};

/// The names of all panels in configs/panels/programs.
std::vector<std::string> program_panels();

/// A panel of one kernel of constructs.py on the default line of 8: tensors as in a panel, arguments by parameter.
Json small_panel(const std::string& kernel, const Json& tensors, const Json& arguments, const Json& grid = {1});
/// What running it ends in: the message of its KernelError or InputError; empty when it does not fail.
std::string failure_of(const Json& panel);
/// The values that the tensor "y" holds afterwards.
std::vector<float> result_of(const Json& panel);

}  // namespace tilemesh::test
