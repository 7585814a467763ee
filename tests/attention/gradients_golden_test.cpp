// SPDX-License-Identifier: Apache-2.0
// The reference gradients against gradients computed in f64 by an independent framework: every case of the golden
// file that has them, with its parameters from the file itself.
#include "cases.h"
#include "sim/attention/reference_gradients.h"
#include "sim/base/safetensors.h"

#include <cmath>
#include <set>

using namespace tilemesh;
using namespace tilemesh::attention;

namespace {

const std::filesystem::path golden_file = std::filesystem::path(TILEMESH_TEST_DATA) / "attention_golden.safetensors";

/// Sees the keys of its own segment; segments have these lengths.
class SameSegment final : public Sprinkled {
public:
    explicit SameSegment(std::vector<std::int64_t> lengths) : lengths_(std::move(lengths)) {}
    std::string name() const override { return "same segment"; }
    bool sees(Viewer, std::int64_t query, std::int64_t key) const override { return segment(query) == segment(key); }

private:
    std::size_t segment(std::int64_t position) const {
        std::size_t number = 0;
        for (std::int64_t end = lengths_[0]; end <= position; end += lengths_[number]) ++number;
        return number;
    }
    std::vector<std::int64_t> lengths_;
};

std::shared_ptr<const Mask> mask_of(const Json& parameters) {
    const std::string kind = parameters["mask_kind"];
    if (kind == "full") return full_mask();
    if (kind == "causal") return causal_mask();
    REQUIRE(kind == "segments+causal");
    return all_of(
        {std::make_shared<SameSegment>(parameters["lengths"].get<std::vector<std::int64_t>>()), causal_mask()});
}

Problem problem_of(const Json& parameters) {
    Problem problem;
    problem.heads_q = parameters["heads_q"];
    problem.heads_kv = parameters["heads_kv"];
    problem.head_dim = parameters["head_dim"];
    problem.value_dim = parameters["value_dim"];
    problem.scale = parameters["scale"];
    problem.users = {User{parameters["keys"], parameters["queries"], 0}};
    problem.mask = mask_of(parameters);
    return problem;
}

double relative_l2(const std::vector<double>& found, const std::vector<float>& expected) {
    REQUIRE(found.size() == expected.size());
    double squared_error = 0.0, squared_norm = 0.0;
    for (std::size_t i = 0; i < found.size(); ++i) {
        squared_error += std::pow(found[i] - static_cast<double>(expected[i]), 2);
        squared_norm += std::pow(found[i], 2);
    }
    return std::sqrt(squared_error / squared_norm);
}

}  // namespace

TEST_CASE("the reference gradients reproduce an independent f64 computation to the precision of its F32 file") {
    const SafetensorsFile golden(golden_file);
    std::set<std::string> masks;
    for (const auto& [name, text] : golden.metadata()) {
        if (name.rfind("grad_", 0) != 0) continue;
        CAPTURE(name);
        const Json parameters = Json::parse(text);
        const Problem problem = problem_of(parameters);
        const Inputs inputs = Inputs::from_file(problem, golden_file, name + ".", Inputs::Pass::backward);
        const Gradients result = ReferenceGradients(problem, inputs, 0).all();
        // Rounding to F32 is at most 2^-24 relative.
        CHECK(relative_l2(result.dq, golden.read_floats(name + ".dq")) <= 0x1p-24);
        CHECK(relative_l2(result.dk, golden.read_floats(name + ".dk")) <= 0x1p-24);
        CHECK(relative_l2(result.dv, golden.read_floats(name + ".dv")) <= 0x1p-24);
        masks.insert(parameters["mask_kind"]);
    }
    CHECK(masks == std::set<std::string>{"full", "causal", "segments+causal"});
}
