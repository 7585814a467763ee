// SPDX-License-Identifier: Apache-2.0
// The reference against a plain two-pass softmax, and the properties that attention has whatever computes it.
#include "sim/attention/reference.h"
#include "cases.h"
#include "sim/base/error.h"
#include "sim/base/random.h"

#include <cmath>
#include <numbers>

using namespace tilemesh;
using namespace tilemesh::attention;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

std::vector<float> normals(std::uint64_t stream, std::int64_t count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    fill_normal(7, stream, 0, values);
    return values;
}

/// One user's tensors as floats, so that tests can edit them.
struct Case {
    Problem problem;
    std::vector<float> q, k, v;

    explicit Case(Problem given) : problem(std::move(given)) {
        const User& user = problem.users.front();
        problem.dtype = Dtype::f32;
        q = normals(0, user.queries * problem.heads_q * problem.head_dim);
        k = normals(1, user.keys * problem.heads_kv * problem.head_dim);
        v = normals(2, user.keys * problem.heads_kv * problem.value_dim);
    }
    Inputs inputs() const {
        std::vector<Inputs::UserValues> users(1);
        users.front() = {Values(Dtype::f32, q), Values(Dtype::f32, k), Values(Dtype::f32, v)};
        return Inputs::from_values(problem, std::move(users));
    }
    Reference result(int threads = 1) const { return reference(problem, inputs(), 0, threads); }
    const User& user() const { return problem.users.front(); }
};

Problem shapes(std::int64_t heads_q, std::int64_t heads_kv, std::int64_t head_dim, std::int64_t value_dim, User user,
               std::shared_ptr<const Mask> mask) {
    Problem problem;
    problem.heads_q = heads_q;
    problem.heads_kv = heads_kv;
    problem.head_dim = head_dim;
    problem.value_dim = value_dim;
    problem.scale = 1.0 / std::sqrt(static_cast<double>(head_dim));
    problem.users = {user};
    problem.mask = std::move(mask);
    return problem;
}

const User distinct{20, 12, 8};

/// Scores of one row, -inf where hidden.
std::vector<double> scores_of(const Case& c, std::int64_t query, std::int64_t head) {
    const Problem& p = c.problem;
    std::vector<double> scores;
    for (std::int64_t key = 0; key < c.user().keys; ++key) {
        double score = 0.0;
        for (std::int64_t i = 0; i < p.head_dim; ++i) {
            score += static_cast<double>(c.q[static_cast<std::size_t>((query * p.heads_q + head) * p.head_dim + i)]) *
                     static_cast<double>(
                         c.k[static_cast<std::size_t>((key * p.heads_kv + head / p.group()) * p.head_dim + i)]);
        }
        scores.push_back(p.mask->sees({0, head}, c.user().query_offset + query, key)
                             ? p.scale * score + p.mask->key_bias(0, key)
                             : -infinity);
    }
    return scores;
}

/// Attention as the textbook has it.
Reference textbook(const Case& c) {
    const Problem& p = c.problem;
    Reference result{std::vector<double>(static_cast<std::size_t>(c.user().queries * p.heads_q * p.value_dim)),
                     std::vector<double>(static_cast<std::size_t>(c.user().queries * p.heads_q))};
    for (std::int64_t query = 0; query < c.user().queries; ++query) {
        for (std::int64_t head = 0; head < p.heads_q; ++head) {
            const std::vector<double> scores = scores_of(c, query, head);
            double maximum = -infinity, sum = 0.0;
            for (const double score : scores) maximum = std::max(maximum, score);
            double* const out = &result.o[static_cast<std::size_t>((query * p.heads_q + head) * p.value_dim)];
            for (std::size_t key = 0; key < scores.size() && maximum > -infinity; ++key) {
                const double weight = std::exp(scores[key] - maximum);
                sum += weight;
                for (std::int64_t i = 0; i < p.value_dim; ++i) {
                    const std::int64_t row = static_cast<std::int64_t>(key) * p.heads_kv + head / p.group();
                    out[i] += weight * static_cast<double>(c.v[static_cast<std::size_t>(row * p.value_dim + i)]);
                }
            }
            for (std::int64_t i = 0; i < p.value_dim && sum > 0.0; ++i) out[i] /= sum;
            result.lse[static_cast<std::size_t>(head * c.user().queries + query)] =
                sum > 0.0 ? maximum + std::log(sum) : -infinity;
        }
    }
    return result;
}

double greatest_difference(const std::vector<double>& a, const std::vector<double>& b) {
    REQUIRE(a.size() == b.size());
    double greatest = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (a[i] != b[i]) greatest = std::max(greatest, std::abs(a[i] - b[i]));  // equal infinities differ by 0
        if (std::isnan(a[i]) || std::isnan(b[i])) return infinity;
    }
    return greatest;
}

}  // namespace

TEST_CASE("the reference equals a plain two-pass softmax for any shape and mask") {
    const std::shared_ptr<const Mask> per_head = std::make_shared<HeadByHead>(), biased = std::make_shared<Biased>();
    const std::shared_ptr<const Mask> masks[] = {full_mask(),
                                                 causal_mask(),
                                                 std::make_shared<Sprinkled>(),
                                                 per_head,
                                                 biased,
                                                 all_of({causal_mask(), biased, per_head}),
                                                 all_of({causal_mask(), std::make_shared<NotLongAgo>(9)})};
    const Problem problems[] = {
        shapes(6, 2, 24, 17, distinct, {}),       // all dimensions distinct
        shapes(1, 1, 1, 1, {1, 1, 0}, {}),        // the smallest
        shapes(8, 1, 5, 33, {65, 70, 3}, {}),     // a key and some rows past a tile
        shapes(3, 3, 16, 16, {128, 300, 0}, {}),  // more rows of a head than are computed together
        shapes(2, 1, 40, 40, {200, 1, 199}, {}),  // decode
        shapes(4, 2, 7, 3, {63, 66, 40}, {}),     // queries before, among and after the keys
    };
    for (const auto& mask : masks) {
        for (Problem problem : problems) {
            problem.mask = mask;
            CAPTURE(mask->name(), problem.heads_q, problem.users[0].keys, problem.users[0].queries);
            const Case c(problem);
            const Reference got = c.result(), expected = textbook(c);
            CHECK(greatest_difference(got.o, expected.o) < 1e-13);
            CHECK(greatest_difference(got.lse, expected.lse) < 1e-13);
        }
    }
}

TEST_CASE("constant V gives a constant output") {
    Case c(shapes(6, 2, 24, 17, distinct, causal_mask()));
    c.v.assign(c.v.size(), 3.25f);
    const Reference result = c.result();
    CHECK(greatest_difference(result.o, std::vector<double>(result.o.size(), 3.25)) < 1e-14);
}

TEST_CASE("K = 0 gives the mean of the visible V, and the logarithm of their number") {
    Case c(shapes(6, 2, 24, 17, distinct, causal_mask()));
    const Problem& p = c.problem;
    c.k.assign(c.k.size(), 0.0f);
    const Reference result = c.result();
    for (std::int64_t query = 0; query < distinct.queries; ++query) {
        const std::int64_t visible = distinct.query_offset + query + 1;
        for (std::int64_t head = 0; head < p.heads_q; ++head) {
            CHECK(result.lse[static_cast<std::size_t>(head * distinct.queries + query)] ==
                  Approx(std::log(static_cast<double>(visible))).epsilon(1e-14));
            for (std::int64_t i = 0; i < p.value_dim; ++i) {
                double sum = 0.0;
                for (std::int64_t key = 0; key < visible; ++key) {
                    const std::int64_t row = key * p.heads_kv + head / p.group();
                    sum += static_cast<double>(c.v[static_cast<std::size_t>(row * p.value_dim + i)]);
                }
                const double got = result.o[static_cast<std::size_t>((query * p.heads_q + head) * p.value_dim + i)];
                CHECK(std::abs(got - sum / static_cast<double>(visible)) < 1e-14);
            }
        }
    }
}

TEST_CASE("adding a constant to all scores of a row moves lse by it and leaves the output") {
    const Case plain(shapes(6, 2, 24, 17, distinct, causal_mask()));
    Case shifted = plain;
    Problem& p = shifted.problem;
    ++p.head_dim;  // the scale stays that of 24
    // One more dimension: every key has 1 there, and the row's constant stands in its query.
    const auto append = [](const std::vector<float>& old, std::int64_t dim, const auto& value_of_row) {
        std::vector<float> longer;
        for (std::size_t i = 0; i < old.size(); ++i) {
            longer.push_back(old[i]);
            if ((i + 1) % static_cast<std::size_t>(dim) == 0)
                longer.push_back(value_of_row(i / static_cast<std::size_t>(dim)));
        }
        return longer;
    };
    const auto constant = [](std::size_t row) { return 50.0f - 7.0f * static_cast<float>(row % 16); };
    shifted.q = append(plain.q, plain.problem.head_dim, constant);
    shifted.k = append(plain.k, plain.problem.head_dim, [](std::size_t) { return 1.0f; });
    const Reference before = plain.result();
    Reference after = shifted.result();
    CHECK(greatest_difference(after.o, before.o) < 1e-12);
    for (std::int64_t query = 0; query < distinct.queries; ++query) {
        for (std::int64_t head = 0; head < p.heads_q; ++head) {
            const auto row = static_cast<std::size_t>(query * p.heads_q + head);
            after.lse[static_cast<std::size_t>(head * distinct.queries + query)] -=
                p.scale * static_cast<double>(constant(row));
        }
    }
    CHECK(greatest_difference(after.lse, before.lse) < 1e-12);
}

TEST_CASE("keys and values given twice leave the output and add ln 2 to lse") {
    const Case once(shapes(6, 2, 24, 17, distinct, full_mask()));
    Case twice = once;
    twice.problem.users.front().keys *= 2;
    twice.k.insert(twice.k.end(), once.k.begin(), once.k.end());
    twice.v.insert(twice.v.end(), once.v.begin(), once.v.end());
    const Reference before = once.result();
    Reference after = twice.result();
    CHECK(greatest_difference(after.o, before.o) < 1e-14);
    for (double& lse : after.lse) lse -= std::numbers::ln2;
    CHECK(greatest_difference(after.lse, before.lse) < 1e-14);
}

TEST_CASE("lse is at least the greatest score and at most ln(keys) above it") {
    Case c(shapes(6, 2, 24, 17, distinct, causal_mask()));
    for (float& value : c.q) value *= 100.0f;  // far beyond what exp can take without the maximum
    const Reference result = c.result();
    for (std::int64_t query = 0; query < distinct.queries; ++query) {
        for (std::int64_t head = 0; head < c.problem.heads_q; ++head) {
            const std::vector<double> scores = scores_of(c, query, head);
            const double greatest = *std::max_element(scores.begin(), scores.end());
            const double lse = result.lse[static_cast<std::size_t>(head * distinct.queries + query)];
            CHECK(lse >= greatest - 1e-12);
            CHECK(lse <= greatest + std::log(static_cast<double>(distinct.keys)) + 1e-12);
        }
    }
}

TEST_CASE("a row that sees no key is 0 with lse -inf, and its neighbours are not disturbed") {
    const Case c(shapes(6, 2, 24, 17, {20, 12, 0}, std::make_shared<Sprinkled>()));
    const Reference result = c.result();
    for (std::int64_t query = 0; query < 12; ++query) {
        const bool hidden = query % 5 == 0;
        for (std::int64_t head = 0; head < 6; ++head) {
            const double lse = result.lse[static_cast<std::size_t>(head * 12 + query)];
            CHECK((lse == -infinity) == hidden);
            for (std::int64_t i = 0; i < 17; ++i) {
                const double o = result.o[static_cast<std::size_t>((query * 6 + head) * 17 + i)];
                CHECK(std::isfinite(o));
                if (hidden) CHECK(o == 0.0);
            }
        }
    }
}

TEST_CASE("chosen rows, in any order and more than once, equal the same rows of the whole") {
    const Case c(shapes(6, 2, 24, 17, {150, 130, 20}, causal_mask()));
    std::vector<Row> rows;
    for (std::uint64_t i = 0; i < 90; ++i) {
        rows.push_back({static_cast<std::int64_t>(random_below(3, 0, i, 130)),
                        static_cast<std::int64_t>(random_below(3, 1, i, 6))});
    }
    rows.push_back(rows.front());
    const Reference whole = c.result(), chosen = reference_rows(c.problem, c.inputs(), 0, rows, 2);
    Reference expected;
    for (const Row& row : rows) {
        const auto begin = whole.o.begin() + (row.query * 6 + row.head) * 17;
        expected.o.insert(expected.o.end(), begin, begin + 17);
        expected.lse.push_back(whole.lse[static_cast<std::size_t>(row.head * 130 + row.query)]);
    }
    CHECK(greatest_difference(chosen.o, expected.o) < 1e-14);
    CHECK(greatest_difference(chosen.lse, expected.lse) < 1e-14);
}

TEST_CASE("the number of threads does not change a bit") {
    const Case c(shapes(6, 2, 24, 17, {150, 130, 20}, causal_mask()));
    const Reference one = c.result(1), three = c.result(3);
    CHECK(one.o == three.o);
    CHECK(one.lse == three.lse);
}

TEST_CASE("no queries give no rows, and no keys give rows of 0") {
    CHECK(Case(shapes(6, 2, 24, 17, {20, 0, 0}, full_mask())).result().o.empty());
    const Case no_keys(shapes(6, 2, 24, 17, {0, 12, 0}, full_mask()));
    const Reference result = no_keys.result();
    CHECK(result.o == std::vector<double>(12 * 6 * 17, 0.0));
    CHECK(result.lse == std::vector<double>(12 * 6, -infinity));
    CHECK(reference_rows(no_keys.problem, no_keys.inputs(), 0, {}).lse.empty());
}

TEST_CASE("a row that does not exist is refused, also by a thread") {
    const Case c(shapes(6, 2, 24, 17, distinct, full_mask()));
    const Row bad[] = {{0, 6}};
    CHECK_THROWS_AS(reference_rows(c.problem, c.inputs(), 0, bad, 2), InternalError);
}
