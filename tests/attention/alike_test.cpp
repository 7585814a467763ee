// SPDX-License-Identifier: Apache-2.0
// Errors of weights that are alike add up: what is added of pairs of alike tokens makes the squared norm of each
// group's own sum, over what a row sees of it; tokens that differ, or that no row sees together, are left alone.
#include "sim/attention/alike.h"
#include "cases.h"
#include "sim/attention/reference.h"
#include "sim/attention/reference_gradients.h"
#include "sim/base/random.h"

#include <fmt/format.h>

#include <cmath>

using namespace tilemesh;
using namespace tilemesh::attention;

namespace {

using Vectors = std::vector<std::vector<float>>;

/// Tokens of which row r of 0 .. rows - 1 sees what `sees` says.
template <class Sees>
AlikeTokens alike_of(const Vectors& near, const Vectors& summed, std::int64_t rows, const Sees& sees) {
    TokenReader reader;
    reader.tokens = static_cast<std::int64_t>(near.size());
    reader.read = reader.glance = [&](std::int64_t token, std::vector<float>&, std::vector<float>& out) {
        out = near[static_cast<std::size_t>(token)];
    };
    reader.read_vector = [&](std::int64_t token, std::vector<double>& out) {
        const auto& vector = summed[static_cast<std::size_t>(token)];
        out.assign(vector.begin(), vector.end());
    };
    reader.seen_by = [&](std::int64_t token) {
        return seen_by(rows, [&](std::int64_t row) { return sees(row, token); });
    };
    return alike_tokens(reader);
}
Vectors normal(std::size_t tokens, std::size_t dim, std::uint64_t stream) {
    Vectors vectors(tokens, std::vector<float>(dim));
    for (std::size_t i = 0; i < tokens; ++i) fill_normal(5, stream, i * dim, vectors[i]);
    return vectors;
}
/// Vector i is i % period of `vectors`.
Vectors repeated(Vectors vectors, std::size_t period) {
    for (std::size_t i = period; i < vectors.size(); ++i) vectors[i] = vectors[i - period];
    return vectors;
}
double squared_norm(const std::vector<double>& vector) {
    double squares = 0.0;
    for (const double value : vector) squares += value * value;
    return squares;
}

}  // namespace

TEST_CASE("pairs of alike tokens make the squared norms of their groups' sums") {
    constexpr std::size_t tokens = 60, period = 7, dim = 12;
    const Vectors keys = repeated(normal(tokens, dim, 0), period), values = normal(tokens, dim, 1);
    // Of every row that sees a beginning.
    const AlikeTokens alike =
        alike_of(keys, values, 60, [](std::int64_t row, std::int64_t token) { return token <= row; });
    REQUIRE(alike.products.size() == tokens);
    for (const std::size_t seen : {7U, 8U, 31U, 60U}) {
        double found = 0.0, right = 0.0;
        std::vector<std::vector<double>> sums(period, std::vector<double>(dim));
        for (std::size_t token = 0; token < seen; ++token) {
            found += alike.products[token];
            for (std::size_t i = 0; i < dim; ++i) {
                const auto value = static_cast<double>(values[token][i]);
                found += value * value;
                sums[token % period][i] += value;
            }
        }
        for (const auto& sum : sums) right += squared_norm(sum);
        CHECK(found == Approx(right));
    }
}

TEST_CASE("tokens of which no two are alike, equal norms or not, are no groups") {
    const auto all = [](std::int64_t, std::int64_t) { return true; };
    Vectors keys = normal(200, 12, 0);
    CHECK(alike_of(keys, normal(200, 4, 1), 8, all).empty());
    for (std::size_t i = 1; i < keys.size(); ++i) {  // their bits are the signs of one vector's elements
        keys[i] = keys[0];
        for (std::size_t bit = 0; bit < 12; ++bit)
            if ((i >> bit & 1) == 1) keys[i][bit] = -keys[i][bit];
    }
    CHECK(alike_of(keys, normal(200, 4, 1), 8, all).empty());
}

TEST_CASE("a group ends where its first token is out of sight") {
    constexpr std::size_t tokens = 64;
    const Vectors keys = repeated(normal(tokens, 8, 0), 1), ones(tokens, {1.0F});
    const auto pairs = [&](std::int64_t window) {
        return alike_of(keys, ones, 64,
                        [=](std::int64_t row, std::int64_t token) { return token <= row && row - token < window; });
    };
    // A token is seen by its own row and later ones; half of 16 see the token 8 before it.
    const AlikeTokens alike = pairs(16);
    double longest = 0.0;
    for (std::size_t token = 0; token < tokens - 16; ++token) longest = std::max(longest, alike.products[token]);
    CHECK(longest == 2.0 * 8);
    CHECK(pairs(1).products == std::vector<double>(tokens, 0.0));
}

TEST_CASE("tokens that hardly differ are a group, and it is known by how much they do") {
    constexpr std::size_t tokens = 40, dim = 16;
    Vectors keys = repeated(normal(tokens, dim, 0), 1);
    const Vectors noise = normal(tokens, dim, 1), values = normal(tokens, 4, 2);
    for (std::size_t token = 1; token < tokens; ++token)
        for (std::size_t i = 0; i < dim; ++i) keys[token][i] += 1e-5F * noise[token][i];
    const AlikeTokens alike = alike_of(keys, values, 4, [](std::int64_t, std::int64_t) { return true; });
    REQUIRE(!alike.empty());
    CHECK(alike.distances.back() == Approx(dim * 1e-10).epsilon(0.3));
}

namespace {

/// `tokens` of two heads, of which every `period` repeat, but for so much noise.
std::vector<float> phrase(std::int64_t tokens, std::int64_t period, std::int64_t dim, std::uint64_t stream,
                          float noise = 0.0F) {
    std::vector<float> values(static_cast<std::size_t>(tokens * 2 * dim));
    const auto repeated = static_cast<std::size_t>(period * 2 * dim);
    fill_normal(9, stream, 0, values);
    for (std::size_t i = repeated; i < values.size(); ++i) values[i] = values[i % repeated] + noise * values[i];
    return values;
}
/// Units of o, dq, dk and dv in the mean over all rows: with alike tokens and without.
struct Units {
    double o, dq, dk, dv;
};
Units units_of_phrase(std::int64_t period, const char* more, float noise_of_keys = 0.0F) {
    constexpr std::int64_t tokens = 96, dim = 16;
    const Problem problem = problem_from(
        fmt::format(R"({{"heads_q": 2, "heads_kv": 2, "head_dim": {}, "dtype": "f16", "users": [{{"keys": {}}}]{}}})",
                    dim, tokens, more));
    const auto made = [&](std::uint64_t stream) { return Values(Dtype::f16, phrase(tokens, period, dim, stream)); };
    const Values keys(Dtype::f16, phrase(tokens, period, dim, 1, noise_of_keys));
    const Inputs inputs = Inputs::from_values(problem, {{made(0), keys, made(2), made(3)}});
    const Gradients gradients = ReferenceGradients(problem, inputs, 0).all();
    const auto mean = [](const std::vector<double>& units, const std::vector<double>& values) {
        double sum = 0.0;
        for (const double unit : units) sum += unit;
        return std::sqrt(sum / squared_norm(values));
    };
    const Reference forward = reference(problem, inputs, 0);
    return {mean(units_of(forward, arithmetic_of(problem)).o, forward.o), mean(gradients.unit_dq, gradients.dq),
            mean(gradients.unit_dk, gradients.dk), mean(gradients.unit_dv, gradients.dv)};
}

}  // namespace

TEST_CASE("a phrase that is repeated errs like the phrase alone") {
    // Relative to its result a row of a phrase said n times has n equal terms where the phrase has one.
    const Units once = units_of_phrase(96, ""), often = units_of_phrase(8, "");
    const Units by_pair = units_of_phrase(8, R"(, "mask": {"kind": "pair_bias", "std": 1})");
    // 96 different tokens, of which more cancel; with a bias per pair no two weights are alike.
    for (const auto part : {&Units::o, &Units::dq, &Units::dk, &Units::dv}) {
        CHECK(often.*part > 1.1 * by_pair.*part);
        CHECK(often.*part < 4e-4);
        CHECK(once.*part < 4e-4);
    }
}

TEST_CASE("a phrase whose keys differ by as much as roundings tell apart errs like different keys") {
    // Scores that differ by 0.002 times a normal number: some spacings of f16, of weights between a half and 1. Noise
    // of 0.3 are keys of which none is near another.
    const double alike = units_of_phrase(8, "").o, near = units_of_phrase(8, "", 0.002F).o;
    const double different = units_of_phrase(8, "", 0.3F).o;
    CHECK(near == Approx(different).epsilon(0.05));
    CHECK(alike > 1.1 * near);
}

TEST_CASE("queries that are equal but see more and more keys have different weights, which err apart") {
    constexpr std::int64_t tokens = 96, dim = 16;
    // All queries are one, and all gradients of outputs; the first key has the greatest score of every row.
    const std::vector<float> queries = phrase(tokens, 1, dim, 0), d_o = phrase(tokens, 1, dim, 3);
    std::vector<float> keys = phrase(tokens, tokens, dim, 1);
    std::copy_n(queries.begin(), 2 * dim, keys.begin());
    const auto units_of_dv = [&](const char* more) {
        const Problem problem = problem_from(
            fmt::format(R"({{"heads_q": 2, "heads_kv": 2, "head_dim": {}, "dtype": "f16", "users": [{{"keys": {}}}],
                            "mask": {{"all_of": [{{"kind": "causal"}}{}]}}}})",
                        dim, tokens, more));
        const auto values = [](const std::vector<float>& floats) { return Values(Dtype::f16, floats); };
        const Inputs inputs = Inputs::from_values(
            problem, {{values(queries), values(keys), values(phrase(tokens, tokens, dim, 2)), values(d_o)}});
        double sum = 0.0;
        for (const double unit : ReferenceGradients(problem, inputs, 0).all().unit_dv) sum += unit;
        return sum;
    };
    // With a bias per pair, however small, no two weights are taken to be alike.
    CHECK(units_of_dv("") == Approx(units_of_dv(R"(, {"kind": "pair_bias", "std": 1e-6})")).epsilon(0.01));
}
