// SPDX-License-Identifier: Apache-2.0
// Reading an attention problem, strictly, and its totals. Limits are far above any model in use and keep every
// product of sizes inside 64 bits.
#include "sim/attention/problem.h"

#include "sim/attention/masks/kinds.h"
#include "sim/base/error.h"

#include <cmath>
#include <limits>

namespace tilemesh::attention {
namespace {

constexpr std::uint64_t most_heads = 65536;
constexpr std::uint64_t most_dim = 65536;
constexpr std::uint64_t most_users = 4096;
constexpr std::uint64_t most_tokens = std::uint64_t{1} << 27;
constexpr double most_pairs = 0x1p62;
constexpr double least_cap = 1e-3, most_cap = 1e6;
constexpr double least_scale = 1e-9, most_scale = 1e9;

std::int64_t read_count(JsonReader& reader, std::string_view key, std::uint64_t most,
                        std::optional<std::int64_t> otherwise = {}, std::uint64_t least = 1) {
    std::optional<std::uint64_t> value;
    if (otherwise) value = static_cast<std::uint64_t>(*otherwise);
    return static_cast<std::int64_t>(reader.integer(key, least, most, value));
}

/// [begin, end), both from 0 to `keys`.
Range read_shared_keys(const JsonReader& reader, std::int64_t keys) {
    if (!reader.is_array() || reader.value().size() != 2) reader.reject("two positions, [begin, end)");
    const std::vector<JsonReader> ends = reader.elements();
    const auto most = static_cast<std::uint64_t>(keys);
    Range shared;
    shared.end = static_cast<std::int64_t>(ends[1].as_integer(0, most));
    shared.begin = static_cast<std::int64_t>(ends[0].as_integer(0, static_cast<std::uint64_t>(shared.end)));
    return shared;
}

/// A user whose query_offset waits for the mask unless it is given.
User read_user(JsonReader& reader) {
    User user;
    user.keys = read_count(reader, "keys", most_tokens, {}, 0);
    user.queries = read_count(reader, "queries", most_tokens, user.keys, 0);
    if (const auto shared = reader.optional_member("shared_keys"))
        user.shared_keys = read_shared_keys(*shared, user.keys);
    if (const auto offset = reader.optional_member("query_offset")) {
        constexpr auto furthest = static_cast<std::int64_t>(furthest_position);
        user.query_offset = offset->as_signed(-furthest, furthest);
    }
    reader.finish();
    return user;
}

/// Under a causal mask queries are the last tokens unless the panel says otherwise.
void place_queries(const JsonReader& reader, User& user, const Mask& mask) {
    if (!reader.has("query_offset") && mask.is_causal()) user.query_offset = user.keys - user.queries;
}

std::vector<User> read_users(JsonReader& reader) {
    if (!reader.is_array() || reader.value().empty()) reader.reject("a non-empty array of users");
    if (reader.value().size() > most_users) {
        reader.complain(fmt::format("found {} users, expected at most {}", reader.value().size(), most_users));
    }
    std::vector<User> users;
    double pairs = 0.0;
    for (JsonReader& element : reader.elements()) {
        users.push_back(read_user(element));
        pairs += static_cast<double>(users.back().keys) * static_cast<double>(users.back().queries);
    }
    if (pairs > most_pairs) {
        reader.complain(
            fmt::format("found {:.3g} pairs of query and key in total, expected at most {:.3g}", pairs, most_pairs));
    }
    return users;
}

/// Storage types, and what belongs to those of 8 bits alone.
void read_dtypes(JsonReader& reader, Problem& problem) {
    problem.dtype = *dtype_from_name(reader.word("dtype", {"f16", "bf16", "f32", "f8e4m3", "f8e5m2"}, "f16"));
    const auto only_for_fp8 = [&](const JsonReader& member) {
        if (!is_fp8(problem.dtype))
            member.complain(fmt::format("found dtype {}, expected f8e4m3 or f8e5m2 with this key; leave it out",
                                        name_of(problem.dtype)));
    };
    if (auto scales = reader.optional_member("scales")) {
        only_for_fp8(*scales);
        problem.scales = {scales->number("q", least_scale, most_scale, 1.0),
                          scales->number("k", least_scale, most_scale, 1.0),
                          scales->number("v", least_scale, most_scale, 1.0)};
        scales->finish();
    }
    if (problem.latents) {
        // v is stored as k is, and has its values.
        if (reader.has("scales") && reader.member("scales").has("v") && problem.scales.v != problem.scales.k)
            reader.member("scales").complain(
                fmt::format("found {} for k and {} for v, expected one scale for both: with latents v is a part of k",
                            problem.scales.k, problem.scales.v));
        problem.scales.v = problem.scales.k;
    }
    if (const auto dtype = reader.optional_member("probability_dtype")) {
        only_for_fp8(*dtype);
        problem.probability_dtype = dtype_from_name(dtype->as_word({"f16", std::string(name_of(problem.dtype))}));
    }
}

}  // namespace

Problem read_problem(JsonReader reader, const MaskSources& sources) {
    Problem problem;
    problem.heads_q = read_count(reader, "heads_q", most_heads);
    problem.heads_kv = read_count(reader, "heads_kv", most_heads, problem.heads_q);
    if (problem.heads_q % problem.heads_kv != 0) {
        reader.complain(fmt::format("found heads_q {} and heads_kv {}, expected heads_q to be a multiple of heads_kv",
                                    problem.heads_q, problem.heads_kv));
    }
    problem.head_dim = read_count(reader, "head_dim", most_dim);
    problem.value_dim = read_count(reader, "value_dim", most_dim, problem.head_dim);
    problem.latents = reader.boolean("latents", false);
    if (problem.latents && problem.value_dim > problem.head_dim) {
        reader.complain(
            fmt::format("found value_dim {} and head_dim {}, expected value_dim to be at most head_dim: with "
                        "latents v is the first value_dim elements of k",
                        problem.value_dim, problem.head_dim));
    }
    read_dtypes(reader, problem);
    problem.scale = reader.number("scale", 1e-9, 1e9, 1.0 / std::sqrt(static_cast<double>(problem.head_dim)));
    JsonReader users = reader.member("users");
    problem.users = read_users(users);
    const auto mask = reader.optional_member("mask");
    const MaskReading reading{sources, problem.users, problem.heads_q};
    if (mask) problem.mask = read_mask(*mask, reading);
    problem.soft_cap = reader.has("soft_cap") ? reader.number("soft_cap", least_cap, most_cap) : 0.0;
    if (const auto sink = reader.optional_member("sink")) problem.sinks = read_sinks(*sink, reading);
    if (const auto gradient = reader.optional_member("lse_gradient"))
        problem.lse_gradient = read_lse_gradient(*gradient, reading);
    if (reader.value().contains("dropout"))
        reader.complain("found dropout, which is not modelled; remove it (null does not switch it off either)");
    if (const auto pages = reader.optional_member("pages"))
        problem.pages = std::make_shared<Pages>(read_pages(*pages, reading));
    reader.finish();
    const std::vector<JsonReader> elements = users.elements();
    for (std::size_t i = 0; i < elements.size(); ++i) place_queries(elements[i], problem.users[i], *problem.mask);
    if (auto placed = problem.mask->placed(problem.users)) problem.mask = std::move(placed);
    if (const auto why = problem.mask->refuses(problem.users)) mask->complain(*why);
    return problem;
}

float Problem::sink(int user, std::int64_t query_head) const {
    if (sinks.empty()) return -std::numeric_limits<float>::infinity();
    return sinks[static_cast<std::size_t>(user)][static_cast<std::size_t>(query_head)];
}

double visible_pairs(const Problem& problem) {
    // In floating point, because many heads of the longest context exceed 64 bits.
    const bool alike = !problem.mask->varies_by_head();
    double pairs = 0.0;
    for (std::size_t i = 0; i < problem.users.size(); ++i) {
        const User& user = problem.users[i];
        for (std::int64_t head = 0; head < (alike ? 1 : problem.heads_q); ++head) {
            const Viewer viewer{static_cast<int>(i), head};
            pairs += static_cast<double>(
                problem.mask->visible_pairs(viewer, user.query_positions(), user.key_positions()));
        }
    }
    return alike ? pairs * static_cast<double>(problem.heads_q) : pairs;
}

double flops(const Problem& problem) {
    return 2.0 * static_cast<double>(problem.head_dim + problem.value_dim) * visible_pairs(problem);
}

}  // namespace tilemesh::attention
