// SPDX-License-Identifier: Apache-2.0
// A text that many things have, made once and held by all of them. For names of what there are millions of.
#pragma once

#include <memory>
#include <string>
#include <utility>

namespace tilemesh {

class SharedText {
public:
    SharedText(std::string text) : text_(std::make_shared<const std::string>(std::move(text))) {}
    SharedText(const char* text) : SharedText(std::string(text)) {}

    const std::string& text() const { return *text_; }

private:
    std::shared_ptr<const std::string> text_;
};

}  // namespace tilemesh
