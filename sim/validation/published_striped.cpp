// SPDX-License-Identifier: Apache-2.0
// Training with striped against contiguous tokens around a ring. A layer's forward pass stands for a step: attention
// is run as a panel, the layer's other products are those of its widths. What else a step takes is not published and
// not in it.
#include "sim/base/names.h"
#include "sim/probe/launched.h"
#include "sim/run/panel.h"
#include "sim/validation/published.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

namespace tilemesh::validation {
namespace {

/// What the framework takes for a tile that is wholly masked, in times of one that is computed: its loop copies the
/// tile's operands and goes round. Fitted to the rows of published_striped_fitted; stripes skip a part of every step.
constexpr double skipped_tile = 0.25;

struct StripedModel {
    std::uint64_t width = 0, ff = 0, heads = 0;
};
const std::map<std::string, StripedModel> striped_models = {
    {"1B", {2048, 5504, 16}}, {"3B", {3200, 8640, 32}}, {"7B", {4096, 11008, 32}}};

struct StripedDevice {
    std::string machine;
    Dtype attention;  // of the operands of attention's products
};
const std::map<std::string, StripedDevice> striped_devices = {{"A100 80GB", {"a100_tf32_x8", Dtype::f32}},
                                                              {"TPU v4", {"tpu_v4_ring8", Dtype::bf16}}};

struct StripedRow {
    StripedModel model;
    StripedDevice device;
    std::uint64_t ring = 2, model_parallel = 1, tokens = 1, tile = 1;
};

Json machine_of_stripes(const Surroundings& surroundings, const StripedRow& row) {
    Json machine = run::resolve_machine_file(surroundings.configs / "machines" / (row.device.machine + ".json")).json;
    machine["cube"]["cols"] = row.ring;
    return machine;
}

double attention_us(const Surroundings& surroundings, const StripedRow& row, const char* sharding) {
    const std::uint64_t heads = row.model.heads / row.model_parallel;
    const Json panel = {
        {"name", "striped"},
        {"machine", machine_of_stripes(surroundings, row)},
        {"problem",
         {{"heads_q", heads},
          {"head_dim", row.model.width / row.model.heads},
          {"dtype", row.device.attention == Dtype::f32 ? "f32" : "bf16"},
          {"users", {{{"keys", row.tokens * row.ring}, {"queries", row.tokens * row.ring}}}},
          {"mask", {{"kind", "causal"}}}}},
        {"ranks", {{"sharding", sharding}}},
        {"kernels",
         {{{"kernel", "ring_kv"}, {"tile_queries", row.tile}, {"tile_keys", row.tile}, {"tile_heads", 1}}}},
        {"values", {{"mode", "none"}}}};
    const run::Panel read =
        run::read_panel(run::resolve_panel_object(panel, "striped", surroundings.configs), surroundings.workloads);
    const run::Entry& entry = read.kernels.front();
    const auto prepared = entry.workload->prepare({entry.number}, 1);
    return to_nanoseconds(entry.workload->run(entry.number, *prepared, {}).result.time) / 1000.0;
}

/// The same with the tiles that the busiest device skips.
double attention_with_skips_us(const Surroundings& surroundings, const StripedRow& row, bool striped) {
    const auto tiles = static_cast<double>((row.tokens + row.tile - 1) / row.tile);
    const auto ring = static_cast<double>(row.ring);
    const double below = tiles * (tiles + 1.0) / 2.0, above = tiles * (tiles - 1.0) / 2.0;
    // The last device's own tokens are causal and it sees all others'; every step of stripes is causal.
    const double computed = striped ? ring * below : below + (ring - 1.0) * tiles * tiles;
    const double skipped = striped ? ring * above : above;
    return attention_us(surroundings, row, striped ? "striped" : "contiguous") *
           (1.0 + skipped_tile * skipped / computed);
}

/// The layer's products but attention's, of one device's tokens and share of the columns: four of width by width,
/// three of width by feed-forward width.
double other_products_us(const Surroundings& surroundings, const StripedRow& row) {
    const Json json = machine_of_stripes(surroundings, row);
    const auto machine = machine::read_machine(JsonReader(json, row.device.machine));
    const auto product = [&](std::uint64_t columns) {
        return to_nanoseconds(probe::time_of_product(machine, static_cast<std::int64_t>(row.tokens),
                                                     static_cast<std::int64_t>(columns / row.model_parallel),
                                                     static_cast<std::int64_t>(row.model.width), Dtype::bf16)) /
               1000.0;
    };
    return 4.0 * product(row.model.width) + 3.0 * product(row.model.ff);
}

}  // namespace

std::vector<Case> published_striped_cases(JsonReader& row, const Surroundings& surroundings) {
    std::string suite = "published_striped";
    const std::string model = row.string("model"), device = row.string("device");
    const auto known = striped_models.find(model);
    const auto on = striped_devices.find(device);
    if (known == striped_models.end())
        return {not_compared(suite, fmt::format("the widths of model {} are not known", printable(model)))};
    if (on == striped_devices.end())
        return {not_compared(suite, fmt::format("there is no machine of {}", printable(device)))};
    StripedRow work{known->second, on->second};
    work.ring = row.integer("ring", 2, 64);
    work.model_parallel = row.integer("model_parallel", 1, known->second.heads);
    if (known->second.heads % work.model_parallel != 0)
        row.member("model_parallel").reject("a divisor of the model's heads");
    work.tokens = row.integer("tokens_per_ring_device", 1, std::uint64_t{1} << 20);
    // Of oblong tiles that are skipped only as a whole, those that remain cover what squares of the longer side do.
    work.tile = std::max(row.integer("tile_queries", 1, 1 << 16), row.integer("tile_keys", 1, 1 << 16));
    // What skipped tiles take, and the rate of the TPU's links.
    const bool of_skips = model == "1B" && device == "A100 80GB" && work.model_parallel == 2;
    if (of_skips || (model == "3B" && device == "TPU v4" && work.tokens == 4096)) suite += "_fitted";
    const double published = row.number("striped_over_ring", 1e-3, 1e3);
    const std::string name =
        fmt::format("{} on {}, ring of {}, {} tokens each", model, device, work.ring, work.tokens);
    Case found{name, {suite}, [=, &surroundings] {
                   const double rest = other_products_us(surroundings, work);
                   const double contiguous = attention_with_skips_us(surroundings, work, false) + rest;
                   const double striped = attention_with_skips_us(surroundings, work, true) + rest;
                   return std::vector<Comparison>{{suite, name, published, contiguous / striped, "x"}};
               }};
    found.quick = work.tokens <= 16384;
    return {found};
}

}  // namespace tilemesh::validation
