// SPDX-License-Identifier: Apache-2.0
// What computing every value costs beside the dense products that nobody can avoid: a mid panel with values full, and
// the same blocks multiplied by oneDNN alone. Both count multiply-accumulates per second on one core; inputs and the
// f64 reference are made outside of the measured time.
#include "sim/tile/value_process.h"
#include "tools/speed/measures.h"

#include <benchmark/benchmark.h>
#include <oneapi/dnnl/dnnl.hpp>

namespace tilemesh::speed {
namespace {

constexpr const char* panel_name = "single_user_prefill_mid";

std::uint64_t macs_of(const report::KernelResult& result) {
    std::uint64_t macs = 0;
    for (const auto& part : result.components) macs += part.kind == "matrix" ? part.work : 0;
    return macs;
}

void values_full(benchmark::State& state) {
    const run::Panel whole = panel(panel_name, {});
    const run::Entry& mid = whole.kernels.front();
    const auto prepared = mid.workload->prepare({mid.number}, 2);
    std::uint64_t macs = 0;
    for (auto _ : state) macs += macs_of(mid.workload->run(mid.number, *prepared, {}).result);
    state.SetItemsProcessed(static_cast<std::int64_t>(macs));
}

void dense_products(benchmark::State& state) {
    prepare_process_for_values();
    const run::Panel whole = panel(panel_name, {"values.mode=none"});  // only to learn the tiles
    const run::Entry& mid = whole.kernels.front();
    const auto result = mid.workload->run(mid.number, *mid.workload->prepare({mid.number}, 2), {}).result;
    const attention::Problem& problem =
        dynamic_cast<const workloads::AttentionWorkload&>(*mid.workload).panel().problem;
    std::int64_t queries = 0, keys = 0;
    for (const auto& [option, value] : result.options) {
        if (option == "tile_queries") queries = static_cast<std::int64_t>(value);
        if (option == "tile_keys") keys = static_cast<std::int64_t>(value);
    }
    const std::int64_t rows = queries * problem.group(), d = problem.head_dim, dv = problem.value_dim;
    const auto matrix = [](std::int64_t a, std::int64_t b) {
        return std::vector<float>(static_cast<std::size_t>(a * b), 0.5F);
    };
    const std::vector<float> q = matrix(rows, d), k = matrix(keys, d), v = matrix(keys, dv);
    std::vector<float> scores = matrix(rows, keys), o = matrix(rows, dv);
    for (auto _ : state) {
        dnnl::sgemm('N', 'T', rows, keys, d, 1.0F, q.data(), d, k.data(), d, 0.0F, scores.data(), keys);
        dnnl::sgemm('N', 'N', rows, dv, keys, 1.0F, scores.data(), keys, v.data(), dv, 1.0F, o.data(), dv);
    }
    state.SetItemsProcessed(rows * keys * (d + dv) * state.iterations());
}

}  // namespace

void register_values() {
    benchmark::RegisterBenchmark(values_name, values_full)->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(dense_name, dense_products)->Unit(benchmark::kMillisecond);
}

}  // namespace tilemesh::speed
