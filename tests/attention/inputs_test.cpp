// SPDX-License-Identifier: Apache-2.0
// Input tensors: the same whoever asks and in whatever part, standard normal, and strict when they come from a file.
#include "cases.h"
#include "sim/base/error.h"
#include "sim/base/random.h"
#include "sim/base/safetensors.h"

#include <cmath>
#include <fstream>
#include <limits>

using namespace tilemesh;
using namespace tilemesh::attention;

namespace {

Problem two_users(Dtype dtype) {
    Problem problem = problem_from(R"({"heads_q": 6, "heads_kv": 2, "head_dim": 24, "value_dim": 17,
        "users": [{"keys": 20, "queries": 12}, {"keys": 700, "queries": 5}]})");
    problem.dtype = dtype;
    return problem;
}

std::vector<float> whole(const Inputs& inputs, const Problem& problem, int user, TensorName tensor) {
    std::vector<float> values(shape_of(problem, user, tensor).size());
    inputs.read(user, tensor, 0, values);
    return values;
}

constexpr TensorName all_tensors[] = {TensorName::q, TensorName::k, TensorName::v, TensorName::d_o};
constexpr auto backward = Inputs::Pass::backward;

/// Writes q, k, v and do of every user of the problem, value number i being i / 64, after `edit` has had them.
template <class Edit>
void write_tensors(const std::filesystem::path& file, const Problem& problem, const std::string& prefix,
                   const Edit& edit) {
    std::vector<std::vector<float>> values;
    std::vector<OutputTensor> tensors;
    values.reserve(problem.users.size() * std::size(all_tensors));
    for (std::size_t user = 0; user < problem.users.size(); ++user) {
        for (const TensorName tensor : all_tensors) {
            const TensorShape shape = shape_of(problem, static_cast<int>(user), tensor);
            values.emplace_back(shape.size());
            for (std::size_t i = 0; i < values.back().size(); ++i) values.back()[i] = static_cast<float>(i) / 64.0f;
            OutputTensor output{
                prefix + (problem.users.size() > 1 ? std::to_string(user) + "." : "") + std::string(name_of(tensor)),
                {static_cast<std::uint64_t>(shape.tokens), static_cast<std::uint64_t>(shape.heads),
                 static_cast<std::uint64_t>(shape.dim)},
                {}};
            edit(output, values.back());
            output.values = values.back();
            tensors.push_back(output);
        }
    }
    write_safetensors(file, tensors, {});
}

Problem one_user() {
    return problem_from(R"({"heads_q": 6, "heads_kv": 2, "head_dim": 24, "value_dim": 17,
        "users": [{"keys": 20, "queries": 12}]})");
}

}  // namespace

TEST_CASE("generated tensors are the rounded normals of their own stream, on any number of threads") {
    for (const Dtype dtype : {Dtype::f16, Dtype::bf16, Dtype::f32}) {
        const Problem problem = two_users(dtype);
        const Inputs one = Inputs::generated(problem, 5, Inputs::Queries::held, 1, backward);
        const Inputs three = Inputs::generated(problem, 5, Inputs::Queries::held, 3, backward);
        for (int user = 0; user < 2; ++user) {
            for (const TensorName tensor : all_tensors) {
                const std::vector<float> got = whole(one, problem, user, tensor);
                std::vector<float> expected(got.size());
                const auto number = static_cast<std::uint64_t>(user);
                const std::uint64_t stream = tensor == TensorName::d_o
                                                 ? (std::uint64_t{1} << 32) + number
                                                 : 3 * number + static_cast<std::uint64_t>(tensor);
                fill_normal(5, stream, 0, expected);
                round_to(dtype, expected);
                CHECK(got == expected);
                CHECK(whole(three, problem, user, tensor) == expected);
            }
        }
    }
}

TEST_CASE("8-bit inputs are stored over their scale, and read as stored or as their values") {
    for (const Dtype dtype : {Dtype::f8e4m3, Dtype::f8e5m2}) {
        Problem problem = two_users(dtype);
        problem.scales = {0.25, 0.5, 0.0625};
        const float scales[] = {0.25F, 0.5F, 0.0625F, 1.0F};
        for (const auto queries : {Inputs::Queries::held, Inputs::Queries::regenerated}) {
            const Inputs inputs = Inputs::generated(problem, 5, queries, 2, backward);
            for (const TensorName tensor : all_tensors) {
                const auto number = static_cast<std::size_t>(tensor);
                std::vector<float> stored(shape_of(problem, 1, tensor).size()), expected(stored.size());
                inputs.read(1, tensor, 0, stored, Inputs::Form::stored);
                fill_normal(5, tensor == TensorName::d_o ? (std::uint64_t{1} << 32) + 1 : 3 + number, 0, expected);
                for (float& value : expected) value /= scales[number];
                round_to(tensor == TensorName::d_o ? Dtype::f16 : dtype, expected);
                CHECK(stored == expected);
                for (float& value : expected) value *= scales[number];
                CHECK(whole(inputs, problem, 1, tensor) == expected);
            }
        }
    }
}

TEST_CASE("8-bit inputs come from bit patterns or from their own dtype, and are finite") {
    const TemporaryFile file("8bit.safetensors");
    Problem problem = problem_from(R"({"heads_q": 1, "head_dim": 2, "dtype": "f8e4m3", "scales": {"k": 4},
        "users": [{"keys": 1}]})");
    const auto load = [&](const char* dtype, std::uint8_t second) {
        const std::string three = fmt::format(
            R"({{"q":{{"dtype":"{0}","shape":[1,1,2],"data_offsets":[0,2]}},"k":{{"dtype":"{0}","shape":[1,1,2],"data_offsets":[2,4]}},"v":{{"dtype":"{0}","shape":[1,1,2],"data_offsets":[4,6]}}}})",
            dtype);
        std::ofstream out(file.path(), std::ios::binary);
        const std::uint64_t size = three.size();
        out.write(reinterpret_cast<const char*>(&size), sizeof size);
        out << three;
        for (int i = 0; i < 3; ++i) out << '\x38' << static_cast<char>(second);  // 1 and another
        out.close();
        return Inputs::from_file(problem, file.path(), "");
    };
    for (const char* dtype : {"U8", "F8_E4M3"}) {
        const Inputs inputs = load(dtype, 0xb4);  // -0.75
        CHECK(whole(inputs, problem, 0, TensorName::q) == std::vector<float>{1.0F, -0.75F});
        CHECK(whole(inputs, problem, 0, TensorName::k) == std::vector<float>{4.0F, -3.0F});
    }
    CHECK_THAT(input_error([&] { load("U8", 0x7f); }), Catch::Contains("tensor q: found nan at element 1"));
    CHECK_THAT(input_error([&] { load("F8_E5M2", 0); }),
               Catch::Contains("tensor q: found dtype F8_E5M2, expected F8_E4M3, or U8 with its bit patterns"));
}

TEST_CASE("tensors long enough to be made in parts by several threads have no seams") {
    const Problem problem = problem_from(R"({"heads_q": 2, "head_dim": 33, "users": [{"keys": 5001}]})");
    const Inputs inputs = Inputs::generated(problem, 5, Inputs::Queries::held, 4);
    std::vector<float> expected(shape_of(problem, 0, TensorName::k).size());
    REQUIRE(expected.size() > 4 * 65536);
    fill_normal(5, 1, 0, expected);
    round_to(Dtype::f16, expected);
    CHECK(whole(inputs, problem, 0, TensorName::k) == expected);
}

TEST_CASE("regenerated queries equal held ones, row by row and in bulk") {
    const Problem problem = two_users(Dtype::f16);
    const Inputs held = Inputs::generated(problem, 5, Inputs::Queries::held, 2, backward);
    const Inputs regenerated = Inputs::generated(problem, 5, Inputs::Queries::regenerated, 2, backward);
    for (int user = 0; user < 2; ++user) {
        const std::vector<float> expected = whole(held, problem, user, TensorName::q);
        CHECK(whole(regenerated, problem, user, TensorName::q) == expected);
        for (std::int64_t query = 0; query < problem.users[static_cast<std::size_t>(user)].queries; ++query) {
            std::vector<float> row(24);
            regenerated.query_row(user, query, 4, row);
            const auto begin = expected.begin() + (query * 6 + 4) * 24;
            CHECK(row == std::vector<float>(begin, begin + 24));
        }
        CHECK(whole(regenerated, problem, user, TensorName::d_o) == whole(held, problem, user, TensorName::d_o));
    }
}

TEST_CASE("one head of some tokens is a strided part of the tensor") {
    const Problem problem = two_users(Dtype::bf16);
    const Inputs inputs = Inputs::generated(problem, 5, Inputs::Queries::held);
    const std::vector<float> all = whole(inputs, problem, 0, TensorName::v);
    std::vector<float> part(4 * 17), expected;
    inputs.read_head(0, TensorName::v, {3, 7}, 1, part);
    for (std::int64_t key = 3; key < 7; ++key) {
        const auto begin = all.begin() + (key * 2 + 1) * 17;
        expected.insert(expected.end(), begin, begin + 17);
    }
    CHECK(part == expected);
}

TEST_CASE("reading outside a tensor is refused") {
    const Problem problem = one_user();
    const Inputs inputs = Inputs::generated(problem, 5, Inputs::Queries::held);
    std::vector<float> row(24);
    CHECK_THROWS_AS(inputs.query_row(0, 12, 0, row), InternalError);
    CHECK_THROWS_AS(inputs.query_row(0, 0, 6, row), InternalError);
    CHECK_THROWS_AS(inputs.read(0, TensorName::k, shape_of(problem, 0, TensorName::k).size() - 23, row),
                    InternalError);
    CHECK_THROWS_AS(inputs.read_head(0, TensorName::v, {0, 1}, 0, row), InternalError);  // 17 would fit
    row.resize(17);
    CHECK_THROWS_AS(inputs.read_head(0, TensorName::d_o, {0, 1}, 0, row), InternalError);  // a forward pass
}

TEST_CASE("a file gives one user's tensors under a prefix, several users' under prefix and number") {
    const auto keep = [](OutputTensor&, std::vector<float>&) {};
    for (const Problem& problem : {one_user(), two_users(Dtype::bf16)}) {
        const TemporaryFile file("inputs.safetensors");
        write_tensors(file.path(), problem, "case.", keep);
        const Inputs inputs = Inputs::from_file(problem, file.path(), "case.", backward);
        for (std::size_t user = 0; user < problem.users.size(); ++user) {
            for (const TensorName tensor : all_tensors) {
                const std::vector<float> got = whole(inputs, problem, static_cast<int>(user), tensor);
                std::vector<float> expected(got.size());
                for (std::size_t i = 0; i < got.size(); ++i) expected[i] = static_cast<float>(i) / 64.0f;
                round_to(problem.dtype, expected);
                CHECK(got == expected);
            }
        }
    }
}

TEST_CASE("only a backward pass asks for the gradient of the output") {
    const Problem problem = one_user();
    const TemporaryFile file("forward.safetensors");
    write_tensors(file.path(), problem, "", [](OutputTensor& tensor, std::vector<float>&) {
        if (tensor.name == "do") tensor.name = "other";
    });
    CHECK_FALSE(Inputs::from_file(problem, file.path(), "").has_output_gradient());
    CHECK_THAT(input_error([&] { Inputs::from_file(problem, file.path(), "", backward); }), Catch::Contains("do"));
    CHECK(Inputs::generated(problem, 5, Inputs::Queries::held, 1, backward).has_output_gradient());
    CHECK_FALSE(Inputs::generated(problem, 5, Inputs::Queries::held).has_output_gradient());
}

TEST_CASE("tensors that do not fit the problem are refused with one line that names them") {
    const Problem problem = one_user();
    const TemporaryFile file("bad.safetensors");
    const auto message = [&](const std::string& prefix, const auto& edit) {
        write_tensors(file.path(), problem, "case.", edit);
        return input_error([&] { Inputs::from_file(problem, file.path(), prefix); });
    };
    const auto keep = [](OutputTensor&, std::vector<float>&) {};
    const auto at_v = [](const auto& change) {
        return [change](OutputTensor& tensor, std::vector<float>& values) {
            if (tensor.name == "case.v") change(tensor, values);
        };
    };
    CHECK(message("case.", keep) == "");
    CHECK_THAT(message("cas.", keep), Catch::Contains("cas.q"));
    CHECK(message("case.", at_v([](OutputTensor& tensor, std::vector<float>&) {
                      tensor.shape = {2, 20, 17};
                  })) == file.path().string() +
                             ": tensor case.v: found shape [2, 20, 17], expected [20, 2, 17] = "
                             "[keys, heads_kv, value_dim] of the problem");
    const auto transposed_do = [](OutputTensor& tensor, std::vector<float>&) {
        if (tensor.name == "case.do") tensor.shape = {6, 12, 17};
    };
    CHECK(message("case.", transposed_do) == "");  // a forward pass does not look at it
    CHECK_THAT(input_error([&] { Inputs::from_file(problem, file.path(), "case.", backward); }),
               Catch::Contains("expected [12, 6, 17] = [queries, heads_q, value_dim] of the problem"));
    CHECK_THAT(message("case.", at_v([](OutputTensor&, std::vector<float>& values) {
                           values[7] = std::numeric_limits<float>::quiet_NaN();
                       })),
               Catch::Contains("case.v") && Catch::Contains("nan") && Catch::Contains("7"));
    CHECK_THAT(message("case.", at_v([](OutputTensor&, std::vector<float>& values) { values[9] = 70000.0f; })),
               Catch::Contains("case.v: found 70000 at element 9") && Catch::Contains("f16"));
}

TEST_CASE("a tensor of another kind of number is refused") {
    const Problem problem = problem_from(R"({"heads_q": 1, "head_dim": 2, "users": [{"keys": 1}]})");
    const TemporaryFile file("doubles.safetensors");
    std::string header = R"({"q":{"dtype":"F64","shape":[1,1,2],"data_offsets":[0,16]}})";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    const std::uint64_t length = header.size();
    std::ofstream out(file.path(), std::ios::binary);
    out.write(reinterpret_cast<const char*>(&length), 8);
    out << header << std::string(16, '\0');
    out.close();
    CHECK_THAT(input_error([&] { Inputs::from_file(problem, file.path(), ""); }),
               Catch::Contains("tensor q: found dtype F64, expected F16, BF16 or F32"));
}
