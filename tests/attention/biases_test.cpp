// SPDX-License-Identifier: Apache-2.0
// What masks add to scores, for stretches of keys of any length.
#include "sim/attention/biases.h"
#include "cases.h"
#include "mask_cases.h"

using namespace tilemesh;
using namespace tilemesh::attention;

namespace {

/// A bias per pair that says which pair it is: 1000 query + key.
class Numbered final : public Sprinkled {
public:
    std::string name() const override { return "numbered"; }
    PairBias pair_bias() const override { return PairBias::shared; }
    void add_pair_bias(Viewer, std::int64_t query, Range keys, std::span<float> out) const override {
        for (std::size_t i = 0; i < out.size(); ++i)
            out[i] += static_cast<float>(1000 * query + keys.begin + static_cast<std::int64_t>(i));
    }
};

}  // namespace

TEST_CASE("every key of a long stretch gets its own pair bias") {
    const Numbered mask;
    std::vector<double> scores(200, 0.5);
    add_biases(mask, {}, 3, {17, 217}, scores);
    int wrong = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) wrong += scores[i] != 0.5 + 3000 + 17 + static_cast<double>(i);
    CHECK(wrong == 0);
}

TEST_CASE("geometric slopes are 2^(-8 (h + 1) / heads_q), and a score loses its slope times the distance") {
    const Json json = Json::parse(R"({"heads_q": 4, "heads_kv": 2, "head_dim": 8, "users": [{"keys": 9}],
                                      "mask": {"kind": "alibi", "slopes": "geometric"}})");
    const Problem problem = read_problem(JsonReader(json, "x.json"));
    const double slopes[] = {1.0 / 4, 1.0 / 16, 1.0 / 64, 1.0 / 256};
    for (std::int64_t head = 0; head < 4; ++head) {
        std::vector<double> scores(5, 1.0);
        add_biases(*problem.mask, {0, head}, 4, {2, 7}, scores);
        for (std::int64_t key = 2; key < 7; ++key)
            CHECK(scores[static_cast<std::size_t>(key - 2)] ==
                  1.0 - slopes[head] * static_cast<double>(std::abs(4 - key)));
    }
}

TEST_CASE("what additions of biases round is each bias and every sum but the last, in the order of kernels") {
    const Json json = Json::parse(R"({"heads_q": 2, "heads_kv": 2, "head_dim": 8, "users": [{"keys": 4}],
        "mask": {"all_of": [{"kind": "key_bias", "values": [900, 0, -2, 1]}, {"kind": "alibi", "slopes": [3, 5]}]}})");
    const Problem problem = read_problem(JsonReader(json, "x.json"));
    std::vector<double> scores(4, 0.5), roundings(4, 1.0);
    add_biases(*problem.mask, {0, 1}, 3, {0, 4}, scores, roundings);
    const double distances[] = {-15, -10, -5, 0}, biases[] = {900, 0, -2, 1};
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(scores[i] == 0.5 + distances[i] + biases[i]);
        const double on_the_way = 0.5 + distances[i];
        CHECK(roundings[i] == 1.0 + distances[i] * distances[i] + biases[i] * biases[i] + on_the_way * on_the_way);
    }
}
