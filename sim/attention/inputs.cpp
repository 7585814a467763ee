// SPDX-License-Identifier: Apache-2.0
// Generating, reading and handing out the input tensors.
#include "sim/attention/inputs.h"

#include "sim/base/error.h"
#include "sim/base/random.h"
#include "sim/base/safetensors.h"

#include <algorithm>
#include <cmath>
#include <thread>

namespace tilemesh::attention {
namespace {

constexpr std::uint64_t generated_at_once = 4096;  // floats on the stack of a generating thread; even, as pairs are
constexpr TensorName all_tensors[] = {TensorName::q, TensorName::k, TensorName::v, TensorName::d_o};
constexpr std::uint64_t first_gradient_stream = std::uint64_t{1} << 32;  // beyond q, k, v of any number of users

int index_of(TensorName tensor) { return static_cast<int>(tensor); }

std::uint64_t stream_of(int user, TensorName tensor) {
    if (tensor == TensorName::d_o) return first_gradient_stream + static_cast<std::uint64_t>(user);
    return static_cast<std::uint64_t>(user) * 3 + static_cast<std::uint64_t>(tensor);
}

/// Normals of which `scale` makes standard ones.
void fill_over_scale(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, float scale,
                     std::span<float> out) {
    fill_normal(seed, stream, first, out);
    if (scale != 1.0F)
        for (float& value : out) value /= scale;
}

void generate_part(Values& values, std::uint64_t seed, std::uint64_t stream, float scale, std::uint64_t begin,
                   std::uint64_t end) {
    float normals[generated_at_once];
    for (std::uint64_t first = begin; first < end; first += generated_at_once) {
        const std::span<float> part(normals, std::min(generated_at_once, end - first));
        fill_over_scale(seed, stream, first, scale, part);
        values.write(first, part);
    }
}

void generate(Values& values, std::uint64_t seed, std::uint64_t stream, float scale, int threads) {
    const std::uint64_t size = values.size();
    // Starting a thread costs about as much as making this many values.
    const std::uint64_t parts = std::clamp<std::uint64_t>(size / 65536, 1, static_cast<std::uint64_t>(threads));
    const std::uint64_t part_size = (size / parts + generated_at_once) / generated_at_once * generated_at_once;
    std::vector<std::jthread> others;
    for (std::uint64_t begin = part_size; begin < size; begin += part_size) {
        others.emplace_back([&values, seed, stream, scale, begin, end = std::min(size, begin + part_size)] {
            generate_part(values, seed, stream, scale, begin, end);
        });
    }
    generate_part(values, seed, stream, scale, 0, std::min(size, part_size));
}

std::string text_of(const std::vector<std::uint64_t>& shape) {
    std::string text;
    for (const std::uint64_t extent : shape) text += fmt::format("{}{}", text.empty() ? "" : ", ", extent);
    return "[" + text + "]";
}

std::string layout_of(TensorName tensor) {
    switch (tensor) {
        case TensorName::q:
            return "[queries, heads_q, head_dim]";
        case TensorName::k:
            return "[keys, heads_kv, head_dim]";
        case TensorName::v:
            return "[keys, heads_kv, value_dim]";
        case TensorName::d_o:
            return "[queries, heads_q, value_dim]";
    }
    fail<InternalError>("no tensor number {}", index_of(tensor));
}

Values read_tensor(const SafetensorsFile& file, const std::string& name, TensorName tensor, TensorShape shape,
                   Dtype dtype) {
    const StoredTensor& stored = file.find(name);
    const std::vector<std::uint64_t> expected = {static_cast<std::uint64_t>(shape.tokens),
                                                 static_cast<std::uint64_t>(shape.heads),
                                                 static_cast<std::uint64_t>(shape.dim)};
    if (stored.shape != expected) {
        fail<InputError>("{}: tensor {}: found shape {}, expected {} = {} of the problem", file.shown(), name,
                         text_of(stored.shape), text_of(expected), layout_of(tensor));
    }
    if (is_fp8(dtype)) {
        const char* const own = dtype == Dtype::f8e4m3 ? "F8_E4M3" : "F8_E5M2";
        if (stored.dtype != "U8" && stored.dtype != own) {
            fail<InputError>("{}: tensor {}: found dtype {}, expected {}, or U8 with its bit patterns", file.shown(),
                             name, stored.dtype, own);
        }
    } else if (stored.dtype != "F16" && stored.dtype != "BF16" && stored.dtype != "F32") {
        fail<InputError>("{}: tensor {}: found dtype {}, expected F16, BF16 or F32", file.shown(), name,
                         stored.dtype);
    }
    std::vector<float> values;
    if (stored.dtype == "U8") {
        const std::vector<std::uint8_t> bits = file.read_bytes(name);
        values.resize(bits.size());
        unpack_8bit(dtype, bits, values);
    } else {
        values = file.read_floats(name);
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (std::isfinite(values[i]) && std::isfinite(round_to(dtype, values[i]))) continue;
        fail<InputError>("{}: tensor {}: found {} at element {}, expected a finite number that {} can hold",
                         file.shown(), name, values[i], i, name_of(dtype));
    }
    return Values(dtype, values);
}

void refuse_values(const SafetensorsFile& file, const std::string& name) {
    if (!file.has(name)) return;
    fail<InputError>("{}: tensor {}: found it, expected none: with latents v is the first value_dim elements of k",
                     file.shown(), name);
}

}  // namespace

Values::Values(Dtype dtype, std::uint64_t size) : dtype_(dtype) {
    if (dtype == Dtype::f32) {
        floats_.resize(size);
    } else if (is_fp8(dtype)) {
        bytes_.resize(size);
    } else {
        bits_.resize(size);
    }
}

Values::Values(Dtype dtype, std::span<const float> values) : Values(dtype, values.size()) { write(0, values); }

void Values::write(std::uint64_t first, std::span<const float> values) {
    if (dtype_ == Dtype::f32) {
        std::copy(values.begin(), values.end(), floats_.begin() + static_cast<std::ptrdiff_t>(first));
    } else if (is_fp8(dtype_)) {
        pack_8bit(dtype_, values, std::span(bytes_).subspan(first, values.size()));
    } else {
        pack_16bit(dtype_, values, std::span(bits_).subspan(first, values.size()));
    }
}

void Values::read(std::uint64_t first, std::span<float> values) const {
    if (dtype_ == Dtype::f32) {
        std::copy_n(floats_.begin() + static_cast<std::ptrdiff_t>(first), values.size(), values.begin());
    } else if (is_fp8(dtype_)) {
        unpack_8bit(dtype_, std::span(bytes_).subspan(first, values.size()), values);
    } else {
        unpack_16bit(dtype_, std::span(bits_).subspan(first, values.size()), values);
    }
}

std::uint64_t TensorShape::size() const {
    return static_cast<std::uint64_t>(tokens) * static_cast<std::uint64_t>(heads) * static_cast<std::uint64_t>(dim);
}

TensorShape shape_of(const Problem& problem, int user, TensorName tensor) {
    const User& sizes = problem.users.at(static_cast<std::size_t>(user));
    switch (tensor) {
        case TensorName::q:
            return {sizes.queries, problem.heads_q, problem.head_dim};
        case TensorName::k:
            return {sizes.keys, problem.heads_kv, problem.head_dim};
        case TensorName::v:
            return {sizes.keys, problem.heads_kv, problem.value_dim};
        case TensorName::d_o:
            return {sizes.queries, problem.heads_q, problem.value_dim};
    }
    fail<InternalError>("no tensor number {}", index_of(tensor));
}

Inputs::Inputs(const Problem& problem, Pass pass)
    : dtypes_{problem.dtype, problem.dtype, problem.dtype, problem.output_dtype()},
      scales_{static_cast<float>(problem.scales.q), static_cast<float>(problem.scales.k),
              static_cast<float>(problem.scales.v), 1.0F},
      latents_(problem.latents),
      pass_(pass),
      users_(problem.users.size()) {
    for (std::size_t user = 0; user < users_.size(); ++user) {
        for (const TensorName tensor : all_tensors) {
            users_[user].shapes[index_of(tensor)] = shape_of(problem, static_cast<int>(user), tensor);
        }
    }
}

std::span<const TensorName> Inputs::tensors() const {
    return std::span(all_tensors).first(has_output_gradient() ? 4 : 3);
}

bool Inputs::is_regenerated(TensorName tensor) const {
    return queries_ == Queries::regenerated && (tensor == TensorName::q || tensor == TensorName::d_o);
}

Inputs Inputs::generated(const Problem& problem, std::uint64_t seed, Queries queries, int threads, Pass pass) {
    Inputs inputs(problem, pass);
    inputs.seed_ = seed;
    inputs.queries_ = queries;
    for (std::size_t user = 0; user < inputs.users_.size(); ++user) {
        for (const TensorName tensor : inputs.tensors()) {
            if (inputs.is_regenerated(tensor) || inputs.lies_in_k(tensor)) continue;
            Stored& stored = inputs.users_[user];
            Values& values = stored.values[index_of(tensor)];
            values = Values(inputs.dtype_of(tensor), stored.shapes[index_of(tensor)].size());
            generate(values, seed, stream_of(static_cast<int>(user), tensor), inputs.scale_of(tensor), threads);
        }
    }
    return inputs;
}

Inputs Inputs::from_file(const Problem& problem, const NamedFile& file, const std::string& prefix, Pass pass) {
    const SafetensorsFile opened(file);
    Inputs inputs(problem, pass);
    for (std::size_t user = 0; user < inputs.users_.size(); ++user) {
        const std::string user_prefix = inputs.users_.size() == 1 ? prefix : fmt::format("{}{}.", prefix, user);
        for (const TensorName tensor : inputs.tensors()) {
            Stored& stored = inputs.users_[user];
            if (inputs.lies_in_k(tensor)) {
                refuse_values(opened, user_prefix + "v");
                continue;
            }
            stored.values[index_of(tensor)] = read_tensor(opened, user_prefix + std::string(name_of(tensor)), tensor,
                                                          stored.shapes[index_of(tensor)], inputs.dtype_of(tensor));
        }
    }
    return inputs;
}

Inputs Inputs::from_values(const Problem& problem, std::vector<UserValues> users) {
    const bool backward =
        std::any_of(users.begin(), users.end(), [](const UserValues& user) { return user.d_o.size() > 0; });
    Inputs inputs(problem, backward ? Pass::backward : Pass::forward);
    if (users.size() != problem.users.size()) {
        fail<InternalError>("tensors of {} users for a problem of {}", users.size(), problem.users.size());
    }
    for (std::size_t user = 0; user < users.size(); ++user) {
        Values* const given[] = {&users[user].q, &users[user].k, &users[user].v, &users[user].d_o};
        for (const TensorName tensor : inputs.tensors()) {
            if (inputs.lies_in_k(tensor)) continue;
            Stored& stored = inputs.users_[user];
            Values& values = *given[index_of(tensor)];
            if (values.size() != stored.shapes[index_of(tensor)].size() ||
                values.dtype() != inputs.dtype_of(tensor)) {
                fail<InternalError>("{} of user {} has {} elements of {}, expected {} of {}", name_of(tensor), user,
                                    values.size(), name_of(values.dtype()), stored.shapes[index_of(tensor)].size(),
                                    name_of(inputs.dtype_of(tensor)));
            }
            stored.values[index_of(tensor)] = std::move(values);
        }
    }
    return inputs;
}

void Inputs::read(int user, TensorName tensor, std::uint64_t first, std::span<float> out, Form form) const {
    const Stored& stored = users_.at(static_cast<std::size_t>(user));
    if (tensor == TensorName::d_o && !has_output_gradient()) {
        fail<InternalError>("the gradient of the output of user {} is not there in a forward pass", user);
    }
    const std::uint64_t size = stored.shapes[index_of(tensor)].size();
    if (first > size || out.size() > size - first) {
        fail<InternalError>("elements {} to {} of {} of user {}, which has {}", first, first + out.size(),
                            name_of(tensor), user, size);
    }
    if (lies_in_k(tensor)) {
        const auto dim = static_cast<std::uint64_t>(stored.shapes[index_of(tensor)].dim);
        const auto k_dim = static_cast<std::uint64_t>(stored.shapes[index_of(TensorName::k)].dim);
        for (std::uint64_t done = 0; done < out.size();) {  // row by row
            const std::uint64_t row = (first + done) / dim, column = (first + done) % dim;
            const std::uint64_t count = std::min(dim - column, out.size() - done);
            read(user, TensorName::k, row * k_dim + column, out.subspan(done, count), form);
            done += count;
        }
        return;
    }
    if (is_regenerated(tensor)) {
        fill_over_scale(seed_, stream_of(user, tensor), first, scale_of(tensor), out);
        round_to(dtype_of(tensor), out);
    } else {
        stored.values[index_of(tensor)].read(first, out);
    }
    if (form == Form::value && scale_of(tensor) != 1.0F)
        for (float& value : out) value *= scale_of(tensor);
}

void Inputs::read_head(int user, TensorName tensor, Range tokens, std::int64_t head, std::span<float> out,
                       Form form) const {
    const TensorShape& shape = users_.at(static_cast<std::size_t>(user)).shapes[index_of(tensor)];
    const auto dim = static_cast<std::size_t>(shape.dim);
    if (tokens.begin < 0 || tokens.end > shape.tokens || head < 0 || head >= shape.heads ||
        out.size() != static_cast<std::size_t>(tokens.size()) * dim) {
        fail<InternalError>("tokens {} to {} of head {} of {} of user {} into {} elements, from [{}, {}, {}]",
                            tokens.begin, tokens.end, head, name_of(tensor), user, out.size(), shape.tokens,
                            shape.heads, shape.dim);
    }
    for (std::int64_t token = tokens.begin; token < tokens.end; ++token) {
        read(user, tensor, static_cast<std::uint64_t>(token * shape.heads + head) * dim, out.first(dim), form);
        out = out.subspan(dim);
    }
}

void Inputs::query_row(int user, std::int64_t query, std::int64_t head, std::span<float> out) const {
    read_head(user, TensorName::q, {query, query + 1}, head, out);
}

}  // namespace tilemesh::attention
