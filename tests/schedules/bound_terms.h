// SPDX-License-Identifier: Apache-2.0
// What the closed forms of the lower bounds are made of: bytes of a token tensor by tensor, products and operations
// of a visible pair. No two dimensions agree, head_dim and value_dim neither. A bound that is too low is no
// contradiction that a run would show, so a term that is forgotten is found only where it is written down a second
// time: here.
#pragma once

#include "sim/attention/bounds.h"
#include "tests/schedules/grids.h"

#include <catch2/catch.hpp>

#include <string>

namespace example {

inline constexpr auto forward = Schedule::Pass::forward, backward = Schedule::Pass::backward;
inline constexpr MachineRates rates{
    .pes = 4, .macs_per_ns = 1024, .exp2_per_ns = 8, .simple_per_ns = 32, .hbm_bytes_per_ns = 16};
inline constexpr double link_rate = 4;
inline constexpr double heads = 6, d = 24, dv = 40;  // of example::problem, with 2 kv heads

/// Bytes of one token, tensor by tensor; a new tensor is a line here and a word in the sums below.
struct TokenBytes {
    explicit TokenBytes(double element = 2) : stored(element) {}
    double stored;
    double q = 6 * 24 * stored, o = 6 * 40 * stored, k = 2 * 24 * stored, v = 2 * 40 * stored;
    double dq = q, grad_o = o, dk = k, dv = v;
    double statistics = 6 * 2 * 4;  // maximum and sum of a row, f32 in every dtype
    double query_inputs(Schedule::Pass pass) const { return pass == forward ? q : q + o + grad_o + statistics; }
    double query_outputs(Schedule::Pass pass) const { return pass == forward ? o : dq; }
    double key_inputs() const { return k + v; }
    double key_outputs(Schedule::Pass pass) const { return pass == forward ? 0 : dk + dv; }
    double chunk() const { return k + v; }                     // as it travels, per key
    double gradient() const { return (2 * 24 + 2 * 40) * 4; }  // f32 in every dtype
    double state() const { return 6 * (40 + 2) * 4; }          // o, m and l in f32, per query
};
inline const TokenBytes bytes;

inline double macs_per_triple(Schedule::Pass pass) {
    // q k and p v; backward q k again, do v, p do, ds k, ds q
    return pass == forward ? d + dv : d + dv + dv + d + d;
}
inline double matrix_ns(double pairs, Schedule::Pass pass) {
    return heads * pairs * macs_per_triple(pass) / rates.macs_per_ns;
}
/// `rows`: queries whose maximum is there with their first key; backward has no maximum and one product per pair.
inline double vector_ns(double pairs, double rows, Schedule::Pass pass) {
    const double simple = pass == forward ? pairs - rows : pairs;
    return heads * (pairs / rates.exp2_per_ns + simple / rates.simple_per_ns);
}

inline Wiring wired(const Route& route, int members = 1) {
    return {.members = members,
            .route = [route](int, int from, int to) { return route(from, to); },
            .link_bytes_per_ns = [](LinkId) { return link_rate; }};
}

inline double term(const Bound& bound, const std::string& name) {
    for (const BoundTerm& t : bound.terms)
        if (t.name == name) return t.ns;
    FAIL("no term " << name);
    return 0;
}

}  // namespace example
