// SPDX-License-Identifier: Apache-2.0
#include "sim/check/findings.h"

#include <algorithm>

namespace tilemesh::check {

bool Report::sound() const {
    return std::none_of(findings.begin(), findings.end(), [](const Finding& finding) { return finding.mistake; });
}

void Findings::add(std::string_view kind, const std::string& alike, const std::string& text, bool mistake) {
    const auto [known, is_new] = known_.try_emplace(std::string(kind) + "\n" + alike, found_.size());
    if (is_new) {
        found_.push_back({std::string(kind), text, mistake});
    } else {
        ++found_[known->second].times;
    }
}

bool Findings::none_of(std::string_view kind) const {
    return std::none_of(found_.begin(), found_.end(), [=](const Finding& finding) { return finding.kind == kind; });
}

}  // namespace tilemesh::check
