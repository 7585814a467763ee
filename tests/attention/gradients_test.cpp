// SPDX-License-Identifier: Apache-2.0
// The reference gradients against finite differences of the forward reference, and the properties that gradients of
// attention have whatever computes them.
#include "cases.h"
#include "sim/attention/reference_gradients.h"
#include "sim/base/random.h"

#include <algorithm>
#include <cmath>

using namespace tilemesh;
using namespace tilemesh::attention;

namespace {

constexpr double step = 0x1p-12;  // of the finite differences, and the grid on which all values lie

/// One user's tensors as floats on the grid, so that value + step and value - step are exact.
struct Case {
    Problem problem;
    std::vector<float> q, k, v, d_o;

    explicit Case(Problem given) : problem(std::move(given)) {
        problem.dtype = Dtype::f32;
        std::uint64_t stream = 0;
        for (const auto& [tensor, values] : tensors()) {
            values->resize(shape_of(problem, 0, tensor).size());
            fill_normal(11, stream++, 0, *values);
            for (float& value : *values)
                value = std::round(value / static_cast<float>(step)) * static_cast<float>(step);
        }
    }
    std::vector<std::pair<TensorName, std::vector<float>*>> tensors() {
        return {{TensorName::q, &q}, {TensorName::k, &k}, {TensorName::v, &v}, {TensorName::d_o, &d_o}};
    }
    Inputs inputs() const {
        std::vector<Inputs::UserValues> users(1);
        users.front() = {Values(Dtype::f32, q), Values(Dtype::f32, k), Values(Dtype::f32, v),
                         Values(Dtype::f32, d_o)};
        return Inputs::from_values(problem, std::move(users));
    }
    Gradients gradients(int threads = 1) const { return ReferenceGradients(problem, inputs(), 0, threads).all(); }
    /// The loss of which these are the gradients: the sum of do * o, and of dlse * lse where there is a dlse.
    double loss() const {
        const Reference forward = reference(problem, inputs(), 0);
        double sum = 0.0;
        for (std::size_t i = 0; i < d_o.size(); ++i) sum += static_cast<double>(d_o[i]) * forward.o[i];
        for (std::size_t i = 0; problem.lse_gradient && i < forward.lse.size(); ++i)
            if (std::isfinite(forward.lse[i]))
                sum += static_cast<double>(problem.lse_gradient->at(0, i)) * forward.lse[i];
        return sum;
    }
};

/// All dimensions distinct; keys and rows beyond one tile and one batch.
Problem long_problem(std::shared_ptr<const Mask> mask) {
    Problem problem = problem_from(R"({"heads_q": 6, "heads_kv": 2, "head_dim": 24, "value_dim": 17,
        "users": [{"keys": 150, "queries": 70, "query_offset": 80}]})");
    problem.mask = std::move(mask);
    return problem;
}

Problem short_problem(std::shared_ptr<const Mask> mask) {
    Problem problem = problem_from(R"({"heads_q": 6, "heads_kv": 2, "head_dim": 5, "value_dim": 4, "scale": 0.7,
        "users": [{"keys": 11, "queries": 7, "query_offset": 3}]})");
    problem.mask = std::move(mask);
    return problem;
}

}  // namespace

TEST_CASE("with latents k gathers the gradients of both its uses, and there is no other") {
    Case latents(short_problem(causal_mask()));
    latents.problem.latents = true;
    Case apart = latents;
    apart.problem.latents = false;
    const std::size_t d = 5, dv = 4;
    for (std::size_t row = 0; row < apart.k.size() / d; ++row)
        for (std::size_t c = 0; c < dv; ++c) apart.v[row * dv + c] = apart.k[row * d + c];
    latents.v.clear();
    const Gradients one = latents.gradients(), two = apart.gradients();
    CHECK(one.dq == two.dq);
    CHECK(one.dv.empty());
    REQUIRE(one.dk.size() == two.dk.size());
    for (std::size_t i = 0; i < one.dk.size(); ++i) {
        const double of_value = i % d < dv ? two.dv[i / d * dv + i % d] : 0.0;
        CHECK(one.dk[i] == two.dk[i] + of_value);
    }
}

namespace {

/// The greatest difference between a gradient and the central difference of the loss in every element of `values`.
double greatest_error(Case& c, std::vector<float>& values, const std::vector<double>& gradient) {
    REQUIRE(gradient.size() == values.size());
    double greatest = 0.0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const float value = values[i];
        values[i] = value + static_cast<float>(step);
        const double above = c.loss();
        values[i] = value - static_cast<float>(step);
        const double below = c.loss();
        values[i] = value;
        greatest = std::max(greatest, std::abs((above - below) / (2.0 * step) - gradient[i]));
    }
    return greatest;
}

double greatest(const std::vector<double>& values) {
    double most = 0.0;
    for (const double value : values) most = std::max(most, std::abs(value));
    return most;
}

/// Sums over tokens: [tokens, width] becomes [width].
std::vector<double> summed(const std::vector<double>& values, std::int64_t width) {
    std::vector<double> sums(static_cast<std::size_t>(width));
    for (std::size_t i = 0; i < values.size(); ++i) sums[i % sums.size()] += values[i];
    return sums;
}

const std::vector<std::shared_ptr<const Mask>> masks = {full_mask(), causal_mask(), std::make_shared<Sprinkled>(),
                                                        all_of({causal_mask(), std::make_shared<NotLongAgo>(9)})};

}  // namespace

TEST_CASE("every element of every gradient is the central difference of the loss in that element") {
    for (const auto& mask : masks) {
        CAPTURE(mask->name());
        Case c(short_problem(mask));
        const Gradients result = c.gradients();
        CHECK(greatest_error(c, c.q, result.dq) <= 1e-6);
        CHECK(greatest_error(c, c.k, result.dk) <= 1e-6);
        CHECK(greatest_error(c, c.v, result.dv) <= 1e-6);
        CHECK(greatest(result.dq) > 0.1);  // or the comparison says nothing
        CHECK(greatest(result.dk) > 0.1);
        CHECK(greatest(result.dv) > 0.1);
    }
}

TEST_CASE("the same with sinks, a soft cap, biases of every kind and a gradient of lse, each alone and all at once") {
    const char* const sink = R"("sink": {"std": 1.5})";
    const char* const cap = R"("soft_cap": 1.5)";
    const char* const d_lse = R"("lse_gradient": {"std": 1})";
    const char* const biases = R"("mask": {"all_of": [{"kind": "causal"}, {"kind": "alibi", "slopes": "geometric"},
        {"kind": "pair_bias", "std": 1}, {"kind": "key_bias", "values": [1, "-inf", 0, 1, -1, 0, 0.5, 0, 0, 2, 0]}]})";
    for (const std::string& variant :
         {std::string(sink), std::string(cap), std::string(d_lse), std::string(biases),
          fmt::format("{}, {}", sink, d_lse), fmt::format("{}, {}, {}, {}", sink, cap, d_lse, biases)}) {
        CAPTURE(variant);
        Case c(problem_from(R"({"heads_q": 6, "heads_kv": 2, "head_dim": 5, "value_dim": 4, "scale": 0.7,
            "users": [{"keys": 11, "queries": 7, "query_offset": 3}], )" +
                            variant + "}"));
        if (!c.problem.sinks.empty())
            for (float& value : c.problem.sinks[0])
                value = std::round(value / static_cast<float>(step)) * static_cast<float>(step);
        const Gradients result = c.gradients();
        CHECK(greatest_error(c, c.q, result.dq) <= 1e-6);
        CHECK(greatest_error(c, c.k, result.dk) <= 1e-6);
        CHECK(greatest_error(c, c.v, result.dv) <= 1e-6);
        CHECK(greatest(result.dq) > 0.1);
        CHECK(result.dsink.empty() == c.problem.sinks.empty());
        if (result.dsink.empty()) continue;
        CHECK(greatest_error(c, c.problem.sinks[0], result.dsink) <= 1e-6);
        CHECK(greatest(result.dsink) > 0.01);  // ten thousand times the error allowed
    }
}

TEST_CASE("a vector added to every key moves no output, so dk sums to 0 over the keys") {
    for (const auto& mask : masks) {
        CAPTURE(mask->name());
        const Case c(long_problem(mask));
        const Gradients result = c.gradients();
        CHECK(greatest(summed(result.dk, 2 * 24)) <= 1e-12 * greatest(result.dk));
    }
}

TEST_CASE("equal values make every output that value, whatever q and k are: dq and dk are 0") {
    Case c(long_problem(causal_mask()));
    for (std::size_t i = 2 * 17; i < c.v.size(); ++i) c.v[i] = c.v[i % (2 * 17)];
    const Gradients result = c.gradients();
    CHECK(greatest(result.dq) <= 1e-12);
    CHECK(greatest(result.dk) <= 1e-12);
    CHECK(greatest(result.dv) > 0.1);
}

TEST_CASE("a row hands its whole gradient to the values it sees: dv sums to do of the rows that see a key") {
    for (const auto& mask : masks) {
        CAPTURE(mask->name());
        const Case c(long_problem(mask));
        std::vector<double> expected(2 * 17);
        for (std::int64_t query = 0; query < 70; ++query) {
            if (mask->visible_pairs({}, {80 + query, 81 + query}, {0, 150}) == 0) continue;
            for (std::size_t i = 0; i < 6 * 17; ++i) {
                const std::size_t head = i / 17, element = i % 17;
                expected[head / 3 * 17 + element] +=
                    static_cast<double>(c.d_o[static_cast<std::size_t>(query) * 6 * 17 + i]);
            }
        }
        std::vector<double> difference = summed(c.gradients().dv, 2 * 17);
        for (std::size_t i = 0; i < expected.size(); ++i) difference[i] -= expected[i];
        CHECK(greatest(difference) <= 1e-11);
    }
}

TEST_CASE("rows that see nothing and keys that nobody sees have gradient 0") {
    const Case c(long_problem(std::make_shared<Sprinkled>()));
    const Gradients hidden_rows = c.gradients();
    for (std::size_t i = 0; i < hidden_rows.dq.size(); ++i) {
        const bool hidden = i / (6 * 24) % 5 == 0;  // every fifth query; position 80 is one
        if (hidden) REQUIRE(hidden_rows.dq[i] == 0.0);
    }
    const Case odd(long_problem(std::make_shared<EverySecondKey>(1)));
    const Gradients hidden_keys = odd.gradients();
    for (std::size_t i = 0; i < hidden_keys.dk.size(); ++i) {
        if (i / (2 * 24) % 2 == 0) REQUIRE(hidden_keys.dk[i] == 0.0);
    }
    CHECK(greatest(hidden_rows.dq) > 0.1);
    CHECK(greatest(hidden_keys.dk) > 0.1);
}

TEST_CASE("a few rows and keys, in any order and repeated, have the gradients they have among all") {
    for (const auto& mask : masks) {
        CAPTURE(mask->name());
        const Case c(long_problem(mask));
        const Inputs inputs = c.inputs();
        const Gradients all = ReferenceGradients(c.problem, inputs, 0).all();
        ReferenceGradients few(c.problem, inputs, 0, 3);
        const std::vector<Row> rows = {{69, 0}, {1, 5}, {0, 2}, {69, 0}, {33, 3}, {12, 4}};
        const std::vector<Key> keys = {{149, 1}, {0, 0}, {64, 1}, {63, 0}, {149, 1}, {101, 0}};
        const KeyGradients of_keys = few.gradient_keys(keys);
        const std::vector<double> dq = few.gradient_rows(rows);
        const auto differences = [&](const std::vector<double>& found, std::int64_t item, const auto& whole,
                                     std::int64_t first, std::int64_t dim) {
            double most = 0.0;
            for (std::int64_t i = 0; i < dim; ++i) {
                most = std::max(most, std::abs(found[static_cast<std::size_t>(item * dim + i)] -
                                               whole[static_cast<std::size_t>(first * dim + i)]));
            }
            return most;
        };
        double most = 0.0;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const auto number = static_cast<std::int64_t>(i);
            const std::int64_t row = rows[i].query * 6 + rows[i].head, key = keys[i].key * 2 + keys[i].head;
            most = std::max({most, differences(dq, number, all.dq, row, 24),
                             differences(of_keys.dk, number, all.dk, key, 24),
                             differences(of_keys.dv, number, all.dv, key, 17)});
        }
        CHECK(most <= 1e-13);
    }
}

TEST_CASE("the number of threads changes nothing") {
    const Case c(long_problem(causal_mask()));
    const Gradients one = c.gradients(1), three = c.gradients(3);
    CHECK(one.dq == three.dq);
    CHECK(one.dk == three.dk);
    CHECK(one.dv == three.dv);
}

TEST_CASE("huge scores make finite gradients") {
    Case c(long_problem(full_mask()));
    for (float& value : c.q) value *= 1000.0F;
    const Gradients result = c.gradients();
    const auto finite = [](double value) { return std::isfinite(value); };
    CHECK(std::all_of(result.dq.begin(), result.dq.end(), finite));
    CHECK(std::all_of(result.dk.begin(), result.dk.end(), finite));
    CHECK(greatest(result.dv) > 0.1);
}

TEST_CASE("gradients of rows and keys that do not exist, or without a gradient of the output, are refused") {
    const Case c(short_problem(full_mask()));
    const Inputs inputs = c.inputs();
    ReferenceGradients gradients(c.problem, inputs, 0);
    CHECK_THROWS_AS(gradients.gradient_rows(std::vector<Row>{{7, 0}}), InternalError);
    CHECK_THROWS_AS(gradients.gradient_rows(std::vector<Row>{{0, 6}}), InternalError);
    CHECK_THROWS_AS(gradients.gradient_keys(std::vector<Key>{{11, 0}}), InternalError);
    CHECK_THROWS_AS(gradients.gradient_keys(std::vector<Key>{{0, 2}}), InternalError);
    const Inputs forward = Inputs::generated(c.problem, 5, Inputs::Queries::held);
    CHECK_THROWS_AS(ReferenceGradients(c.problem, forward, 0).all(), InternalError);
}
