// SPDX-License-Identifier: Apache-2.0
// Every term of the machine bound in closed form, forward and backward, under masks that hide all kinds of things.
#include "tests/attention/cases.h"
#include "tests/schedules/bound_terms.h"

using namespace example;

namespace {

/// Sees the keys before `end` under query head `head`, those before `others` under the rest.
class OneHeadSeesLess final : public Sprinkled {
public:
    OneHeadSeesLess(std::int64_t head, std::int64_t end, std::int64_t others)
        : head_(head), end_(end), others_(others) {}
    bool sees(Viewer viewer, std::int64_t, std::int64_t key) const override {
        return key < (viewer.head == head_ ? end_ : others_);
    }
    bool varies_by_head() const override { return true; }

private:
    std::int64_t head_, end_, others_;
};

}  // namespace

TEST_CASE("machine bound: every tensor is moved once and every product made once, forward and backward") {
    for (const auto pass : {forward, backward}) {
        CAPTURE(pass == forward);
        const double S = 96, pairs = S * (S + 1) / 2;
        const Bound bound = machine_bound(self_attention(96, causal_mask()), rates, pass);
        CHECK(term(bound, "matrix") == Approx(matrix_ns(pairs, pass) / rates.pes));
        CHECK(term(bound, "vector") == Approx(vector_ns(pairs, S, pass) / rates.pes));
        const double moved =
            S * (bytes.query_inputs(pass) + bytes.query_outputs(pass) + bytes.key_inputs() + bytes.key_outputs(pass));
        CHECK(term(bound, "HBM") == Approx(moved / (rates.pes * rates.hbm_bytes_per_ns)));
        CHECK(term(bound, "link") == 0);
    }
}

TEST_CASE("machine bound: products with p go at the speed of its type") {
    MachineRates slow = rates;
    slow.p_macs_per_ns = rates.macs_per_ns / 2;
    const double pairs = 96 * 96, scores = d / rates.macs_per_ns;
    for (const auto pass : {forward, backward}) {
        const double others = (macs_per_triple(pass) - d) / slow.p_macs_per_ns;
        CHECK(term(machine_bound(self_attention(96, full_mask()), slow, pass), "matrix") ==
              Approx(heads * pairs * (scores + others) / rates.pes));
    }
}

TEST_CASE("machine bound: what is seen by nobody is not read, but its results are written") {
    // 40 of 100 queries come before every key, and 60 of 200 keys are seen
    const Problem p = problem({{200, 100, -40}}, causal_mask());
    for (const auto pass : {forward, backward}) {
        CAPTURE(pass == forward);
        const double moved = 60 * (bytes.query_inputs(pass) + bytes.key_inputs()) + 100 * bytes.query_outputs(pass) +
                             200 * bytes.key_outputs(pass);
        CHECK(term(machine_bound(p, rates, pass), "HBM") == Approx(moved / (rates.pes * rates.hbm_bytes_per_ns)));
    }
}

TEST_CASE("machine bound: tensors are as wide as their dtype, statistics of rows are f32 in all of them") {
    Problem p = self_attention(50);
    p.dtype = Dtype::f32;
    const TokenBytes wide(4);
    for (const auto pass : {forward, backward}) {
        const double moved =
            50 * (wide.query_inputs(pass) + wide.query_outputs(pass) + wide.key_inputs() + wide.key_outputs(pass));
        CHECK(term(machine_bound(p, rates, pass), "HBM") == Approx(moved / (rates.pes * rates.hbm_bytes_per_ns)));
    }
}

TEST_CASE("machine bound: under a mask that differs by head, the kv head that is seen least counts for all") {
    // Query heads 0, 1, 2 share kv head 0, and 3, 4, 5 kv head 1: what one query head does not see, its group does.
    const auto keys_read = [](std::int64_t head, std::int64_t end, std::int64_t others) {
        const Problem p = problem({{100, 10, 90}}, std::make_shared<OneHeadSeesLess>(head, end, others));
        const double ns = term(machine_bound(p, rates), "HBM") * rates.pes * rates.hbm_bytes_per_ns;
        return (ns - 10 * (bytes.q + bytes.o)) / bytes.key_inputs();
    };
    CHECK(keys_read(4, 20, 70) == Approx(70));
    Problem one_each = problem({{100, 10, 90}}, std::make_shared<OneHeadSeesLess>(4, 20, 70));
    one_each.heads_kv = 6;  // now nobody but query head 4 uses kv head 4
    const double chunk = 6 * (d + dv) * 2;
    CHECK(term(machine_bound(one_each, rates), "HBM") * rates.pes * rates.hbm_bytes_per_ns ==
          Approx(10 * (bytes.q + bytes.o) + 20 * chunk));
}
