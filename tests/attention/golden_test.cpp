// SPDX-License-Identifier: Apache-2.0
// The reference against attention computed in f64 by an independent framework. Every case is taken, with its
// parameters, and its segment ids, from the file itself.
#include "cases.h"
#include "sim/attention/masks/kinds.h"
#include "sim/attention/reference.h"
#include "sim/base/safetensors.h"

#include <algorithm>
#include <cmath>
#include <set>

using namespace tilemesh;
using namespace tilemesh::attention;

namespace {

const std::filesystem::path golden_file = std::filesystem::path(TILEMESH_TEST_DATA) / "attention_golden.safetensors";

/// The mask of a case, as a panel would say it. "a+b" is both.
Json mask_of(const Json& parameters, bool ids_from_file) {
    const std::string kinds = parameters["mask_kind"];
    Json parts = Json::array();
    for (std::size_t begin = 0; begin <= kinds.size();) {
        const std::size_t end = std::min(kinds.find('+', begin), kinds.size());
        Json part = {{"kind", kinds.substr(begin, end - begin)}};
        for (const char* key : {"block", "window", "stride", "c", "segment", "dilation", "lengths"}) {
            const bool of_this_part = std::string(key) == "window"    ? part["kind"] == "sliding_window"
                                      : std::string(key) == "lengths" ? part["kind"] == "segments" && !ids_from_file
                                                                      : true;
            if (parameters.contains(key) && of_this_part) part[key] = parameters[key];
        }
        parts.push_back(part);
        begin = end + 1;
    }
    return parts.size() == 1 ? parts[0] : Json{{"all_of", parts}};
}

Problem problem_of(const Json& parameters, const std::string& prefix, bool ids_from_file) {
    Json user = {{"keys", parameters["keys"]}, {"queries", parameters["queries"]}};
    if (parameters.contains("query_offset")) user["query_offset"] = parameters["query_offset"];
    const Json problem = {{"heads_q", parameters["heads_q"]},
                          {"heads_kv", parameters["heads_kv"]},
                          {"head_dim", parameters["head_dim"]},
                          {"value_dim", parameters["value_dim"]},
                          {"dtype", "f16"},
                          {"scale", parameters["scale"]},
                          {"users", Json::array({user})},
                          {"mask", mask_of(parameters, ids_from_file)}};
    return read_problem(JsonReader(problem, "golden", ""), {golden_file, prefix});
}

}  // namespace

TEST_CASE("the reference reproduces an independent f64 computation to the precision of its F32 file") {
    const SafetensorsFile golden(golden_file);
    int cases = 0;
    std::set<std::string> kinds;
    for (const auto& [name, text] : golden.metadata()) {
        const Json parameters = Json::parse(text);
        CAPTURE(name);
        const Problem problem = problem_of(parameters, name + ".", true);
        const Inputs inputs = Inputs::from_file(problem, golden_file, name + ".");
        const Reference result = reference(problem, inputs, 0);
        const std::vector<float> o = golden.read_floats(name + ".o"),
                                 lse = golden.read_floats(name + ".lse", Infinity::allowed);
        REQUIRE(result.o.size() == o.size());
        REQUIRE(result.lse.size() == lse.size());
        double squared_error = 0.0, squared_norm = 0.0, lse_error = 0.0;
        for (std::size_t i = 0; i < o.size(); ++i) {
            squared_error += std::pow(result.o[i] - static_cast<double>(o[i]), 2);
            squared_norm += std::pow(result.o[i], 2);
        }
        for (std::size_t i = 0; i < lse.size(); ++i) {
            if (std::isinf(lse[i]) && lse[i] < 0 && result.lse[i] == static_cast<double>(lse[i])) continue;
            const double error = std::abs(result.lse[i] - static_cast<double>(lse[i]));
            lse_error = std::max(lse_error, error / std::max(1.0, std::abs(result.lse[i])));
        }
        // Rounding to F32 is at most 2^-24 relative.
        CHECK(std::sqrt(squared_error / squared_norm) <= 0x1p-24);
        CHECK(lse_error <= 0x1p-23);
        ++cases;
        kinds.insert(std::string(parameters["mask_kind"]));
    }
    CHECK(cases == static_cast<int>(golden.metadata().size()));
    CHECK(kinds.size() >= 9);
}

TEST_CASE("segments given by lengths are those given by ids") {
    const SafetensorsFile golden(golden_file);
    for (const std::string name : {"segments_gqa", "segments_causal_gqa", "grad_segments_causal_gqa"}) {
        const Json parameters = Json::parse(golden.metadata().at(name));
        const Problem by_ids = problem_of(parameters, name + ".", true);
        const Problem by_lengths = problem_of(parameters, name + ".", false);
        int different = 0;
        for (std::int64_t i = 0; i < by_ids.users[0].keys; ++i)
            for (std::int64_t j = 0; j < by_ids.users[0].keys; ++j)
                different += by_ids.mask->sees({}, i, j) != by_lengths.mask->sees({}, i, j);
        CHECK(different == 0);
    }
}
