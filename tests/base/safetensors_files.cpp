// SPDX-License-Identifier: Apache-2.0
// Are tensors read and written as the format says, in every dtype that is used?
#include "sim/base/json_reader.h"
#include "sim/base/safetensors.h"
#include "tests/base/scratch.h"
#include "tests/base/tensor_bytes.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

namespace tilemesh {
namespace {

TEST_CASE("every readable dtype gives the values that were stored, from any place in the file") {
    const ScratchFolder folder;
    const auto file = folder / "x.safetensors";
    write_file(file,
               tensor_file({{"half", "F16", "[2, 2]", bytes_of<std::uint16_t>({0x3c00, 0xc000, 0x0001, 0x7bff})},
                            {"brain", "BF16", "[2]", bytes_of<std::uint16_t>({0x3f80, 0xc040})},
                            {"e4m3", "F8_E4M3", "[3]", bytes_of<std::uint8_t>({0x7e, 0x81, 0x38})},
                            {"e5m2", "F8_E5M2", "[2]", bytes_of<std::uint8_t>({0x7b, 0xbe})},
                            {"single", "F32", "[1, 3]", bytes_of<float>({1.5f, -2.25f, 1e-40f})},
                            {"double", "F64", "[1]", bytes_of<double>({0.1})},
                            {"small", "I32", "[2]", bytes_of<std::int32_t>({-7, 2147483647})},
                            {"large", "I64", "[]", bytes_of<std::int64_t>({-(1ll << 60)})},
                            {"byte", "I8", "[2]", bytes_of<std::int8_t>({-128, 127})},
                            {"short", "I16", "[1]", bytes_of<std::int16_t>({-32768})},
                            {"word", "U16", "[1]", bytes_of<std::uint16_t>({65535})},
                            {"unsigned", "U32", "[1]", bytes_of<std::uint32_t>({4294967295u})},
                            {"most", "U64", "[1]", bytes_of<std::uint64_t>({~0ull})},
                            {"none", "F32", "[3, 0]", ""}}));
    const SafetensorsFile tensors(file);
    CHECK(tensors.read_floats("half") == std::vector<float>{1.0f, -2.0f, std::ldexp(1.0f, -24), 65504.0f});
    CHECK(tensors.read_floats("brain") == std::vector<float>{1.0f, -3.0f});
    CHECK(tensors.read_floats("e4m3") == std::vector<float>{448.0f, -std::ldexp(1.0f, -9), 1.0f});
    CHECK(tensors.read_floats("e5m2") == std::vector<float>{57344.0f, -1.5f});
    CHECK(tensors.read_floats("single") == std::vector<float>{1.5f, -2.25f, 1e-40f});
    CHECK(tensors.read_floats("double") == std::vector<float>{0.1f});
    CHECK(tensors.read_floats("none").empty());
    CHECK(tensors.read_integers("small") == std::vector<std::int64_t>{-7, 2147483647});
    CHECK(tensors.read_integers("large") == std::vector<std::int64_t>{-(1ll << 60)});
    CHECK(tensors.read_integers("byte") == std::vector<std::int64_t>{-128, 127});
    CHECK(tensors.read_integers("short") == std::vector<std::int64_t>{-32768});
    CHECK(tensors.read_integers("word") == std::vector<std::int64_t>{65535});
    CHECK(tensors.read_integers("unsigned") == std::vector<std::int64_t>{4294967295});
    CHECK(tensors.read_integers("most") == std::vector<std::int64_t>{-1});
    CHECK(tensors.find("half").shape == std::vector<std::uint64_t>{2, 2});
    CHECK(tensors.find("brain").dtype == "BF16");
    CHECK(tensors.has("none"));
    CHECK_FALSE(tensors.has("nothing"));
}

TEST_CASE("a tensor longer than one portion of reading comes whole") {
    const ScratchFolder folder;
    std::vector<float> values(200'001);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    write_safetensors(folder / "x", std::vector<OutputTensor>{{"long", {values.size()}, values}}, {});
    CHECK(SafetensorsFile(folder / "x").read_floats("long") == values);
}

TEST_CASE("what is written is read back, metadata included") {
    const ScratchFolder folder;
    const std::vector<float> o = {1, 2, 3, 4, 5, 6}, lse = {0.5f, -std::numeric_limits<float>::infinity()};
    const std::vector<std::int64_t> n = {-1, (1ll << 53) + 1};
    const std::vector<OutputTensor> outputs = {
        {"o", {3, 1, 2}, o}, {"lse", {1, 2}, lse}, {"n", {2}, {}, n}, {"empty", {0}, {}}};
    const std::map<std::string, std::string> metadata = {{"seed", "1"}, {"note", "a \"quoted\" \xc3\xa9"}};
    write_safetensors(folder / "x", outputs, metadata);

    const SafetensorsFile file(folder / "x");
    CHECK(file.metadata() == metadata);
    CHECK(file.tensors().size() == 4);
    CHECK(file.read_integers("n") == n);
    CHECK(file.find("o").shape == outputs[0].shape);
    CHECK(file.find("o").dtype == "F32");
    CHECK(file.read_floats("o") == o);
    CHECK(file.read_floats("lse", Infinity::allowed) == lse);
    CHECK_THROWS_AS(file.read_floats("lse"), InputError);
}

TEST_CASE("NaN is a value only where anything is") {
    const ScratchFolder folder;
    const std::vector<float> values = {1, std::numeric_limits<float>::quiet_NaN()};
    write_safetensors(folder / "x", std::vector<OutputTensor>{{"x", {2}, values}}, {});
    const SafetensorsFile file(folder / "x");
    CHECK_THROWS_AS(file.read_floats("x", Infinity::allowed), InputError);
    CHECK(std::isnan(file.read_floats("x", Infinity::allowed_as_nan_is)[1]));
}

TEST_CASE("the written header is aligned and sorted, and the same tensors give the same bytes") {
    const ScratchFolder folder;
    const std::vector<float> values = {1, 2};
    const OutputTensor a = {"a", {2}, values}, b = {"b", {1, 2}, values};
    write_safetensors(folder / "ab", std::vector{a, b}, {{"k", "v"}});
    write_safetensors(folder / "ba", std::vector{b, a}, {{"k", "v"}});
    const std::string bytes = read_file(folder / "ab");
    CHECK(bytes == read_file(folder / "ba"));

    std::uint64_t header = 0;
    std::memcpy(&header, bytes.data(), sizeof header);
    CHECK(header % 8 == 0);
    CHECK(bytes.size() == 8 + header + 2 * values.size() * sizeof(float));
    CHECK(bytes.find("\"a\"") < bytes.find("\"b\""));
}

TEST_CASE("a file that cannot be written is an error that names it") {
    const ScratchFolder folder;
    const std::string file = (folder / "no/such/folder.safetensors").string();
    CHECK(input_error([&] { write_safetensors(file, {}, {}); }) ==
          file + ": cannot be written: No such file or directory");
}

TEST_CASE("values that do not fill their shape, or two tensors of one name, are internal errors") {
    const ScratchFolder folder;
    const std::vector<float> values = {1, 2};
    const OutputTensor good = {"a", {2}, values}, bad = {"b", {3}, values};
    CHECK_THROWS_AS(write_safetensors(folder / "x", std::vector{bad}, {}), InternalError);
    CHECK_THROWS_AS(write_safetensors(folder / "x", std::vector{good, good}, {}), InternalError);
}

TEST_CASE("a tensor that is not there is answered with the nearest name") {
    const ScratchFolder folder;
    const auto file = folder / "x";
    write_safetensors(file, std::vector<OutputTensor>{{"case.lse", {0}, {}}, {"case.o", {0}, {}}}, {});
    const SafetensorsFile tensors(file);
    CHECK(input_error([&] { tensors.read_floats("case.les"); }) ==
          file.string() + ": no tensor case.les, did you mean case.lse?");
    CHECK(input_error([&] { tensors.read_floats("weights"); }) ==
          file.string() + ": no tensor weights, expected one of case.lse, case.o");
}

}  // namespace
}  // namespace tilemesh
