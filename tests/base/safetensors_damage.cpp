// SPDX-License-Identifier: Apache-2.0
// Is every damaged or malicious tensor file refused with a clear error, and never a crash or a wrong read?
#include "sim/base/random.h"
#include "sim/base/safetensors.h"
#include "tests/base/scratch.h"
#include "tests/base/tensor_bytes.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

namespace tilemesh {
namespace {

/// What opening a file of these bytes complains about, without the file's name.
std::string damage(const std::string& bytes) {
    const ScratchFolder folder;
    const std::string file = (folder / "x").string();
    write_file(file, bytes);
    const std::string error = input_error([&] { SafetensorsFile{file}; });
    if (error == "no error") return error;
    REQUIRE(error.starts_with(file + ": "));
    return error.substr(file.size() + 2);
}

/// The same for a header with this entry for tensor "a", before 8 bytes of data.
std::string entry_damage(const std::string& entry) {
    return damage(file_of("{\"a\":" + entry + "}", std::string(8, '\0')));
}

TEST_CASE("a file too short for its header is refused") {
    CHECK(damage("") == "found a file of 0 bytes, expected at least 8");
    CHECK(damage("1234567") == "found a file of 7 bytes, expected at least 8");
    CHECK(damage(bytes_of<std::uint64_t>({1ull << 60}) + "{}") ==
          "found a header of 1152921504606846976 bytes, expected at most 2");
    CHECK(damage(bytes_of<std::uint64_t>({3}) + "{}") == "found a header of 3 bytes, expected at most 2");
    CHECK(
        damage(bytes_of<std::uint64_t>({~0ull}) + "{}").starts_with("found a header of 18446744073709551615 bytes"));
    CHECK(damage(file_of("{}", "")) == "no error");
}

TEST_CASE("a header that is not a JSON object of entries is refused") {
    CHECK(damage(file_of("", "")) == "header: expected a JSON object");
    CHECK(damage(file_of("[]", "")) == "header: expected a JSON object");
    CHECK(damage(file_of(" {}", "")) == "header: expected a JSON object");
    CHECK(damage(file_of("{\"a\"", "")).starts_with("header: line 1, column "));
    CHECK(damage(file_of("{\"a\":1}", "")) == "/a: found 1, expected an object");
    CHECK(damage(file_of(R"({"__metadata__":[]})", "")) == "/__metadata__: found an array, expected an object");
    CHECK(damage(file_of(R"({"__metadata__":{"k":1}})", "")) == "/__metadata__/k: found 1, expected a string");
}

TEST_CASE("an entry with wrong members is refused") {
    CHECK(entry_damage(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})") == "no error");
    CHECK(
        entry_damage(R"({"dtype":"F31","shape":[2],"data_offsets":[0,8]})").starts_with("/a/dtype: found a string"));
    CHECK(entry_damage(R"({"dtype":32,"shape":[2],"data_offsets":[0,8]})").starts_with("/a/dtype: found 32"));
    CHECK(entry_damage(R"({"shape":[2],"data_offsets":[0,8]})").starts_with("/a/dtype: missing"));
    CHECK(entry_damage(R"({"dtype":"F32","data_offsets":[0,8]})").starts_with("/a/shape: missing"));
    CHECK(entry_damage(R"({"dtype":"F32","shape":[2]})").starts_with("/a/data_offsets: missing"));
    CHECK(entry_damage(R"({"dtype":"F32","shape":2,"data_offsets":[0,8]})") ==
          "/a/shape: found 2, expected an array");
    CHECK(entry_damage(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})").starts_with("/a/shape/0: found -2"));
    CHECK(entry_damage(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})").starts_with("/a/shape/0: found 2.0"));
    CHECK(entry_damage(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1})").starts_with("/a/x: unknown key"));
}

TEST_CASE("offsets that are no range inside the file are refused") {
    CHECK(entry_damage(R"({"dtype":"F32","shape":[2],"data_offsets":[0,9]})") ==
          "/a/data_offsets/1: found 9, expected an integer from 0 to 8");
    CHECK(entry_damage(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})") ==
          "/a/data_offsets/0: found 8, expected an integer from 0 to 0");
    CHECK(entry_damage(R"({"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]})")
              .starts_with("/a/data_offsets/1: found 18446744073709551615"));
    CHECK(entry_damage(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8.0]})")
              .starts_with("/a/data_offsets/1: found 8.0"));
    CHECK(entry_damage(R"({"dtype":"F32","shape":[2],"data_offsets":[0]})") ==
          "/a/data_offsets: found 1 offsets, expected begin and end");
    CHECK(entry_damage(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4,8]})") ==
          "/a/data_offsets: found 3 offsets, expected begin and end");
}

TEST_CASE("a shape that does not fill its bytes, or overflows while being multiplied, is refused") {
    CHECK(entry_damage(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})") ==
          "/a: found 8 bytes of data, expected 12 for F32 [3]");
    CHECK(entry_damage(R"({"dtype":"F16","shape":[2],"data_offsets":[0,8]})") ==
          "/a: found 8 bytes of data, expected 4 for F16 [2]");
    // 2^32 * 2^32 * 4 and 2^62 * 4 + 8 are 0 and 8 modulo 2^64.
    CHECK(entry_damage(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]})") ==
          "/a: shape [4294967296, 4294967296] is larger than any file");
    CHECK(entry_damage(R"({"dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8]})") ==
          "/a: shape [4611686018427387906] is larger than any file");
}

TEST_CASE("tensors that overlap, leave holes or leave data over are refused") {
    const auto two = [](const std::string& a, const std::string& b) {
        const auto entry = [](const std::string& offsets) {
            return R"({"dtype":"F32","shape":[1],"data_offsets":)" + offsets + "}";
        };
        return damage(file_of("{\"a\":" + entry(a) + ",\"b\":" + entry(b) + "}", std::string(12, '\0')));
    };
    CHECK(two("[0,4]", "[0,4]") == "/b: data begins at byte 0, expected 4, where the tensor before it ends");
    CHECK(two("[0,4]", "[2,6]") == "/b: data begins at byte 2, expected 4, where the tensor before it ends");
    CHECK(two("[0,4]", "[8,12]") == "/b: data begins at byte 8, expected 4, where the tensor before it ends");
    CHECK(two("[8,12]", "[4,8]") == "/b: data begins at byte 4, expected 0, where the tensor before it ends");
    CHECK(two("[4,8]", "[0,4]") == "found 12 bytes of data, expected 8, where the last tensor ends");
}

TEST_CASE("values that are not finite are refused with tensor and index") {
    const ScratchFolder folder;
    const auto file = folder / "x";
    const float nan = std::nanf(""), infinity = std::numeric_limits<float>::infinity();
    write_file(file, tensor_file({{"q", "F32", "[2, 3]", bytes_of<float>({0, 1, 2, 3, 4, nan})},
                                  {"k", "F16", "[2]", bytes_of<std::uint16_t>({0x7c00, 0})},
                                  {"v", "F32", "[2]", bytes_of<float>({-infinity, nan})},
                                  {"w", "F64", "[1]", bytes_of<double>({1e300})}}));
    const SafetensorsFile tensors(file);
    const auto error = [&](const std::string& name, Infinity allowed = Infinity::rejected) {
        return input_error([&] { tensors.read_floats(name, allowed); }).substr(file.string().size() + 2);
    };
    CHECK(error("q") == "q[1, 2]: found nan, expected a finite f32 value");
    CHECK(error("k") == "k[0]: found inf, expected a finite f32 value");
    CHECK(error("v") == "v[0]: found -inf, expected a finite f32 value");
    CHECK(error("v", Infinity::allowed).starts_with("v[1]: found nan"));
    CHECK(error("w") == "w[0]: found 1e+300, expected a finite f32 value");
    CHECK(error("w", Infinity::allowed).starts_with("w[0]: found 1e+300"));
}

TEST_CASE("a tensor of another kind than asked for is refused") {
    const ScratchFolder folder;
    const auto file = folder / "x";
    write_file(file, tensor_file({{"f", "F32", "[0]", ""}, {"i", "I32", "[0]", ""}, {"u", "U8", "[0]", ""}}));
    const SafetensorsFile tensors(file);
    CHECK(input_error([&] {
              tensors.read_floats("i");
          }).ends_with("i: found dtype I32, expected F16, BF16, F8_E4M3, F8_E5M2, F32 or F64"));
    CHECK(input_error([&] { tensors.read_integers("f"); }).ends_with("f: found dtype F32, expected I8, I16, I32, I64, U16, U32 or U64"));
    CHECK_THROWS_AS(tensors.read_integers("u"), InputError);
}

TEST_CASE("a file that is missing or a folder, or shrinks after it was opened, is an error") {
    const ScratchFolder folder;
    CHECK(input_error([&] {
              SafetensorsFile{folder / "none"};
          }).ends_with("cannot be read: No such file or directory"));
    CHECK(input_error([&] { SafetensorsFile{folder / ""}; }).ends_with("expected a safetensors file"));
    const std::string bytes = tensor_file({{"f", "F32", "[2]", std::string(8, '\0')}});
    write_file(folder / "x", bytes);
    const SafetensorsFile tensors(folder / "x");
    write_file(folder / "x", bytes.substr(0, bytes.size() - 1));
    CHECK(input_error([&] { tensors.read_floats("f"); }).ends_with("can no longer be read"));
}

/// Opens and reads everything; only InputError may come out. Returns whether the file was good.
bool reads(const std::filesystem::path& path, const std::string& bytes) {
    write_file(path, bytes);
    try {
        const SafetensorsFile file(path);
        for (const auto& [name, tensor] : file.tensors()) {
            std::uint64_t elements = 1;
            for (const std::uint64_t size : tensor.shape) elements *= size;
            const bool integers = tensor.dtype == "I32" || tensor.dtype == "I64";
            const std::size_t read = integers ? file.read_integers(name).size() : file.read_floats(name).size();
            if (read != elements) FAIL("read " << read << " values of " << elements);
        }
        return true;
    } catch (const InputError&) {
        return false;
    }
}

TEST_CASE("no cut and no flipped bit of a file does more than make it bad input") {
    const ScratchFolder folder;
    const auto path = folder / "x";
    const std::string good = tensor_file({{"half", "F16", "[2, 3]", std::string(12, '\x31')},
                                          {"ids", "I32", "[2]", std::string(8, '\x01')},
                                          {"single", "F32", "[1, 2, 1]", std::string(8, '\x3f')}});
    REQUIRE(reads(path, good));
    for (std::size_t size = 0; size < good.size(); ++size)
        if (reads(path, good.substr(0, size))) FAIL("a file cut to " << size << " bytes was accepted");

    std::size_t accepted = 0, refused = 0;
    const auto flip = [](std::string& bytes, std::uint64_t bit) {
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    };
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
        std::string bytes = good;
        flip(bytes, bit);
        ++(reads(path, bytes) ? accepted : refused);
    }
    for (std::uint64_t round = 0; round < 2000; ++round) {
        std::string bytes = good;
        for (std::uint64_t i = 0; i <= round % 5; ++i) flip(bytes, random_below(1, round, i, 8 * good.size()));
        bytes.resize(bytes.size() - random_below(1, round, 99, 3));
        ++(reads(path, bytes) ? accepted : refused);
    }
    CHECK(accepted > 0);  // flips inside the data or a name
    CHECK(refused > 8 * 8);
}

}  // namespace
}  // namespace tilemesh
