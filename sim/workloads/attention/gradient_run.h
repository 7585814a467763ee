// SPDX-License-Identifier: Apache-2.0
// What a backward kernel needs before it runs and how its answer is judged: o, m and l of the f64 reference in f32,
// and dq, dk, dv against the reference of the backward pass. Running it is attention_run's affair, as for any kernel.
#pragma once

#include "sim/attention/reference_gradients.h"
#include "sim/run/workload.h"
#include "sim/workloads/attention/layout.h"

#include <optional>
#include <string>
#include <vector>

namespace tilemesh::workloads {

/// Why a backward kernel cannot run with these values; nothing when it can.
std::optional<std::string> gradients_refuse(const run::ValuesChoice& values);

/// Operations of the five products over visible pairs: 2 (3 head_dim + 2 value_dim) per visible pair, 2.5 times the
/// forward pass where the two dimensions are equal.
double backward_flops(const attention::Problem& problem);

struct PreparedGradients {
    struct User {
        attention::Gradients expected;
        // The least that errors of dq and dk are relative to: where dp - D should be 0 (a query that sees one key)
        // the rounding of f32 stays, and no error is small beside nothing. A thousandth of what dq and dk would be if
        // ds were p sqrt(sum of (do o)^2).
        double floor_dq = 0.0, floor_dk = 0.0, floor_dsink = 0.0;
    };
    std::vector<ForwardResult> forward;  // by user
    std::vector<User> users;
};

/// `forward`: the reference of all rows, by user.
PreparedGradients prepare_gradients(const attention::Problem& problem, const attention::Inputs& inputs,
                                    const std::vector<attention::Reference>& forward, int threads);

/// Writes verdict and, when wanted, outputs ("user0.dq", "user0.dk", "user0.dv", "user0.dsink" [heads_q]) of a run
/// with values in full. Passes when each of dq, dk, dv and dsink, over all users, is within the tolerance by relative
/// L2 error; the worst is reported.
void judge_gradients(const AttentionPanel& panel, const Arrangement& arrangement,
                     const std::vector<std::vector<attention::Launch>>& launches, const PreparedGradients& prepared,
                     bool want_outputs, run::EntryOutcome& entry);

}  // namespace tilemesh::workloads
