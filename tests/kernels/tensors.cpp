// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/tensors.h"

#include "sim/base/random.h"
#include "sim/base/safetensors.h"

#include <utility>

namespace kernel_test {

TensorFile::TensorFile(const Json& problem) {
    const auto number = [](const Json& json) { return json.get<std::int64_t>(); };
    const Json& user = problem["users"][0];
    const auto add = [&](const char* name, const char* tokens, const char* heads, const char* dim) {
        Tensor tensor{number(user[tokens]), number(problem[heads]), number(problem[dim]), {}};
        tensor.values.resize(static_cast<std::size_t>(tensor.tokens * tensor.heads * tensor.dim));
        tensors_[name] = std::move(tensor);
    };
    add("q", "queries", "heads_q", "head_dim");
    add("k", "keys", "heads_kv", "head_dim");
    add("v", "keys", "heads_kv", "value_dim");
    add("do", "queries", "heads_q", "value_dim");
}

void TensorFile::fill_normal(std::uint64_t seed) {
    for (const auto& [name, stream] : {std::pair{"k", 0}, {"q", 1}, {"v", 2}, {"do", 3}})
        tilemesh::fill_normal(seed, static_cast<std::uint64_t>(stream), 0, tensors_.at(name).values);
}

void TensorFile::fill(const std::string& name, const std::function<double(const Element&)>& value) {
    Tensor& tensor = tensors_.at(name);
    Element e{};
    for (e.token = 0; e.token < tensor.tokens; ++e.token) {
        for (e.head = 0; e.head < tensor.heads; ++e.head) {
            for (e.dim = 0; e.dim < tensor.dim; ++e.dim)
                tensor.values[tensor.index(e)] = static_cast<float>(value(e));
        }
    }
}

double TensorFile::at(const std::string& name, const Element& element) const {
    const Tensor& tensor = tensors_.at(name);
    return tensor.values[tensor.index(element)];
}

void TensorFile::write(const std::filesystem::path& file, const std::vector<OutputTensor>& more) const {
    std::vector<OutputTensor> list = more;
    for (const auto& [name, tensor] : tensors_) {
        list.push_back({name,
                        {static_cast<std::uint64_t>(tensor.tokens), static_cast<std::uint64_t>(tensor.heads),
                         static_cast<std::uint64_t>(tensor.dim)},
                        tensor.values});
    }
    write_safetensors(file, list, {});
}

}  // namespace kernel_test
