// SPDX-License-Identifier: Apache-2.0
// Matrix products on chips of many cores, from published times by shape, format and fidelity. Each becomes a panel
// that spreads the product over the cores; rows that the machines were fitted to are a suite of their own (adr/0043).
#include "sim/product/config.h"
#include "sim/run/panel.h"
#include "sim/validation/families.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

namespace tilemesh::validation {
namespace {

constexpr std::uint64_t longest_side = 1 << 20;
constexpr std::uint64_t large_side = 2048;  // from which neither launches nor handshakes decide
constexpr std::uint64_t replays = 100;      // of a captured product that a time is the mean of; not published
constexpr double separated = 0.10;
const char* const hand_tuned = "hand_tuned";

/// By card and grid.
const std::map<std::string, std::string> machines_by_grid{
    {"N150 8x8", "wormhole_n150"},
    {"P150 13x10", "blackhole_p150_13x10"},
    {"P150 11x10", "blackhole_p150_11x10"},
};

/// One row of the file.
struct Gemm {
    std::string grid;           // "N150 8x8"
    std::string configuration;  // "hand_tuned"
    std::string in0, in1, out;  // "L1", "DRAM"
    std::string format, fidelity;
    std::uint64_t m = 1, k = 1, n = 1;
    double us = 0.0;

    std::string name() const {
        return fmt::format("{} {} {} {} {} {} x {} x {}", grid, configuration, in0, format, fidelity, m, k, n);
    }
    bool is_large() const { return std::min({m, k, n}) >= large_side; }
    double tflops(double time_us) const {
        return 2e-6 * static_cast<double>(m) * static_cast<double>(k) * static_cast<double>(n) / time_us;
    }
};

Gemm read_gemm(JsonReader& row) {
    Gemm gemm;
    gemm.grid = fmt::format("{} {}", row.string("card"), row.string("core_grid"));
    gemm.configuration = row.string("configuration");
    gemm.in0 = row.string("in0_memory", "DRAM");
    gemm.in1 = row.string("in1_memory", "DRAM");
    gemm.out = row.string("out_memory", "DRAM");
    gemm.format = row.string("dtype");
    gemm.fidelity = row.string("fidelity");
    gemm.m = row.integer("M", 1, longest_side);
    gemm.k = row.integer("K", 1, longest_side);
    gemm.n = row.integer("N", 1, longest_side);
    gemm.us = row.number("time_ns", 1.0, 1e15) / 1000.0;
    return gemm;
}

bool is_one_of(const std::vector<std::string>& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// Why there is nothing to say about a row; empty: there is.
std::string why_unknown(const Gemm& gemm) {
    const std::vector<std::string> memories{"L1", "DRAM"};
    if (!machines_by_grid.contains(gemm.grid))
        return fmt::format("no machine has the cores of {}", printable(gemm.grid));
    if (!is_one_of(product::format_words(), gemm.format))
        return fmt::format("dtype {} is not modelled", printable(gemm.format));
    if (!is_one_of(product::fidelity_words(), gemm.fidelity))
        return fmt::format("fidelity {} is not modelled", printable(gemm.fidelity));
    if (gemm.in1 != "DRAM" || !is_one_of(memories, gemm.in0) || !is_one_of(memories, gemm.out))
        return fmt::format("in0, in1 and out in {}, {} and {} are not modelled", printable(gemm.in0),
                           printable(gemm.in1), printable(gemm.out));
    if (!is_one_of({hand_tuned, "library_chosen"}, gemm.configuration))
        return fmt::format("configuration {} has no suite", printable(gemm.configuration));
    return "";
}

std::string gemm_suite(const Gemm& gemm, bool fitted) {
    if (fitted) return "gemm_fitted";
    const std::string configured = gemm.configuration == hand_tuned ? "gemm" : "gemm_library";
    return gemm.is_large() ? configured : configured + "_small";
}

double gemm_time_us(const Surroundings& surroundings, const Gemm& gemm) {
    const auto memory = [](const std::string& word) { return word == "L1" ? "sram" : "dram"; };
    const Json panel = {{"name", "gemm"},
                        {"machine", machines_by_grid.at(gemm.grid)},
                        {"problem",
                         {{"m", gemm.m},
                          {"k", gemm.k},
                          {"n", gemm.n},
                          {"dtype", gemm.format},
                          {"fidelity", gemm.fidelity},
                          {"in0", memory(gemm.in0)},
                          {"out", memory(gemm.out)},
                          {"repeats", replays}}},
                        {"kernels", {"multicast_2d"}},
                        {"values", {{"mode", "none"}}}};
    const run::Panel read =
        run::read_panel(run::resolve_panel_object(panel, "gemm", surroundings.configs), surroundings.workloads);
    const run::Entry& entry = read.kernels.front();
    const auto prepared = entry.workload->prepare({entry.number}, 1);
    return to_nanoseconds(entry.workload->run(entry.number, *prepared, {}).result.time) / 1000.0;
}

Case gemm_case(const Gemm& gemm, bool fitted, const Surroundings& surroundings) {
    const std::string suite = gemm_suite(gemm, fitted), order = "gemm_order";
    Case made{gemm.name(), {suite}, [=, &surroundings] {
                  const double us = gemm_time_us(surroundings, gemm);
                  std::vector<Comparison> found{{suite, gemm.name(), gemm.us, us, "us"}};
                  if (gemm.is_large())
                      found.push_back({order, gemm.name(), gemm.tflops(gemm.us), gemm.tflops(us), "TFLOP/s", 0.0,
                                       gemm.grid + " " + gemm.configuration});
                  return found;
              }};
    if (gemm.is_large()) made.suites.push_back(order);
    return made;
}

/// Names of rows that values of any of the machines were fitted to.
std::set<std::string> fitted_gemms(const Surroundings& surroundings) {
    std::set<std::string> names;
    for (const auto& [grid, machine] : machines_by_grid) {
        const run::Resolved file = run::resolve_machine_file(surroundings.configs / "machines" / (machine + ".json"));
        JsonReader reader(file.json, file.origins);
        for (const FittedValue& value : product::read_products(reader.member("products")).fitted)
            names.insert(value.rows.begin(), value.rows.end());
    }
    return names;
}

std::vector<Case> gemm_cases(JsonReader file, const Surroundings& surroundings) {
    const std::set<std::string> fitted = fitted_gemms(surroundings);
    std::vector<Case> cases;
    for (JsonReader& row : file.member("rows").elements()) {
        const Gemm gemm = read_gemm(row);
        const bool is_fitted = fitted.contains(gemm.name());
        const std::string why = why_unknown(gemm);
        cases.push_back(why.empty() ? gemm_case(gemm, is_fitted, surroundings)
                                    : not_compared(gemm_suite(gemm, is_fitted), why));
    }
    return cases;
}

}  // namespace

Family gemm_family() {
    Family family;
    family.name = "gemm";
    family.form = "rows of {card, core_grid, configuration, dtype, fidelity, M, K, N, time_ns}: products on one chip";
    family.suites = {
        {"gemm",
         "hand-tuned matrix products of 2,048 and more a side on Wormhole and Blackhole, predicted",
         {median_at_most(0.08), maximum_at_most(0.30)}},
        {"gemm_order",
         "rates of all products of 2,048 and more a side, by card, grid and who configured them",
         {same_order_where_separated_by(separated)}},
        {"gemm_small", "hand-tuned matrix products of less than 2,048 a side, predicted", {median_at_most(0.15)}},
        {"gemm_library",
         "matrix products of 2,048 and more a side as the library configures them, predicted as if tuned by hand",
         {median_at_most(0.08), maximum_at_most(0.30)}},
        {"gemm_library_small",
         "the same of less than 2,048 a side, where the library leaves cores idle",
         {median_at_most(0.25)}},
        {"gemm_fitted",
         "hand-tuned matrix products that values of the machines were fitted to",
         {median_at_most(0.08), maximum_at_most(0.30)},
         true},
    };
    family.recognises = [](const Json& file) {
        return has_row_with(file, "rows", {"card", "core_grid", "fidelity", "M", "K", "N", "time_ns"});
    };
    family.read = gemm_cases;
    return family;
}

}  // namespace tilemesh::validation
