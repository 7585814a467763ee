// SPDX-License-Identifier: Apache-2.0
// Both sides of the verdict: plain attention in f32 with p and o rounded (plain_attention.h) passes whatever the
// magnitude of the inputs; the same with a mistake fails wherever the mistake changes the exact result by more than
// arithmetic errs.
#include "cases.h"
#include "plain_attention.h"
#include "sim/attention/reference.h"
#include "sim/attention/tolerance.h"

#include <map>

using namespace tilemesh;
using namespace tilemesh::attention;
using namespace tilemesh::attention::plain;

namespace {

std::vector<float> floats(const std::vector<double>& values) { return {values.begin(), values.end()}; }

struct Case {
    Problem problem;
    Tensors tensors;
    Reference expected;
    ErrorUnits units;
};
Case case_of(const Variant& variant, const std::string& dtype, const std::string& more, const Pattern& pattern,
             std::uint64_t seed) {
    Variant with = variant;
    with.json += more;
    Case made;
    made.problem = problem_from(problem_text(with, dtype));
    Tensors& t = made.tensors;
    fill(t, seed);
    pattern.shape(t);
    const Dtype type = made.problem.dtype;
    for (std::vector<float>* values : {&t.q, &t.k, &t.v}) round_to(type, *values);
    const Inputs inputs =
        Inputs::from_values(made.problem, {{Values(type, t.q), Values(type, t.k), Values(type, t.v)}});
    made.expected = reference(made.problem, inputs, 0);
    made.units = units_of(made.expected, arithmetic_of(made.problem));
    return made;
}

Verdict judge(const Case& of, const Result& found) {
    Comparison comparison({});
    comparison.add(floats(found.o), floats(found.lse), of.expected.o, of.expected.lse,
                   {of.units.o, of.units.lse, of.expected.head_of_row}, 0.0);
    return comparison.verdict();
}

/// By how many units a mistake changes the exact result of its worst row or lse.
double change_in_units(const Case& of, const Result& wrong) {
    double most = 0.0;
    for (std::size_t row = 0; row < of.units.o.size(); ++row) {
        double squares = 0.0;
        for (std::size_t i = row * value_dim; i < (row + 1) * value_dim; ++i)
            squares += (wrong.o[i] - of.expected.o[i]) * (wrong.o[i] - of.expected.o[i]);
        most = std::max(most, std::sqrt(squares / of.units.o[row]));
        most = std::max(most, std::abs(wrong.lse[row] - of.expected.lse[row]) / std::sqrt(of.units.lse[row]));
    }
    return most;
}

struct Tally {
    std::map<Mistake, int> caught;
    int cases = 0;
};

void try_all(const Variant& variant, const std::string& dtype, const std::string& more, std::uint64_t seeds,
             Tally& tally) {
    for (const Pattern& pattern : patterns())
        for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
            const Case of = case_of(variant, dtype, more, pattern, seed);
            CAPTURE(dtype, more, variant.name, pattern.name, seed);
            ++tally.cases;
            const Verdict right = judge(of, attention_in<float>(of.problem, variant, of.tensors, Mistake::none));
            CHECK(right.reason == "");
            CHECK(right.pass);
            for (const Mistake mistake : mistakes) {
                CAPTURE(static_cast<int>(mistake));
                const double change =
                    change_in_units(of, attention_in<double>(of.problem, variant, of.tensors, mistake));
                if (change <= 2 * limit_of_row) continue;
                CHECK_FALSE(judge(of, attention_in<float>(of.problem, variant, of.tensors, mistake)).pass);
                ++tally.caught[mistake];
            }
        }
}

}  // namespace

TEST_CASE("right attention passes at every magnitude, a mistake fails wherever it changes more than arithmetic") {
    Tally tally;
    for (const std::string dtype : {"f16", "bf16", "f32"}) try_all({}, dtype, "", 4, tally);
    // A scale or a correction does nothing where scores are small, a key nothing where it has no weight.
    for (const Mistake mistake : mistakes) {
        CAPTURE(static_cast<int>(mistake));
        const bool of_variant = mistake == Mistake::no_sink || mistake == Mistake::other_slope;
        CHECK(tally.caught[mistake] >= (of_variant ? 0 : tally.cases / 3));
    }
}

TEST_CASE("so with sinks, caps and biases") {
    Tally tally;
    for (const Variant& variant : variants())
        for (const std::string dtype : {"f16", "bf16", "f32"}) try_all(variant, dtype, "", 2, tally);
    CHECK(tally.caught[Mistake::no_sink] > 60);
    CHECK(tally.caught[Mistake::other_slope] > 60);
}

TEST_CASE("so with 8-bit floats, whether p is one or not") {
    Tally tally;
    for (const std::string dtype : {"f8e4m3", "f8e5m2"}) {
        try_all({}, dtype, "", 2, tally);
        try_all({}, dtype, fmt::format(R"(, "probability_dtype": "{}")", dtype), 2, tally);
    }
    CHECK(tally.caught[Mistake::swapped_head] > tally.cases / 3);
}

TEST_CASE("on ordinary inputs every mistake changes more than arithmetic errs, and limits are sharp") {
    for (const auto& [dtype, limit] : {std::pair{"f16", 4e-4}, {"bf16", 3e-3}, {"f32", 1e-5}}) {
        const Case of = case_of({}, dtype, "", patterns().front(), 1);
        CAPTURE(dtype);
        const Verdict right = judge(of, attention_in<float>(of.problem, {}, of.tensors, Mistake::none));
        CHECK(right.allowed_l2 <= limit * scatter_of(queries * heads_q, value_dim));
        for (const Mistake mistake : mistakes) {
            if (mistake == Mistake::no_sink || mistake == Mistake::other_slope) continue;
            CAPTURE(static_cast<int>(mistake));
            CHECK(change_in_units(of, attention_in<double>(of.problem, {}, of.tensors, mistake)) > 2 * limit_of_row);
        }
    }
}
