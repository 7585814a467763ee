// SPDX-License-Identifier: Apache-2.0
#include "sim/collective/values.h"

#include "sim/base/random.h"

#include <array>
#include <cmath>
#include <limits>
#include <span>

namespace tilemesh::collective {
namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

bool holds(const Range& range, std::uint64_t element) { return element >= range.begin && element < range.end(); }

int owner_of(std::uint64_t elements, int n, std::uint64_t element) {
    int part = 0;
    while (!holds(part_of(elements, n, part), element)) ++part;
    return part;
}

class Follower {
public:
    Follower(const Inputs& inputs, std::uint64_t element, int n)
        : inputs_(inputs), element_(element), held_(static_cast<std::size_t>(n), nothing) {}

    void gather(const Schedule& call, int owner) {
        held_[at(owner)] = held_[at(owner)] == held_[at(owner)] ? held_[at(owner)] : input(owner);
        for (const Row& row : call.rows) {
            if (!holds(row.range, element_)) continue;
            // What its sender does not have it cannot send.
            const double value = held_[at(row.from)];
            const int n = call.chips.n;
            for (int chip = row.from; chip != row.to;) {
                chip = (chip + row.direction + n) % n;
                if (row.copies || chip == row.to) held_[at(chip)] = value;
            }
        }
    }
    void scatter(const Schedule& call, int owner) {
        std::vector<float> brought(call.rows.size(), 0.0F);
        std::vector<bool> passed_on(call.rows.size(), false);
        float total = input(owner);
        for (std::size_t i = 0; i < call.rows.size(); ++i) {
            const Row& row = call.rows[i];
            if (!holds(row.range, element_)) continue;
            const float own = input(row.from);
            if (row.after < 0) {
                brought[i] = own;
            } else {
                brought[i] = rounded(brought[static_cast<std::size_t>(row.after)] + own);
                passed_on[static_cast<std::size_t>(row.after)] = true;
            }
            const int n = call.chips.n;
            for (int chip = (row.from + row.direction + n) % n; row.adds && chip != row.to;
                 chip = (chip + row.direction + n) % n)
                brought[i] = rounded(brought[i] + input(chip));
        }
        for (std::size_t i = 0; i < call.rows.size(); ++i)
            if (holds(call.rows[i].range, element_) && !passed_on[i] && call.rows[i].to == owner) total += brought[i];
        held_[at(owner)] = rounded(total);
    }
    /// The element of each sender for each receiver: it is followed on its own row alone.
    void exchange(const Schedule& call, int owner) {
        held_[at(owner)] = input(owner);  // to itself
        for (const Row& row : call.rows)
            if (holds(row.range, element_)) held_[at(row.from)] = row.to == owner ? input(row.from) : nothing;
    }
    ElementResult result() const { return {held_}; }

private:
    static std::size_t at(int chip) { return static_cast<std::size_t>(chip); }
    float input(int chip) const { return inputs_.value(chip, element_); }
    float rounded(float value) const { return round_to(inputs_.dtype, value); }

    const Inputs& inputs_;
    std::uint64_t element_;
    std::vector<double> held_;
};

}  // namespace

float Inputs::value(int chip, std::uint64_t element) const {
    std::array<float, 1> one{};
    fill_normal(seed, static_cast<std::uint64_t>(chip), element, std::span<float>(one));
    return round_to(dtype, one[0]);
}

ElementResult follow(const std::vector<Schedule>& calls, const Inputs& inputs, std::uint64_t element) {
    const Schedule& first = calls.front();
    const int owner = owner_of(first.elements, first.chips.n, element);
    Follower follower(inputs, element, first.chips.n);
    for (const Schedule& call : calls) {
        if (call.operation == Operation::all_gather) follower.gather(call, owner);
        if (call.operation == Operation::reduce_scatter) follower.scatter(call, owner);
        if (call.operation == Operation::all_to_all) follower.exchange(call, owner);
    }
    return follower.result();
}

ElementResult expected(Operation operation, const Chips& chips, std::uint64_t elements, const Inputs& inputs,
                       std::uint64_t element) {
    const int owner = owner_of(elements, chips.n, element);
    ElementResult result;
    double sum = 0.0;
    for (int chip = 0; chip < chips.n; ++chip) sum += inputs.value(chip, element);
    for (int chip = 0; chip < chips.n; ++chip) {
        double held = sum;
        if (operation == Operation::all_gather) held = inputs.value(owner, element);
        if (operation == Operation::all_to_all) held = inputs.value(chip, element);
        if (operation == Operation::reduce_scatter && chip != owner) held = nothing;
        result.held.push_back(held);
    }
    return result;
}

}  // namespace tilemesh::collective
