// SPDX-License-Identifier: Apache-2.0
// Made-up results with round numbers, so that every figure derived from them can be worked out in the head.
#pragma once

#include "sim/report/summary.h"

namespace tilemesh {

/// A run of 1000 ns at 1 GHz: a matrix engine with 8 MACs/ns peak half used, an HBM with 100 GB/s a quarter used, two
/// links with 10 GB/s of which the busier carries 6000 bytes; bounds of 900 and 800 ns.
inline report::KernelResult made_up_kernel(const std::string& label) {
    report::KernelResult kernel;
    kernel.kernel = kernel.label = label;
    kernel.options = {{"tile_queries", 512}, {"tile_keys", 256}};
    kernel.time = from_nanoseconds(1000);
    kernel.clock_ghz = 1.0;
    kernel.flops = 8'000'000;
    kernel.commands = 42;
    kernel.bound = "link";
    kernel.machine_bound = {from_nanoseconds(800), "matrix", {{"matrix", from_nanoseconds(800)}}};
    kernel.schedule_bound = {
        from_nanoseconds(900), "link", {{"matrix", from_nanoseconds(800)}, {"link", from_nanoseconds(900)}}};
    kernel.verdict = {"full", true, 2.5e-4, 1e-3, 1e-5, 640, 4e-4, 0.9, 1.2, "all rows", ""};
    const auto part = [](std::string path, std::string kind, double busy_ns, std::uint64_t bytes, std::uint64_t work,
                         double peak) {
        return report::ComponentResult{std::move(path),
                                       std::move(kind),
                                       from_nanoseconds(busy_ns),
                                       Picoseconds(250),
                                       Bytes(bytes),
                                       work,
                                       7,
                                       peak};
    };
    kernel.components = {part("machine.cube0.pe0.matrix", "matrix", 600, 0, 4000, 8),
                         part("machine.cube0.pe0.hbm", "hbm", 300, 25000, 0, 100),
                         part("machine.cube0.pe0.send", "send", 700, 6500, 0, 0),
                         part("machine.cube0.pe1.receive", "receive", 700, 6500, 0, 0),
                         part("machine.cube0.link.pe0.east", "link", 600, 6000, 0, 10),
                         part("machine.cube0.link.pe1.west", "link", 50, 500, 0, 10)};
    report::summarise(kernel);
    return kernel;
}

inline report::RunResult made_up_run() {
    report::PanelResult panel;
    panel.name = "made_up";
    panel.description = "four kernels with round numbers";
    panel.configuration = Json{{"problem", {{"heads_q", 8}}}};
    panel.seed = 17;
    panel.layers = 80;
    panel.kernels = {made_up_kernel("fast"), made_up_kernel("slow"), made_up_kernel("wrong"), {}};
    panel.kernels[1].time = from_nanoseconds(1500);
    report::summarise(panel.kernels[1]);
    panel.kernels[2].time = from_nanoseconds(500);  // wrong and therefore not the winner
    panel.kernels[2].machine_bound = panel.kernels[2].schedule_bound = {};
    panel.kernels[2].components.clear();
    panel.kernels[2].verdict = {
        "full", false, 0.75, 2.0, 0.5, 640, 4e-4, 2e3, 1.2, "all rows", "relative L2 is 0.75, expected at most 4e-4"};
    report::summarise(panel.kernels[2]);
    panel.kernels[3].kernel = panel.kernels[3].label = "dead";
    panel.kernels[3].status = report::Status::crashed;
    panel.kernels[3].error = "its worker process was killed by signal 11 (Segmentation fault)";
    report::RunResult run;
    run.name = "made_up";
    run.tool_version = "1.2.3";
    run.panels = {panel};
    run.wall_seconds = 2.5;
    run.workers = 2;
    return run;
}

}  // namespace tilemesh
