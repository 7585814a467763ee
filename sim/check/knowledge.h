// SPDX-License-Identifier: Apache-2.0
// What is certain to have ended before something begins: a vector clock that counts, of every command processor, its
// drains. A store is known to have ended when its processor has drained since; a message carries what its sender
// knew, a barrier what all knew. Kernels without drains know nothing of each other, and that costs nothing.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

namespace tilemesh::check {

class Knowledge {
public:
    Knowledge() = default;
    /// How often every processor has drained.
    explicit Knowledge(std::vector<std::uint32_t> drains)
        : drains_(std::make_shared<const std::vector<std::uint32_t>>(std::move(drains))) {}
    /// Has that processor drained since its epoch number `epoch` (from 0)?
    bool ended(int processor, std::uint32_t epoch) const {
        return drains_ && (*drains_)[static_cast<std::size_t>(processor)] > epoch;
    }
    /// Whatever `more` knows is known too.
    void learn(const Knowledge& more) {
        if (!more.drains_ || drains_ == more.drains_) return;
        if (!drains_ || below(*drains_, *more.drains_)) {
            drains_ = more.drains_;
        } else if (!below(*more.drains_, *drains_)) {
            auto both = std::make_shared<std::vector<std::uint32_t>>(*drains_);
            for (std::size_t i = 0; i < both->size(); ++i) (*both)[i] = std::max((*both)[i], (*more.drains_)[i]);
            drains_ = std::move(both);
        }
    }
    /// One of `processors` has drained, `drains` times by now.
    void learn(std::size_t processors, int processor, std::uint32_t drains) {
        auto now = drains_ ? std::make_shared<std::vector<std::uint32_t>>(*drains_)
                           : std::make_shared<std::vector<std::uint32_t>>(processors);
        (*now)[static_cast<std::size_t>(processor)] = drains;
        drains_ = std::move(now);
    }

private:
    using Drains = std::vector<std::uint32_t>;
    static bool below(const Drains& a, const Drains& b) {
        return std::equal(a.begin(), a.end(), b.begin(), [](std::uint32_t x, std::uint32_t y) { return x <= y; });
    }
    std::shared_ptr<const Drains> drains_;  // by processor; null: none of anybody
};

}  // namespace tilemesh::check
