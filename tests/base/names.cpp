// SPDX-License-Identifier: Apache-2.0
// Is the right name suggested for a slip, none for a stranger, and is foreign text shown safely?
#include "sim/base/names.h"

#include <catch2/catch.hpp>

namespace tilemesh {
namespace {

const std::vector<std::string> kKnown = {"latency_ns", "gbytes_per_s", "buffer_bytes", "rows", "cols"};

TEST_CASE("a slip of the pen finds the name that was meant") {
    CHECK(nearest_name("latncy_ns", kKnown) == "latency_ns");
    CHECK(nearest_name("latecny_ns", kKnown) == "latency_ns");
    CHECK(nearest_name("Latency-NS", kKnown) == "latency_ns");
    CHECK(nearest_name("gbyte_per_sec", kKnown) == "gbytes_per_s");
    CHECK(nearest_name("row", kKnown) == "rows");
    CHECK(nearest_name("rosw", kKnown) == "rows");
}

TEST_CASE("the nearest of several near names wins") {
    const std::vector<std::string> kernels = {"ring_kv", "mesh_kv", "mesh_mlo"};
    CHECK(nearest_name("mesh_kb", kernels) == "mesh_kv");
    CHECK(nearest_name("rimg_kv", kernels) == "ring_kv");
    CHECK(nearest_name("mesh_ml", kernels) == "mesh_mlo");
}

TEST_CASE("a name that has little in common with any known one finds nothing") {
    CHECK_FALSE(nearest_name("colour", kKnown));
    CHECK_FALSE(nearest_name("x", kKnown));
    CHECK_FALSE(nearest_name("", kKnown));
    CHECK_FALSE(nearest_name("y", {"x"}));
    CHECK_FALSE(nearest_name(std::string(100'000, 'a'), kKnown));
    CHECK_FALSE(nearest_name("rows", {}));
}

TEST_CASE("foreign text stays on one line, is valid UTF-8 and is cut") {
    CHECK(printable("plain \xc3\xa9 text") == "plain \xc3\xa9 text");
    CHECK(printable("a\nb\x1b[31m") == "a\\x0ab\\x1b[31m");
    CHECK(printable("\xff\xc3") == "\\xff\\xc3");
    CHECK(printable("abcdef", 4) == "abcd...");
    CHECK(printable("abcd", 4) == "abcd");
    CHECK(printable("\xc3\xa9\xc3\xa9\xc3\xa9", 2) == "\xc3\xa9\xc3\xa9...");
}

TEST_CASE("of a long error what stands at its end is kept") {
    CHECK(printable_ends("abcdefgh", 8) == "abcdefgh");
    CHECK(printable_ends("abcdefghi", 8) == "ab...defghi");
    CHECK(printable_ends("\xc3\xa9\xc3\xa9\n\xc3\xa9\xc3\xa9", 4) == "\xc3\xa9...\\x0a\xc3\xa9\xc3\xa9");
}

TEST_CASE("a long list of names is cut with the number left out") {
    CHECK(list_of_names({"a", "b"}) == "a, b");
    const std::string list = list_of_names(std::vector<std::string>(1000, "n"));
    CHECK(list.size() < 200);
    CHECK(list.ends_with(" more"));
}

}  // namespace
}  // namespace tilemesh
