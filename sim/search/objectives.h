// SPDX-License-Identifier: Apache-2.0
// What is wanted least of: one figure of a result or several. Every metric of which less is better
// (sim/run/figures.h) can be an objective; one that is known of a run without it (run::Bounds) rules out points.
#pragma once

#include "sim/report/result.h"

#include <string>
#include <vector>

namespace tilemesh::search {

/// By objective.
using Figures = std::vector<double>;

class Objectives {
public:
    /// Names of metrics, each once; those with parts by one of them ("busy.vector"). InputError for others.
    explicit Objectives(std::vector<std::string> names);

    const std::vector<std::string>& names() const { return names_; }
    std::size_t size() const { return names_.size(); }
    /// Which price of the machine's tables is missing for a figure, and what for; empty: none.
    std::string missing(const report::KernelResult& result) const;
    /// InputError where the result has no such figure.
    Figures of(const report::KernelResult& result) const;
    /// The same of what no run has less of; 0 where nothing is known.
    Figures least(const report::KernelResult& least) const;
    /// Which figure is less than the least that any run has, in words; empty: none.
    std::string less_than(const Figures& least, const Figures& figures) const;
    /// A figure in words: "4.481 ms".
    std::string text(std::size_t objective, double figure) const;

private:
    std::vector<std::string> names_;
};

/// The best of all points that are in it, whatever the order in which they come: those that fewer than `depth` others
/// beat. One point beats another when nothing of it is more and something less; of equals the one of lower order.
class Front {
public:
    struct Member {
        Figures figures;
        std::size_t order;
    };
    explicit Front(std::size_t depth) : depth_(depth) {}
    void add(Figures figures, std::size_t order);
    /// Can no point that has at least these figures be in it?
    bool rules_out(const Figures& least, std::size_t order) const;
    /// By the first figure, then the others, then by order.
    const std::vector<Member>& members() const { return members_; }

private:
    std::size_t depth_;
    std::vector<Member> members_;
};

}  // namespace tilemesh::search
