// SPDX-License-Identifier: Apache-2.0
// Longest chains of what must wait for what.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace tilemesh::attention {

/// Moments, and how long one is after another at least. A moment of several pieces of work is either that of the
/// first of them, whichever it is, or that of the last.
class Chains {
public:
    using Moment = std::size_t;
    Moment add(double not_before = 0) {
        follows_.emplace_back();
        after_.push_back(not_before);
        return after_.size() - 1;
    }
    void follow(Moment first, Moment then, double ns) { follows_[first].emplace_back(then, ns); }
    void not_before(Moment moment, double ns) { after_[moment] = std::max(after_[moment], ns); }

    /// Adds up; from then on after() and left() are known.
    void walk();
    double after(Moment moment) const { return after_[moment]; }  // since the beginning
    double left(Moment moment) const { return left_[moment]; }    // until the end
    double longest() const;

private:
    std::vector<std::vector<std::pair<Moment, double>>> follows_;
    std::vector<double> after_, left_;
};

}  // namespace tilemesh::attention
