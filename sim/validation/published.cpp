// SPDX-License-Identifier: Apache-2.0
// The family of published tables: finds the tables of a file, and for each row who reads it.
#include "sim/validation/published.h"

#include "sim/validation/families.h"

#include <algorithm>

namespace tilemesh::validation {
namespace {

const std::vector<PublishedForm>& published_forms() {
    static const std::vector<PublishedForm> forms = {
        {{"algorithm", "passes", "one_gpu_flash_iterations_per_s", "iterations_per_s"}, published_ring_cases},
        {{"variant", "send_recv_us", "attention_us"}, published_step_cases},
        {{"pass_kv_ttft_ms", "pass_q_ttft_ms"}, published_prefill_cases},
        {{"one_attention_us", "whole_pass_q_us"}, published_decode_cases},
        {{"striped_over_ring", "tokens_per_ring_device"}, published_striped_cases},
    };
    return forms;
}

const PublishedForm* form_of(const Json& row) {
    const auto& forms = published_forms();
    const auto found = std::find_if(forms.begin(), forms.end(), [&](const PublishedForm& form) {
        return row.is_object() && std::all_of(form.keys.begin(), form.keys.end(),
                                              [&](const std::string& key) { return row.contains(key); });
    });
    return found == forms.end() ? nullptr : &*found;
}

std::vector<Case> cases_of_tables(JsonReader file, const Surroundings& surroundings) {
    std::vector<Case> cases;
    for (const auto& item : file.value().items()) {
        if (!item.value().is_array()) continue;
        for (JsonReader& row : file.member(item.key()).elements()) {
            if (const PublishedForm* form = form_of(row.value())) {
                for (Case& one : form->read(row, surroundings)) cases.push_back(std::move(one));
                continue;
            }
            const bool whole = row.value().is_object() && (row.has("ttft_ms") || row.has("seconds"));
            cases.push_back(
                not_compared("published_rings", whole ? "times of whole models, most of which is not attention"
                                                      : "rows of " + printable(item.key()) + " have no known form"));
        }
    }
    return cases;
}

}  // namespace

Family published_family() {
    Family family;
    family.name = "published";
    family.form = "tables of published rows: rings of GPUs, steps, prefill and decode over hosts, striped training";
    family.suites = {
        {"published_rings",
         "share of one GPU's speed that each of eight reaches, forward, and forward and backward, predicted",
         {each_within_absolute(0.06, ""), same_order_beyond_spread(0.05)}},
        {"published_rings_older",
         "the same of an older version with few heads, whose kernels are not known, predicted",
         {each_within_absolute(0.13, "")}},
        {"published_rings_older_fitted",
         "the row of it that launches beside exchanges were fitted to",
         {each_within_absolute(0.06, "")},
         true},
        {"published_steps",
         "steps of a ring over hosts of 8 H100: attention and exchanges, fitted",
         {maximum_at_most(0.15)},
         true},
        {"published_pass_q",
         "first token by passing K/V over that by passing queries: only their difference in attention is predicted",
         {same_side_of_one(0.03), median_at_most(0.06), maximum_at_most(0.15)}},
        {"published_decode",
         "attention for one further token over hosts, predicted",
         {median_at_most(0.15), maximum_at_most(0.35)}},
        {"published_decode_fitted",
         "one GPU's attention for one further token: rate of memory and start of a launch fitted",
         {maximum_at_most(0.15)},
         true},
        {"published_striped",
         "training with striped over contiguous tokens, from attention forward and the layer's other products, "
         "predicted",
         {same_side_of_one(0.03), median_at_most(0.10), maximum_at_most(0.25)}},
        {"published_striped_fitted",
         "the same of 1B on A100 and one row of TPU v4, to which what a skipped tile takes and a link's rate were "
         "fitted",
         {maximum_at_most(0.15)},
         true},
    };
    family.recognises = [](const Json& file) {
        if (!file.is_object()) return false;
        return std::any_of(file.begin(), file.end(), [](const Json& table) {
            return table.is_array() &&
                   std::any_of(table.begin(), table.end(), [](const Json& row) { return form_of(row) != nullptr; });
        });
    };
    family.read = cases_of_tables;
    return family;
}

}  // namespace tilemesh::validation
