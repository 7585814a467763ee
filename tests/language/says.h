// SPDX-License-Identifier: Apache-2.0
// A matcher for messages: says("a", "b") holds of a text that contains both. Unlike Catch's own conjunctions it owns
// its parts, so helpers can return it and tests add to it.
#pragma once

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace tilemesh::test {

class Says : public Catch::MatcherBase<std::string> {
public:
    explicit Says(std::vector<std::string> parts) : parts_(std::move(parts)) {}
    bool match(const std::string& text) const override {
        for (const std::string& part : parts_) {
            if (text.find(part) == std::string::npos) return false;
        }
        return true;
    }
    std::string describe() const override {
        std::string list = "says";
        for (const std::string& part : parts_) list += "\n  " + part;
        return list;
    }
    Says also(const std::string& part) const {
        Says more = *this;
        more.parts_.push_back(part);
        return more;
    }

private:
    std::vector<std::string> parts_;
};

template <class... Parts>
Says says(Parts... parts) {
    return Says({std::string(parts)...});
}

}  // namespace tilemesh::test
