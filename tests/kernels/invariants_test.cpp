// SPDX-License-Identifier: Apache-2.0
// What holds of attention whatever the numbers: constant values, uniform scores, shifted scores, keys in another
// order or twice, rows that see nothing.
#include "tests/attention/cases.h"
#include "tests/kernels/experiment.h"
#include "tests/kernels/tensors.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <numbers>

using namespace kernel_test;

namespace {

constexpr double f16_rounding = 0x1p-11;

/// Runs every exact kernel on 1, 4 and 7 ranks with the tensors of a file.
template <class Check>
void for_all_kernels(const Json& problem, const TensorFile& tensors, const Check& check) {
    const ScratchFolder scratch;
    tensors.write(scratch / "x.safetensors");
    for (const int n : {1, 4, 7}) {
        Json json = panel_of(line_of(n), problem, exact_kernels());
        json["inputs"] = {{"tensors", (scratch / "x.safetensors").string()}};
        Experiment experiment(json);
        for (const std::size_t kernel : experiment.accepted()) {
            CAPTURE(n, experiment.choice(kernel).kernel);
            check(experiment.run(kernel));
        }
    }
}

/// The outputs of one kernel on `n` ranks.
Ran run_one(const Json& problem, const TensorFile& tensors, const std::string& kernel, int n) {
    const ScratchFolder scratch;
    tensors.write(scratch / "x.safetensors");
    Json json = panel_of(line_of(n), problem, {kernel});
    json["inputs"] = {{"tensors", (scratch / "x.safetensors").string()}};
    return Experiment(json).run();
}

/// Position of a query, when the queries are the last tokens.
std::int64_t position_of(const Json& problem, std::int64_t query) {
    return problem["users"][0]["keys"].get<std::int64_t>() - problem["users"][0]["queries"].get<std::int64_t>() +
           query;
}

/// Sees nothing before position 71, and nothing from a later multiple of 3: whole ranks, blocks and rows are blind.
class MostlyBlind final : public attention::Sprinkled {
public:
    std::string name() const override { return "mostly blind"; }
    bool sees(attention::Viewer, std::int64_t query, std::int64_t key) const override {
        return query >= 71 && query % 3 != 0 && key <= query;
    }
};

}  // namespace

TEST_CASE("constant values give that constant, though their weights sum to 1 only within rounding") {
    for (const char* mask : {"full", "causal"}) {
        const Json problem = distinct_problem(mask);
        TensorFile tensors(problem);
        tensors.fill_normal(3);
        const auto constant = [](std::int64_t dim) { return 0.25 * static_cast<double>(dim - 13); };
        tensors.fill("v", [&](const Element& e) { return constant(e.dim); });
        for_all_kernels(problem, tensors, [&](const Ran& ran) {
            const std::vector<float>& o = ran.output("user0.o");
            for (std::size_t i = 0; i < o.size(); ++i) {
                // p is rounded to f16 as an operand, l is not; then the output is rounded.
                REQUIRE(o[i] ==
                        Approx(constant(static_cast<std::int64_t>(i) % 40)).epsilon(2 * f16_rounding).margin(0));
            }
        });
    }
}

TEST_CASE("with K = 0 the output is the mean of the visible values and lse the logarithm of their number") {
    for (const char* mask : {"full", "causal"}) {
        const Json problem = distinct_problem(mask);
        TensorFile tensors(problem);
        tensors.fill_normal(4);
        tensors.fill("k", [](const Element&) { return 0.0; });
        // Small integers: exact in f16, and so are their sums.
        tensors.fill("v",
                     [](const Element& e) { return static_cast<double>((7 * e.token + 3 * e.head + e.dim) % 5); });
        const auto visible_to = [&](std::int64_t query) {
            return mask == std::string("full") ? std::int64_t{97} : position_of(problem, query) + 1;
        };
        std::vector<double> means;  // of [query, kv head, dim]
        for (std::int64_t query = 0; query < 53; ++query)
            for (std::int64_t head = 0; head < 2; ++head)
                for (std::int64_t dim = 0; dim < 40; ++dim) {
                    double sum = 0.0;
                    for (std::int64_t key = 0; key < visible_to(query); ++key)
                        sum += tensors.at("v", {key, head, dim});
                    means.push_back(sum / static_cast<double>(visible_to(query)));
                }
        for_all_kernels(problem, tensors, [&](const Ran& ran) {
            const std::vector<float>&o = ran.output("user0.o"), &lse = ran.output("user0.lse");
            // Softmax as a whole rounds 1 / visible to f16 before it meets v, all others only divide the exact sum.
            const double rounding = ran.result.kernel == "standard" ? 2 * f16_rounding : f16_rounding;
            for (std::int64_t query = 0; query < 53; ++query) {
                for (std::int64_t head = 0; head < 6; ++head) {
                    REQUIRE(lse[static_cast<std::size_t>(head * 53 + query)] ==
                            Approx(std::log(static_cast<double>(visible_to(query)))).epsilon(1e-6));
                    for (std::int64_t dim = 0; dim < 40; ++dim) {
                        REQUIRE(o[static_cast<std::size_t>((query * 6 + head) * 40 + dim)] ==
                                Approx(means[static_cast<std::size_t>((query * 2 + head / 3) * 40 + dim)])
                                    .epsilon(rounding)
                                    .margin(0));
                    }
                }
            }
        });
    }
}

TEST_CASE("a constant added to all scores changes no output and adds itself to lse") {
    const Json problem = distinct_problem("causal");
    TensorFile plain(problem);
    plain.fill_normal(5);
    // Dimension 0 of q is 1 and of k the same for all keys: it adds scale * k to every score.
    TensorFile shifted = plain;
    const double constant = 12.0, scale = 1.0 / std::sqrt(24.0);
    const auto with = [&](TensorFile& file, double added) {
        file.fill("q", [&](const Element& e) { return e.dim == 0 ? 1.0 : plain.at("q", e); });
        file.fill("k", [&](const Element& e) { return e.dim == 0 ? added : plain.at("k", e); });
    };
    with(shifted, constant);
    with(plain, 0.0);
    for (const std::string& kernel : exact_kernels_on_line(5)) {
        CAPTURE(kernel);
        const Ran a = run_one(problem, plain, kernel, 5), b = run_one(problem, shifted, kernel, 5);
        CHECK(relative_l2(b.output("user0.o"), a.output("user0.o")) <= 4e-4);
        const std::vector<float>&before = a.output("user0.lse"), &after = b.output("user0.lse");
        for (std::size_t i = 0; i < before.size(); ++i)
            REQUIRE(after[i] == Approx(before[i] + scale * constant).epsilon(1e-5));
    }
}

TEST_CASE("ranks, schedules and tiles do not change the output beyond rounding") {
    for (const char* mask : {"full", "causal"}) {
        const Json problem = distinct_problem(mask, 2);
        const Ran first = Experiment(panel_of(line_of(1), problem, {"mesh_kv"})).run();
        for (const int n : {2, 5, 9}) {
            Json kernels = exact_kernels();
            for (const int tile : {5, 16}) {
                kernels.push_back({{"kernel", "mesh_kv"},
                                   {"label", "tiles-of-" + std::to_string(tile)},
                                   {"tile_queries", tile},
                                   {"tile_keys", tile + 2},
                                   {"piece_keys", tile - 2}});
            }
            Experiment experiment(panel_of(line_of(n), problem, kernels));
            for (const std::size_t kernel : experiment.accepted()) {
                CAPTURE(n, experiment.choice(kernel).label);
                const Ran ran = experiment.run(kernel);
                CHECK(relative_l2(ran.output("user0.o"), first.output("user0.o")) <= 4e-4);
                CHECK(greatest_difference(ran.output("user0.lse"), first.output("user0.lse")) <= 1e-5);
            }
        }
    }
}

TEST_CASE("the order of keys does not matter without a mask") {
    const Json problem = distinct_problem("full");
    TensorFile plain(problem);
    plain.fill_normal(6);
    TensorFile mixed = plain;
    for (const char* tensor : {"k", "v"}) {
        // 97 is prime: 35 * token visits every token once.
        mixed.fill(tensor, [&](const Element& e) { return plain.at(tensor, {e.token * 35 % 97, e.head, e.dim}); });
    }
    for (const std::string& kernel : exact_kernels_on_line(5)) {
        CAPTURE(kernel);
        const Ran a = run_one(problem, plain, kernel, 5), b = run_one(problem, mixed, kernel, 5);
        CHECK(relative_l2(b.output("user0.o"), a.output("user0.o")) <= 4e-4);
        CHECK(greatest_difference(b.output("user0.lse"), a.output("user0.lse")) <= 1e-5);
    }
}

TEST_CASE("keys that are there twice leave the output and add ln 2 to lse") {
    const Json problem = distinct_problem("full");
    Json twice = problem;
    twice["users"][0]["keys"] = 2 * 97;
    TensorFile plain(problem), doubled(twice);
    plain.fill_normal(7);
    doubled.fill("q", [&](const Element& e) { return plain.at("q", e); });
    for (const char* tensor : {"k", "v"})
        doubled.fill(tensor, [&](const Element& e) { return plain.at(tensor, {e.token % 97, e.head, e.dim}); });
    for (const std::string& kernel : exact_kernels_on_line(5)) {
        CAPTURE(kernel);
        const Ran a = run_one(problem, plain, kernel, 5), b = run_one(twice, doubled, kernel, 5);
        CHECK(relative_l2(b.output("user0.o"), a.output("user0.o")) <= 4e-4);
        const std::vector<float>&once = a.output("user0.lse"), &both = b.output("user0.lse");
        for (std::size_t i = 0; i < once.size(); ++i)
            REQUIRE(both[i] == Approx(once[i] + std::numbers::ln2).epsilon(1e-5));
    }
}

TEST_CASE("a row that sees no key gives 0 and an lse of -inf, one that sees any gives neither") {
    for (const std::shared_ptr<const attention::Mask>& mask :
         {std::shared_ptr<const attention::Mask>(std::make_shared<MostlyBlind>()),
          std::shared_ptr<const attention::Mask>(std::make_shared<attention::Sprinkled>())}) {
        for (const int n : {1, 2, 5, 9}) {
            Json json = panel_of(line_of(n), distinct_problem("causal"), exact_kernels());
            Json tiny = {{"kernel", "mesh_kv"}, {"label", "tiny"}, {"tile_queries", 4}, {"tile_keys", 5}};
            json["kernels"].push_back(tiny);
            Experiment experiment(json, mask);
            for (const std::size_t kernel : experiment.accepted()) {
                CAPTURE(mask->name(), n, experiment.choice(kernel).label);
                const Ran ran = experiment.run(kernel);
                CHECK(ran.result.verdict.why == "");
                const std::vector<float>&o = ran.output("user0.o"), &lse = ran.output("user0.lse");
                for (std::int64_t query = 0; query < 53; ++query) {
                    const std::int64_t position = 97 - 53 + query;
                    const bool blind = mask->visible_pairs({}, {position, position + 1}, {0, 97}) == 0;
                    for (std::int64_t head = 0; head < 6; ++head) {
                        const float row_lse = lse[static_cast<std::size_t>(head * 53 + query)];
                        REQUIRE((row_lse == -std::numeric_limits<float>::infinity()) == blind);
                        double sum = 0.0;
                        for (std::int64_t dim = 0; dim < 40; ++dim)
                            sum += std::abs(o[static_cast<std::size_t>((query * 6 + head) * 40 + dim)]);
                        REQUIRE((sum == 0.0) == blind);
                    }
                }
            }
        }
    }
}

TEST_CASE("no run beats its bound where dividing costs less than anything else, or more") {
    for (const double divide : {1e-9, 0.1, 1.0, 20.0}) {
        CAPTURE(divide);
        Json machine = line_of(4);
        machine["pe"]["vector"] = {{"lanes", 8}, {"cycles_per_element", {{"divide", divide}}}};
        const Json problem = {{"heads_q", 16},
                              {"heads_kv", 8},
                              {"head_dim", 40},
                              {"dtype", "f16"},
                              {"users", {{{"keys", 1}, {"queries", 1}}}}};
        Json panel = panel_of(machine, problem, {"mesh_kv", "pass_q", "head_parallel"});
        panel["values"] = {{"mode", "none"}};
        Experiment experiment(panel);
        for (std::size_t kernel = 0; kernel < experiment.kernels(); ++kernel) {
            CAPTURE(experiment.choice(kernel).kernel);
            const report::KernelResult result = experiment.run(kernel).result;
            CHECK(result.time >= result.schedule_bound.time);
        }
    }
}
