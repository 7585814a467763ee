// SPDX-License-Identifier: Apache-2.0
// Reading a problem: defaults, totals, and one clear line for everything that cannot be used.
#include "cases.h"
#include "sim/base/error.h"

#include <cmath>
#include <limits>

using namespace tilemesh;
using namespace tilemesh::attention;

TEST_CASE("what a problem leaves out has a default") {
    const Problem problem = problem_from(R"({"heads_q": 6, "head_dim": 24, "users": [{"keys": 20}]})");
    CHECK(problem.heads_kv == problem.heads_q);
    CHECK(problem.value_dim == problem.head_dim);
    CHECK_FALSE(problem.latents);
    CHECK(problem.dtype == Dtype::f16);
    CHECK(problem.scale == 1.0 / std::sqrt(24.0));
    CHECK(problem.mask->name() == "full");
    REQUIRE(problem.users.size() == 1);
    CHECK(problem.users[0].queries == 20);
    CHECK(problem.users[0].query_offset == 0);
}

TEST_CASE("null stands for the default, and given values are taken") {
    const Problem problem =
        problem_from(R"({"heads_q": 6, "heads_kv": 2, "head_dim": 24, "value_dim": 17, "scale": null,
        "dtype": "bf16", "mask": null, "users": [{"keys": 20, "queries": 12, "query_offset": null}]})");
    CHECK(problem.group() == 3);
    CHECK(problem.value_dim == 17);
    CHECK(problem.scale == 1.0 / std::sqrt(24.0));
    CHECK(problem.dtype == Dtype::bf16);
    CHECK(problem_from(R"({"heads_q": 1, "head_dim": 24, "scale": 0.5, "users": [{"keys": 2}]})").scale == 0.5);
}

TEST_CASE("queries are the last tokens when the mask is causal anywhere, unless an offset is given") {
    const auto offset = [](const std::string& mask, const std::string& user) {
        return problem_from(R"({"heads_q": 1, "head_dim": 8, "mask": )" + mask + R"(, "users": [)" + user + "]}")
            .users[0]
            .query_offset;
    };
    const std::string causal = R"({"kind": "causal"})", full = R"({"kind": "full"})";
    const std::string both = R"({"all_of": [{"kind": "full"}, {"all_of": [{"kind": "causal"}]}]})";
    CHECK(offset(causal, R"({"keys": 120, "queries": 28})") == 120 - 28);
    CHECK(offset(both, R"({"keys": 120, "queries": 28})") == 120 - 28);
    CHECK(offset(full, R"({"keys": 120, "queries": 28})") == 0);
    CHECK(offset(causal, R"({"keys": 120, "queries": 28, "query_offset": 5})") == 5);
    CHECK(offset(full, R"({"keys": 120, "queries": 28, "query_offset": 5})") == 5);
    CHECK(offset(causal, R"({"keys": 28, "queries": 120, "query_offset": 0})") == 0);
    // With more queries than keys the first queries come before all keys.
    CHECK(offset(causal, R"({"keys": 28, "queries": 120})") == 28 - 120);
    CHECK(offset(both, R"({"keys": 0, "queries": 5})") == -5);
    CHECK(offset(full, R"({"keys": 28, "queries": 120})") == 0);
    CHECK(offset(full, R"({"keys": 28, "query_offset": -1099511627776})") == -(std::int64_t{1} << 40));
}

TEST_CASE("queries before the first key see nothing under a causal mask, and users may be empty") {
    const auto pairs = [](const std::string& users) {
        return visible_pairs(
            problem_from(R"({"heads_q": 3, "head_dim": 8, "mask": {"kind": "causal"}, "users": )" + users + "}"));
    };
    CHECK(pairs(R"([{"keys": 7, "queries": 30}])") == 3 * 7 * 8 / 2);  // the last 7 queries see 1 to 7 keys
    CHECK(pairs(R"([{"keys": 7, "queries": 3, "query_offset": -3}])") == 0);
    CHECK(pairs(R"([{"keys": 7, "queries": 3, "query_offset": -2}])") == 3);
    CHECK(pairs(R"([{"keys": 0, "queries": 3}, {"keys": 9, "queries": 0}, {"keys": 0}, {"keys": 2}])") == 3 * 3);
}

TEST_CASE("totals add up over users and follow the closed forms") {
    const Problem causal = problem_from(R"({"heads_q": 64, "heads_kv": 8, "head_dim": 128, "mask": {"kind": "causal"},
        "users": [{"keys": 8192}]})");
    const double s = 8192, h = 64, d = 128;
    CHECK(visible_pairs(causal) == h * s * (s + 1) / 2);
    CHECK(flops(causal) == 2 * s * (s + 1) * h * d);

    const Problem several = problem_from(R"({"heads_q": 6, "heads_kv": 2, "head_dim": 24, "value_dim": 17,
        "mask": {"kind": "causal"}, "users": [{"keys": 20, "queries": 12}, {"keys": 7}, {"keys": 360, "queries": 1}]})");
    std::uint64_t pairs = 0;
    for (std::uint64_t query = 8; query < 20; ++query) pairs += query + 1;
    pairs += 7 * 8 / 2 + 360;
    CHECK(visible_pairs(several) == 6.0 * static_cast<double>(pairs));
    CHECK(flops(several) == 2.0 * (24 + 17) * 6 * static_cast<double>(pairs));
}

TEST_CASE("the largest problem's totals do not overflow") {
    const Problem problem = problem_from(R"({"heads_q": 65536, "head_dim": 65536, "users": [{"keys": 134217728}]})");
    CHECK(visible_pairs(problem) == std::ldexp(1.0, 54 + 16));
    CHECK(flops(problem) == std::ldexp(1.0, 54 + 16 + 1 + 17));
}

TEST_CASE("every unusable problem gets one line saying where, what was found and what is expected") {
    struct Bad {
        std::string json;
        std::vector<std::string> said;
    };
    const auto with = [](const std::string& more) {
        return R"({"head_dim": 8, "users": [{"keys": 4}], )" + more + "}";
    };
    const auto user = [](const std::string& users) {
        return R"({"heads_q": 1, "head_dim": 8, "mask": {"kind": "causal"}, "users": )" + users + "}";
    };
    const auto mask = [&](const std::string& text) { return with(R"("heads_q": 1, "mask": )" + text); };
    std::string many = "[";
    for (int i = 0; i < 4097; ++i) many += R"({"keys": 1},)";
    many.back() = ']';
    std::string deep = R"({"kind": "full"})";
    for (int i = 0; i < 9; ++i) deep = R"({"all_of": [)" + deep + "]}";
    const Bad cases[] = {
        {"[]", {"/problem: found", "expected an object"}},
        {R"({"head_dim": 8, "users": [{"keys": 4}]})", {"/problem/heads_q"}},
        {R"({"heads_q": 1, "users": [{"keys": 4}]})", {"/problem/head_dim"}},
        {R"({"heads_q": 1, "head_dim": 8})", {"/problem/users"}},
        {with(R"("heads_q": 0)"), {"/problem/heads_q: found 0", "65536"}},
        {with(R"("heads_q": 65537)"), {"/problem/heads_q: found 65537", "65536"}},
        {with(R"("heads_q": -1)"), {"/problem/heads_q: found -1"}},
        {with(R"("heads_q": 1.5)"), {"/problem/heads_q: found 1.5"}},
        {with(R"("heads_q": "six")"), {"/problem/heads_q: found", "six"}},
        {with(R"("heads_q": 9223372036854775808)"), {"/problem/heads_q: found 9223372036854775808"}},
        {with(R"("heads_q": 6, "heads_kv": 4)"),
         {"/problem: found heads_q 6 and heads_kv 4", "heads_q to be a multiple of heads_kv"}},
        {with(R"("heads_q": 2, "heads_kv": 4)"), {"found heads_q 2 and heads_kv 4"}},
        {with(R"("heads_q": 1, "value_dim": 0)"), {"/problem/value_dim: found 0"}},
        {with(R"("heads_q": 1, "value_dim": 9, "latents": true)"),
         {"/problem: found value_dim 9 and head_dim 8", "at most head_dim"}},
        {with(R"("heads_q": 1, "latents": 1)"), {"/problem/latents: found 1", "true or false"}},
        {with(R"("heads_q": 1, "dtype": "fp16")"), {"/problem/dtype: found", "f16"}},
        {with(R"("heads_q": 1, "dtype": "f8e4m3", "probability_dtype": "f8e5m2")"),
         {"/problem/probability_dtype: found", "f16, f8e4m3"}},
        {with(R"("heads_q": 1, "dtype": "f8e4m3", "scales": {"q": 0})"), {"/problem/scales/q: found 0"}},
        {with(R"("heads_q": 1, "dtype": "f8e4m3", "latents": true, "scales": {"k": 2, "v": 1})"),
         {"/problem/scales: found 2 for k and 1 for v, expected one scale for both"}},
        {with(R"("heads_q": 1, "dtype": "f8e4m3", "scales": {"o": 1})"), {"/problem/scales/o: unknown key"}},
        {with(R"("heads_q": 1, "dtype": "i32")"), {"/problem/dtype: found", "f16"}},
        {with(R"("heads_q": 1, "scale": 0)"), {"/problem/scale: found 0"}},
        {with(R"("heads_q": 1, "scale": -0.1)"), {"/problem/scale: found -0.1"}},
        {with(R"("heads_q": 1, "scale": 1e300)"), {"/problem/scale: found 1e300"}},
        {with(R"("heads_q": 1, "head_dims": 4)"), {"/problem/head_dims", "did you mean head_dim"}},
        {user("[]"), {"/problem/users: found", "non-empty array of users"}},
        {user("{}"), {"/problem/users: found", "non-empty array of users"}},
        {user(many), {"/problem/users: found 4097 users, expected at most 4096"}},
        {user(R"([{"keys": 4}, {"queries": 4}])"), {"/problem/users/1/keys"}},
        {user(R"([{"keys": -1}])"), {"/problem/users/0/keys: found -1"}},
        {user(R"([{"keys": 4, "queries": -1}])"), {"/problem/users/0/queries: found -1"}},
        {user(R"([{"keys": 134217729}])"), {"/problem/users/0/keys: found 134217729", "134217728"}},
        {user(R"([{"keys": 4, "query_offset": -1099511627777}])"),
         {"/problem/users/0/query_offset: found -1099511627777", "from -1099511627776 to 1099511627776"}},
        {user(R"([{"keys": 4, "query_offset": 9223372036854775808}])"),
         {"/problem/users/0/query_offset: found 9223372036854775808"}},
        {user(R"([{"keys": 4, "query_offset": 0.5}])"), {"/problem/users/0/query_offset: found 0.5"}},
        {user(R"([{"keys": 4, "shared_keys": [1, 5]}])"), {"/problem/users/0/shared_keys/1: found 5", "from 0 to 4"}},
        {user(R"([{"keys": 4, "shared_keys": [3, 2]}])"), {"/problem/users/0/shared_keys/0: found 3", "from 0 to 2"}},
        {user(R"([{"keys": 4, "shared_keys": [3]}])"), {"/problem/users/0/shared_keys: found", "two positions"}},
        {user(R"([{"keys": 4, "offset": 1}])"), {"/problem/users/0/offset", "query_offset"}},
        {mask(R"("causal")"), {"/problem/mask: found", "kind"}},
        {mask("{}"), {"/problem/mask/kind"}},
        {mask(R"({"kind": "casual"})"), {"/problem/mask/kind: found", "did you mean causal"}},
        {mask(R"({"kind": "causal", "window": 4})"), {"/problem/mask/window"}},
        {mask(R"({"kind": "causal", "all_of": [{"kind": "full"}]})"), {"/problem/mask: found both", "one of them"}},
        {mask(R"({"all_of": []})"), {"/problem/mask/all_of: found", "non-empty array"}},
        {mask(R"({"all_of": [{"kind": "full"}, {"kind": 3}]})"), {"/problem/mask/all_of/1/kind: found 3"}},
        {mask(deep), {"nested too deeply"}},
    };
    for (const Bad& bad : cases) {
        CAPTURE(bad.json.substr(0, 200));
        const std::string message = input_error([&] { problem_from(bad.json); });
        CHECK_THAT(message, Catch::StartsWith("panel.json: /problem"));
        CHECK(message.find('\n') == std::string::npos);
        for (const std::string& said : bad.said) CHECK_THAT(message, Catch::Contains(said));
    }
}

TEST_CASE("so many users that pairs could not be counted in 64 bits are refused") {
    std::string users = "[";
    for (int i = 0; i < 300; ++i) users += R"({"keys": 134217728},)";
    users.back() = ']';
    const std::string message =
        input_error([&] { problem_from(R"({"heads_q": 1, "head_dim": 8, "users": )" + users + "}"); });
    CHECK_THAT(message, Catch::Contains("/problem/users: found 5.4e+18 pairs"));
}

TEST_CASE("sinks, cap and gradient of lse are read with their ranges; dropout is refused by name") {
    const auto with = [](const std::string& member) {
        return problem_from(R"({"heads_q": 2, "head_dim": 8, "users": [{"keys": 5}], )" + member + "}");
    };
    CHECK(with(R"("soft_cap": 50)").score_unit() == 50.0);
    CHECK(with(R"("soft_cap": null)").score_unit() == 1.0 / std::sqrt(8.0));
    const Problem listed = with(R"("sink": {"values": [0.5, "-inf"]})");
    CHECK(listed.sink(0, 0) == 0.5F);
    CHECK(listed.sink(0, 1) == -std::numeric_limits<float>::infinity());
    CHECK(with(R"("lse_gradient": {"std": 0})").lse_gradient->at(0, 3) == 0.0F);
    const std::pair<const char*, const char*> mistakes[] = {
        {R"("soft_cap": 0)", "/problem/soft_cap: found 0"},
        {R"("soft_cap": -5)", "/problem/soft_cap: found -5"},
        {R"("sink": 1)", "/problem/sink: found 1"},
        {R"("sink": {})", "/problem/sink: the panel names no inputs to read it from; give values or std"},
        {R"("sink": {"values": [1]})", "/problem/sink/values: found 1 numbers, expected 2, one for every query head"},
        {R"("sink": {"values": [1, 2e6]})", "/problem/sink/values/1: found 2"},
        {R"("sink": {"values": [1, "inf"]})", "/problem/sink/values/1: found a string \"inf\""},
        {R"("sink": {"values": [1, 2], "std": 1})", "/problem/sink: found both \"values\" and \"std\""},
        {R"("sink": {"valus": [1, 2]})", "/problem/sink/valus: unknown key, did you mean values?"},
        {R"("lse_gradient": {})", "/problem/lse_gradient: the panel names no inputs to read it from; give std"},
        {R"("lse_gradient": {"std": -1})", "/problem/lse_gradient/std: found -1"},
        {R"("dropout": 0.1)", "/problem: found dropout, which is not modelled"},
    };
    for (const auto& [member, says] : mistakes) {
        INFO(member);
        CHECK_THAT(input_error([&, given = member] { with(given); }), Catch::Contains(says));
    }
}
