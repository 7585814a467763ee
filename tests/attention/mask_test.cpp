// SPDX-License-Identifier: Apache-2.0
// Masks against brute force over every small block, and their closed forms at full size.
#include "cases.h"

#include <span>
#include <stdexcept>

using namespace tilemesh::attention;

namespace {

constexpr Viewer viewer{};

/// Calls `check(queries, keys, visible pairs by brute force)` for every block within [0, 7) x [0, 7), empty ones too.
template <class Check>
void for_every_block(const Mask& mask, const Check& check) {
    constexpr std::int64_t end = 7;
    for (Range q{0, 0}; q.begin < end; ++q.begin) {
        for (q.end = q.begin; q.end <= end; ++q.end) {
            for (Range k{0, 0}; k.begin < end; ++k.begin) {
                for (k.end = k.begin; k.end <= end; ++k.end) {
                    std::uint64_t pairs = 0;
                    for (std::int64_t i = q.begin; i < q.end; ++i) {
                        for (std::int64_t j = k.begin; j < k.end; ++j) pairs += mask.sees(viewer, i, j) ? 1 : 0;
                    }
                    check(q, k, pairs);
                }
            }
        }
    }
}

Visible exact(Range q, Range k, std::uint64_t pairs) {
    if (pairs == 0) return Visible::none;
    return pairs == static_cast<std::uint64_t>(q.size() * k.size()) ? Visible::all : Visible::some;
}

}  // namespace

TEST_CASE("single masks answer exactly for every small block") {
    for (const auto& mask : {full_mask(), causal_mask()}) {
        CAPTURE(mask->name());
        int wrong = 0, blocks = 0;
        for_every_block(*mask, [&](Range q, Range k, std::uint64_t pairs) {
            wrong += mask->block(viewer, q, k) != exact(q, k, pairs) || mask->visible_pairs(viewer, q, k) != pairs;
            ++blocks;
        });
        CHECK(wrong == 0);
        CHECK(blocks == 35 * 35);  // a begin below 7 and an end from there to 7
    }
}

TEST_CASE("causal means that a query sees its own position and nothing later") {
    const auto mask = causal_mask();
    CHECK(mask->sees(viewer, 5, 5));
    CHECK(mask->sees(viewer, 5, 0));
    CHECK_FALSE(mask->sees(viewer, 5, 6));
    CHECK(mask->is_causal());
    CHECK_FALSE(full_mask()->is_causal());
}

TEST_CASE("an all_of counts exactly, and is right whenever it says none or all") {
    using Parts = std::vector<std::shared_ptr<const Mask>>;
    const auto window = std::make_shared<NotLongAgo>(3);
    for (const Parts& parts : {Parts{causal_mask(), window}, Parts{causal_mask(), std::make_shared<Sprinkled>()},
                               Parts{window, std::make_shared<EverySecondKey>(1), causal_mask()}}) {
        const auto mask = all_of(parts);
        CAPTURE(mask->name());
        int wrong = 0;
        for_every_block(*mask, [&](Range q, Range k, std::uint64_t pairs) {
            const Visible claimed = mask->block(viewer, q, k);
            wrong += mask->visible_pairs(viewer, q, k) != pairs;
            wrong += claimed != Visible::some && claimed != exact(q, k, pairs);
        });
        for (std::int64_t i = 0; i < 7; ++i) {
            for (std::int64_t j = 0; j < 7; ++j) {
                bool every = true;
                for (const auto& part : parts) every = every && part->sees(viewer, i, j);
                wrong += mask->sees(viewer, i, j) != every;
            }
        }
        CHECK(wrong == 0);
        CHECK(mask->is_causal());
    }
}

TEST_CASE("an all_of may say some of a block in which its parts have nothing in common, but counts 0") {
    const auto mask = all_of({std::make_shared<EverySecondKey>(0), std::make_shared<EverySecondKey>(1)});
    CHECK(mask->block(viewer, {0, 4}, {0, 4}) == Visible::none);  // small enough to be searched
    CHECK(mask->block(viewer, {0, 64}, {0, 64}) == Visible::some);
    CHECK(mask->visible_pairs(viewer, {0, 64}, {0, 64}) == 0);
    CHECK(mask->block(viewer, {0, 4}, {1, 2}) == Visible::none);
}

TEST_CASE("an all_of drops what hides nothing") {
    CHECK(all_of({})->name() == "full");
    CHECK(all_of({full_mask(), causal_mask(), full_mask()})->name() == "causal");
    CHECK(all_of({causal_mask(), full_mask()})->compare_operations() == causal_mask()->compare_operations());
}

TEST_CASE("the element mask of an all_of costs its parts and the ands between them") {
    const auto part = std::make_shared<Sprinkled>();
    CHECK(all_of({causal_mask(), part})->compare_operations() ==
          causal_mask()->compare_operations() + part->compare_operations() + 1);
}

TEST_CASE("causal pairs follow the closed form at any length") {
    for (const std::int64_t length : {1LL, 8192LL, 131072LL, 1LL << 27}) {
        const auto n = static_cast<std::uint64_t>(length);
        CHECK(causal_mask()->visible_pairs(viewer, {0, length}, {0, length}) == n * (n + 1) / 2);
        CHECK(all_of({causal_mask(), causal_mask()})->block(viewer, {0, length}, {0, length}) ==
              (length == 1 ? Visible::all : Visible::some));
    }
}

namespace {

/// Another mask, of which blocks may be asked, not more often than agreed, and nothing smaller: a count that visits
/// pairs ends at once instead of after minutes. Blocks are counted by halving, or by the mask's own closed form.
class OnlyBlocks final : public Mask {
public:
    enum class Counted { by_halving, by_closed_form };
    OnlyBlocks(std::shared_ptr<const Mask> asked, Counted counted, std::int64_t most)
        : asked_(std::move(asked)), counted_(counted), most_(most) {}

    std::string name() const override { return asked_->name(); }
    bool sees(Viewer, std::int64_t, std::int64_t) const override { throw std::logic_error("a pair was visited"); }
    void row(Viewer, std::int64_t, Range, std::span<float>) const override {
        throw std::logic_error("a row was visited");
    }
    Visible block(Viewer of, Range queries, Range keys) const override {
        if (++blocks_ > most_) throw std::logic_error("too many blocks were asked about");
        return asked_->block(of, queries, keys);
    }
    bool is_exact() const override { return asked_->is_exact(); }
    std::uint64_t visible_pairs(Viewer of, Range queries, Range keys) const override {
        return counted_ == Counted::by_halving ? Mask::visible_pairs(of, queries, keys)
                                               : asked_->visible_pairs(of, queries, keys);
    }
    int compare_operations() const override { return asked_->compare_operations(); }
    std::int64_t blocks() const { return blocks_; }

private:
    std::shared_ptr<const Mask> asked_;
    Counted counted_;
    std::int64_t most_;
    mutable std::int64_t blocks_ = 0;
};

/// Pairs that a causal window counts, whose parts may be asked about `most` blocks each.
std::uint64_t pairs_of_window(std::int64_t length, const std::shared_ptr<const Mask>& window,
                              OnlyBlocks::Counted counted, std::int64_t most) {
    const auto diagonal = std::make_shared<OnlyBlocks>(causal_mask(), counted, most);
    const auto edge = std::make_shared<OnlyBlocks>(window, counted, most);
    const std::uint64_t pairs = all_of({diagonal, edge})->visible_pairs(viewer, {0, length}, {0, length});
    CHECK(diagonal->blocks() > 0);  // or the agreement was with somebody else
    CHECK(edge->blocks() > 0);
    return pairs;
}

/// The first `window` queries see 1, 2, ... keys, the others `window` each.
std::uint64_t closed_form(std::int64_t length, std::int64_t window) {
    return static_cast<std::uint64_t>(window * (window + 1) / 2 + (length - window) * window);
}

}  // namespace

// Of the squares of one size about length / size lie on a border, and two halves of each do: 6 length / size
// questions.
TEST_CASE("a causal window is counted at headline length without visiting its pairs") {
    const std::int64_t length = 131072, window = 4096;
    // Sizes 2, 4, 8, ... make 6 questions per token, where there are up to 4096 pairs per token.
    CHECK(pairs_of_window(length, std::make_shared<NotLongAgo>(window), OnlyBlocks::Counted::by_halving,
                          7 * length) == closed_form(length, window));
}

TEST_CASE("a causal window is counted by the closed forms of its parts from where their borders part") {
    const std::int64_t length = std::int64_t{1} << 27, window = 4096;
    const Problem problem = problem_from(R"({"heads_q": 1, "head_dim": 8, "users": [{"keys": 1}],
        "mask": {"kind": "sliding_window", "window": 4096}})");
    // Only squares larger than the window hold both borders: sizes 2 window, 4 window, ...
    CHECK(pairs_of_window(length, problem.mask, OnlyBlocks::Counted::by_closed_form, 7 * length / window) ==
          closed_form(length, window));
}

TEST_CASE("a partly visible block of a single mask takes one look, of an all_of as many as it needs") {
    const Viewers viewers{0, {0, 1}};
    const Run all{0, 64, 1};
    const OnlyBlocks causal(causal_mask(), OnlyBlocks::Counted::by_halving, 1);
    CHECK(visible(causal, viewers, all, all) == Visible::some);
    const OnlyBlocks once(causal_mask(), OnlyBlocks::Counted::by_halving, 1);
    CHECK(any_visible(once, viewers, all, all));
    // Strided: the first query sees nothing, the second both keys.
    const Run strided{0, 2, 128};
    const OnlyBlocks often(causal_mask(), OnlyBlocks::Counted::by_halving, 64);
    CHECK(visible(often, viewers, strided, Run{1, 2, 64}) == Visible::some);
    CHECK(often.blocks() > 1);
    const auto nothing = all_of({std::make_shared<EverySecondKey>(0), std::make_shared<EverySecondKey>(1)});
    REQUIRE(nothing->block(viewer, {0, 64}, {0, 64}) == Visible::some);
    CHECK(visible(*nothing, viewers, all, all) == Visible::none);
    CHECK(!any_visible(*nothing, viewers, all, all));
}

TEST_CASE("a row of an all_of shows what every part shows, whichever part comes last") {
    const auto odd = std::make_shared<EverySecondKey>(1);
    for (const auto& mask : {all_of({causal_mask(), odd}), all_of({odd, causal_mask()})}) {
        CAPTURE(mask->name());
        std::vector<float> visible(6, 7.0F);
        mask->row(viewer, 4, {1, 7}, visible);  // keys 1 to 6; from 5 on they are later than the query
        for (std::int64_t key = 1; key < 7; ++key) {
            const bool sees = causal_mask()->sees(viewer, 4, key) && odd->sees(viewer, 4, key);
            CHECK(visible[static_cast<std::size_t>(key - 1)] == (sees ? 1.0F : 0.0F));
        }
        CHECK(std::count(visible.begin(), visible.end(), 1.0F) == 2);
    }
}
