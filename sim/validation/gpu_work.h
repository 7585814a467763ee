// SPDX-License-Identifier: Apache-2.0
// Attention of one sequence over GPUs as public implementations run it, and what it takes here: a panel that runs the
// schedule launch by launch on a machine of configs/machines.
#pragma once

#include "sim/base/json_reader.h"
#include "sim/validation/suite.h"

#include <string>
#include <vector>

namespace tilemesh::validation {

constexpr std::uint64_t most_tokens = std::uint64_t{1} << 20;
/// The name, as an algorithm and as a kind, of the open-line wave whose exchanges are waited for.
constexpr const char* open_line = "mesh_line_no_overlap";

struct Work {
    std::uint64_t heads_q = 1, heads_kv = 1, head_dim = 128;
    std::uint64_t queries = 1, keys = 1;  // of all GPUs
    bool causal = false;
    bool backward = false;  // the gradients instead of the result
    std::uint64_t gpus = 1;
    std::string algorithm = "ring";
    /// Lengths of the sequences that every GPU has an equal part of, of one GPU's part; none: one sequence.
    std::vector<std::uint64_t> sequences = {};
};

/// `hq`, `hkv` and `d` of a row.
Work read_heads(JsonReader& row);
bool is_known_algorithm(const std::string& name);
std::vector<std::string> names_of_algorithms();

/// "h200_x4" or another machine file, with as many GPUs as the row has.
Json machine_of(const Surroundings& surroundings, const std::string& name, std::uint64_t gpus);
/// Two GPUs exchange at another rate than more of them.
std::string h200_of(std::uint64_t gpus);

/// A panel's mask: which keys a query may see, of its own sequence, in the order in which the algorithm divides
/// tokens.
Json mask_of(const Work& work);
double time_us(const Surroundings& surroundings, const Json& machine, const Work& work);
/// Of one GPU's speed, over passes one after the other: the time of as many local block products as there are GPUs,
/// over that of the ring.
double share_of_one_gpu(const Surroundings& surroundings, const std::string& machine,
                        const std::vector<Work>& passes);

}  // namespace tilemesh::validation
