// SPDX-License-Identifier: Apache-2.0
// Longest chains of what must wait for what.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tilemesh::attention {

/// Moments, and how long one is after another at least. A moment of several pieces of work is either that of the
/// first of them, whichever it is, or that of the last.
class Chains {
public:
    using Moment = std::uint32_t;
    Moment add(double not_before = 0) {
        last_.push_back(none);
        after_.push_back(not_before);
        return static_cast<Moment>(after_.size()) - 1;
    }
    void follow(Moment first, Moment then, double ns) {
        follows_.push_back({then, last_[first], ns});
        last_[first] = static_cast<std::uint32_t>(follows_.size()) - 1;
    }
    /// Each of `firsts` waits for its turn of `ns` before `then`; the turns come one after the other, in whatever
    /// order. Unless `all` of them have one, the first to come needs none.
    void follow_in_turn(const std::vector<Moment>& firsts, Moment then, double ns, bool all) {
        const bool several = firsts.size() > 1;
        for (const Moment first : firsts) follow(first, then, all || several ? ns : 0);
        if (several) queues_.push_back({firsts, then, ns, all});
    }
    void not_before(Moment moment, double ns) { after_[moment] = std::max(after_[moment], ns); }

    /// Room for so many, so that none of them moves.
    void reserve(std::size_t moments, std::size_t follows) {
        last_.reserve(moments);
        after_.reserve(moments);
        follows_.reserve(follows);
    }
    /// Adds up, once; from then on after() is known, and left() where it is asked for.
    void walk(bool with_left);
    double after(Moment moment) const { return after_[moment]; }  // since the beginning
    double left(Moment moment) const { return left_[moment]; }    // until the end
    double longest() const;

private:
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    /// In lists by the moment that it follows.
    struct Follow {
        Moment then;
        std::uint32_t next;
        double ns;
    };
    struct Queue {
        std::vector<Moment> firsts;
        Moment then;
        double ns;
        bool all;
    };
    double after_all_turns(const Queue& queue) const;
    template <class Visit>
    void visit_followers(Moment first, const Visit& visit) const {
        for (std::uint32_t i = last_[first]; i != none; i = follows_[i].next) visit(follows_[i].then, follows_[i].ns);
    }

    std::vector<Follow> follows_;
    std::vector<Queue> queues_;
    std::vector<std::uint32_t> last_;  // by moment: of what follows it
    std::vector<double> after_, left_;
};

}  // namespace tilemesh::attention
