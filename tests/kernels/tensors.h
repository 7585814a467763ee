// SPDX-License-Identifier: Apache-2.0
// Input files made element by element, for problems whose answer is known without computing attention.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/base/safetensors.h"
#include "tests/base/scratch.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace kernel_test {

using namespace tilemesh;

/// Where an element is: [token, head, dim].
struct Element {
    std::int64_t token, head, dim;
};

/// q, k and v of the one user of a problem, and do for a backward pass.
class TensorFile {
public:
    explicit TensorFile(const Json& problem);
    /// Standard normals in all three.
    void fill_normal(std::uint64_t seed);
    void fill(const std::string& tensor, const std::function<double(const Element&)>& value);
    double at(const std::string& tensor, const Element& element) const;
    /// With `more` beside q, k and v.
    void write(const std::filesystem::path& file, const std::vector<OutputTensor>& more = {}) const;

private:
    struct Tensor {
        std::int64_t tokens, heads, dim;
        std::vector<float> values;
        std::size_t index(const Element& e) const {
            return static_cast<std::size_t>((e.token * heads + e.head) * dim + e.dim);
        }
    };
    std::map<std::string, Tensor> tensors_;
};

}  // namespace kernel_test
