// SPDX-License-Identifier: Apache-2.0
// Both sides of the verdict on gradients, as error_units_test.cpp has them of outputs: dq, dk, dv and dsink in f32
// with p and ds rounded pass at every magnitude; with a mistake one of them fails wherever the mistake changes its
// exact value by more than arithmetic errs.
#include "cases.h"
#include "plain_attention.h"
#include "sim/attention/reference_gradients.h"
#include "sim/attention/tolerance.h"

#include <map>

using namespace tilemesh;
using namespace tilemesh::attention;
using namespace tilemesh::attention::plain;

namespace {

struct Case {
    Problem problem;
    Tensors tensors;
    Gradients expected;
};
Case case_of(const Variant& variant, const std::string& dtype, const Pattern& pattern, std::uint64_t seed) {
    Case made;
    made.problem = problem_from(problem_text(variant, dtype));
    Tensors& t = made.tensors;
    fill(t, seed);
    pattern.shape(t);
    const Dtype type = made.problem.dtype, other = made.problem.output_dtype();
    for (std::vector<float>* values : {&t.q, &t.k, &t.v}) round_to(type, *values);
    round_to(other, t.d_o);
    const Inputs inputs = Inputs::from_values(
        made.problem, {{Values(type, t.q), Values(type, t.k), Values(type, t.v), Values(other, t.d_o)}});
    made.expected = ReferenceGradients(made.problem, inputs, 0).all();
    return made;
}

/// One of the gradients: what was found, what is right, and its units.
struct Compared {
    std::string name;
    const std::vector<double>*found, *expected, *units;
    std::int64_t heads;
};
std::vector<Compared> all_of(const Case& of, const ResultGradients& found) {
    const Gradients& right = of.expected;
    std::vector<Compared> list{{"dq", &found.dq, &right.dq, &right.unit_dq, heads_q},
                               {"dk", &found.dk, &right.dk, &right.unit_dk, heads_kv},
                               {"dv", &found.dv, &right.dv, &right.unit_dv, heads_kv}};
    if (!found.dsink.empty()) list.push_back({"dsink", &found.dsink, &right.dsink, &right.unit_dsink, 0});
    return list;
}

std::string judge(const Compared& gradient) {
    Comparison comparison({});
    const std::vector<double> no_lse(gradient.units->size());
    std::vector<std::int64_t> heads;
    for (std::size_t row = 0; gradient.heads > 0 && row < no_lse.size(); ++row)
        heads.push_back(static_cast<std::int64_t>(row) % gradient.heads);
    comparison.add(std::vector<float>(gradient.found->begin(), gradient.found->end()), {}, *gradient.expected, no_lse,
                   {*gradient.units, {}, heads}, 0.0);
    const Verdict verdict = comparison.verdict();
    CHECK(verdict.pass == verdict.reason.empty());
    return verdict.reason;
}

double change_in_units(const Compared& gradient) {
    double most = 0.0;
    const std::size_t rows = gradient.units->size(), width = gradient.expected->size() / rows;
    for (std::size_t row = 0; row < rows; ++row) {
        double squares = 0.0;
        for (std::size_t i = row * width; i < (row + 1) * width; ++i)
            squares += square((*gradient.found)[i] - (*gradient.expected)[i]);
        most = std::max(most, std::sqrt(squares / (*gradient.units)[row]));
    }
    return most;
}

using Tally = std::map<Mistake, int>;

void try_all(const Variant& variant, const std::string& dtype, std::uint64_t seeds, Tally& caught) {
    for (const Pattern& pattern : patterns())
        for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
            const Case of = case_of(variant, dtype, pattern, seed);
            CAPTURE(dtype, variant.name, pattern.name, seed);
            const ResultGradients right = gradients_in<float>(of.problem, variant, of.tensors, Mistake::none);
            for (const Compared& gradient : all_of(of, right)) {
                CAPTURE(gradient.name);
                CHECK(judge(gradient) == "");
            }
            for (const Mistake mistake : mistakes) {
                const ResultGradients exact = gradients_in<double>(of.problem, variant, of.tensors, mistake),
                                      wrong = gradients_in<float>(of.problem, variant, of.tensors, mistake);
                const std::vector<Compared> changed = all_of(of, exact), found = all_of(of, wrong);
                for (std::size_t i = 0; i < changed.size(); ++i) {
                    CAPTURE(static_cast<int>(mistake), changed[i].name);
                    if (change_in_units(changed[i]) <= 2 * limit_of_row) continue;
                    CHECK(judge(found[i]) != "");
                    ++caught[mistake];
                }
            }
        }
}

}  // namespace

TEST_CASE("right gradients pass at every magnitude, a mistake fails wherever it changes more than arithmetic") {
    Tally caught;
    for (const std::string dtype : {"f16", "bf16", "f32"}) try_all({}, dtype, 2, caught);
    for (const Mistake mistake : mistakes) {
        CAPTURE(static_cast<int>(mistake));
        const bool of_variant = mistake == Mistake::no_sink || mistake == Mistake::other_slope;
        CHECK(caught[mistake] >= (of_variant ? 0 : 50));
    }
}

TEST_CASE("so with sinks, caps, biases and 8-bit floats") {
    Tally caught;
    for (const Variant& variant : variants())
        for (const std::string dtype : {"f16", "f32"}) try_all(variant, dtype, 1, caught);
    try_all({}, "f8e4m3", 1, caught);
    CHECK(caught[Mistake::no_sink] > 20);
    CHECK(caught[Mistake::other_slope] > 20);
}

TEST_CASE("limits on gradients are sharp on ordinary inputs") {
    for (const auto& [dtype, limit] : {std::pair{"f16", 1e-3}, {"bf16", 8e-3}, {"f32", 2e-5}}) {
        const Case of = case_of({}, dtype, patterns().front(), 1);
        const ResultGradients right = gradients_in<float>(of.problem, {}, of.tensors, Mistake::none);
        for (const Compared& gradient : all_of(of, right)) {
            CAPTURE(dtype, gradient.name);
            double unit = 0.0, norm = 0.0;
            for (const double squared : *gradient.units) unit += squared;
            for (const double value : *gradient.expected) norm += value * value;
            CHECK(limit_of_all * std::sqrt(unit / norm) <= limit);
        }
    }
}

TEST_CASE("of the smallest values dp and D are held times 2^-15, and dq errs by both") {
    const Problem problem =
        problem_from(R"({"heads_q": 1, "heads_kv": 1, "head_dim": 16, "dtype": "f32", "users": [{"keys": 1}]})");
    const std::vector<float> ones(16, 1.0F), smallest(16, 1e-38F);
    const Values one(Dtype::f32, ones), tiny(Dtype::f32, smallest);
    const Inputs inputs = Inputs::from_values(problem, {{one, one, tiny, one}});
    // The one weight is 1 and dp is D, so that dq is 0; each has the rounding of a number that is 2^15 times the
    // spacing of f32 next to 0. It moves dq by the scale times the norm of k: by 1.
    const double of_each = square(0x1p15 * 0x1p-149) / 12;
    CHECK(ReferenceGradients(problem, inputs, 0).all().unit_dq.at(0) == Approx(2 * of_each).epsilon(0.01));
}
