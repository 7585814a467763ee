// SPDX-License-Identifier: Apache-2.0
#include "tests/programs/programs.h"

#include "kernels/all.h"
#include "sim/base/error.h"
#include "sim/report/summary.h"
#include "sim/workloads/attention/attention_run.h"
#include "sim/workloads/program/program_run.h"

#include <algorithm>
#include <filesystem>

namespace tilemesh::test {
namespace {

const std::filesystem::path root = TILEMESH_SOURCE_DIR;

run::Panel read(const run::Resolved& resolved) {
    static const workloads::ProgramKind programs;
    static const workloads::AttentionKind attention(kernels::all());
    return run::read_panel(resolved, {&programs, &attention});
}

template <class Take>
std::uint64_t total(const report::KernelResult& result, const std::string& kind, Take take) {
    std::uint64_t sum = 0;
    for (const report::ComponentResult& part : result.components)
        if (part.kind == kind) sum += take(part);
    return sum;
}

}  // namespace

std::uint64_t Ran::count(const std::string& kind) const {
    return total(result, kind, [](const auto& part) { return part.activities; });
}
std::uint64_t Ran::bytes(const std::string& kind) const {
    return total(result, kind, [](const auto& part) { return part.bytes.value(); });
}
std::uint64_t Ran::link_bytes(const std::string& name) const {
    for (const report::ComponentResult& part : result.components)
        if (part.kind == "link" && part.path == "machine." + name) return part.bytes.value();
    return 0;
}
std::uint64_t Ran::busiest_link_bytes() const {
    std::uint64_t most = 0;
    for (const report::ComponentResult& part : result.components)
        if (part.kind == "link") most = std::max(most, part.bytes.value());
    return most;
}

Programs::Programs(const std::string& name, const std::vector<std::string>& settings) {
    run::Resolved resolved = run::resolve_panel_file(root / "configs/panels/programs" / (name + ".json"));
    for (const std::string& setting : settings) run::apply_setting(resolved, run::parse_setting(setting));
    panel_ = read(resolved);
}

Programs::Programs(const Json& panel)
    : panel_(read(run::resolve_panel_object(panel, "test", root / "tests/programs"))) {}

Ran Programs::run(std::size_t kernel) {
    const run::Entry& entry = panel_.kernels.at(kernel);
    entry.workload->check(entry.number);
    auto& prepared = prepared_[entry.workload.get()];
    if (!prepared) prepared = entry.workload->prepare({entry.number}, 1);
    run::EntryOutcome outcome = entry.workload->run(entry.number, *prepared, {true, true});
    report::check_physics(outcome.result);
    Ran ran{std::move(outcome.result), {}};
    for (run::NamedTensor& tensor : outcome.outputs) {
        if (tensor.values.empty()) tensor.values.assign(tensor.integers.begin(), tensor.integers.end());
        ran.outputs[tensor.name] = std::move(tensor.values);
    }
    return ran;
}

std::vector<std::string> program_panels() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(root / "configs/panels/programs"))
        names.push_back(entry.path().stem().string());
    std::sort(names.begin(), names.end());
    return names;
}

Json small_panel(const std::string& kernel, const Json& tensors, const Json& arguments, const Json& grid) {
    const Json program = {{"file", "constructs.py"}, {"kernel", kernel}, {"grid", grid}, {"arguments", arguments}};
    return {{"name", "test"},
            {"machine", "../../configs/machines/cube_line8.json"},
            {"tensors", tensors},
            {"kernels", Json::array({{{"program", program}}})},
            {"values", {{"mode", "full"}}}};
}

std::string failure_of(const Json& panel) {
    try {
        Programs(panel).run();
    } catch (const KernelError& error) {
        return error.what();
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

std::vector<float> result_of(const Json& panel) { return Programs(panel).run().outputs.at("y"); }

}  // namespace tilemesh::test
