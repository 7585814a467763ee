// SPDX-License-Identifier: Apache-2.0
// Origins of values: the innermost counts, what is given replaces what was there, and paths stay whole.
#include "sim/base/origins.h"

#include <catch2/catch.hpp>

using namespace tilemesh;

TEST_CASE("a value is from where the innermost thing around it is from") {
    Origins origins("top");
    CHECK(origins.place("") == "top");
    CHECK(origins.place("/a/b") == "top: /a/b");
    origins.give("/a", {"other", "/x"});
    CHECK(origins.place("/a") == "other: /x");
    CHECK(origins.place("/a/b") == "other: /x/b");
    CHECK(origins.place("/ab") == "top: /ab");
    CHECK(origins.place("/a.b") == "top: /a.b");
}

TEST_CASE("what is given replaces what lay within it, and nothing beside it") {
    Origins origins("top");
    for (const char* path : {"/a/b", "/a/b/c", "/a-b", "/a0"}) origins.give(path, {"old", ""});
    origins.give("/a", {"new", ""});
    CHECK(origins.place("/a/b/c") == "new: /b/c");
    CHECK(origins.place("/a-b") == "old");
    CHECK(origins.place("/a0") == "old");

    Origins part("part");
    part.give("/x", {"inner", ""});
    origins.give("/a0", part);
    CHECK(origins.place("/a0/y") == "part: /y");
    CHECK(origins.place("/a0/x/z") == "inner: /z");
}

TEST_CASE("a whole that changes hands leaves its members what they are") {
    Origins origins("base");
    origins.give("/b/c", {"--set b.c=1", "", true});
    origins.give_all_but(std::vector<std::string>{"a", "b", "x/y"}, {"top", ""});
    CHECK(origins.place("") == "top");
    CHECK(origins.place("/new") == "top: /new");
    CHECK(origins.place("/a") == "base: /a");
    CHECK(origins.place("/b/d") == "base: /b/d");
    CHECK(origins.place("/b/c") == "--set b.c=1");
    CHECK(origins.place("/x~1y") == "base: /x~1y");
    CHECK(origins.settings_within("/b") == " (with --set b.c=1)");
    CHECK(origins.settings_within("/b/c").empty());
    CHECK(origins.settings_within("/a").empty());
}
