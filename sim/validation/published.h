// SPDX-License-Identifier: Apache-2.0
// Tables of measurements that others published about their own machines (adr/0044). What a row is follows from its
// keys; each form has a file of its own.
#pragma once

#include "sim/validation/suite.h"

namespace tilemesh::validation {

/// What one form of row can be compared with.
struct PublishedForm {
    std::vector<std::string> keys;  // that such rows have and others have not
    std::vector<Case> (*read)(JsonReader& row, const Surroundings& surroundings);
};

/// A ring of GPUs beside one of them: {gpu, algorithm, passes, one_gpu_flash_iterations_per_s, ...}
std::vector<Case> published_ring_cases(JsonReader& row, const Surroundings& surroundings);
/// One step of a ring over hosts, taken apart: {variant, send_recv_us, attention_us, ...}
std::vector<Case> published_step_cases(JsonReader& row, const Surroundings& surroundings);
/// A whole model's first token, by passing keys and values and by passing queries: {pass_kv_ttft_ms, ...}
std::vector<Case> published_prefill_cases(JsonReader& row, const Surroundings& surroundings);
/// Attention for one further token: {whole_pass_q_us, ...}
std::vector<Case> published_decode_cases(JsonReader& row, const Surroundings& surroundings);
/// A training step with striped tokens over one with contiguous ones: {striped_over_ring, ...}
std::vector<Case> published_striped_cases(JsonReader& row, const Surroundings& surroundings);

}  // namespace tilemesh::validation
