// SPDX-License-Identifier: Apache-2.0
// The part of a panel that runs programs: tensors and where they live, programs and where their instances run, and
// what the answer should be. configs/README.md documents every key.
#pragma once

#include "sim/program/box.h"
#include "sim/program/program.h"
#include "sim/run/workload.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tilemesh::workloads {

/// Where a tensor lives.
struct PlaceChoice {
    enum class How { shard, replicate, owner } how = How::shard;
    enum class Over { pe, cube } over = Over::pe;
    std::optional<int> axis;  // shard; absent: placement.cpp chooses
    std::vector<int> list;    // of PEs: for shard and replicate; absent: all
    int owner = 0;
};

/// What a tensor holds before the program runs.
struct ContentChoice {
    enum class What { nothing, normal, uniform, integers, constant, list, file } what = What::nothing;
    double low = 0, high = 0;  // uniform, integers
    // List: of each element; constant: one for all. Of float types, and of the others.
    std::vector<double> numbers;
    std::vector<std::int64_t> integers;
    NamedFile file;
    std::string tensor;  // of the file
};

struct TensorChoice {
    std::string name, where;
    program::Type type = program::Type::f16;
    std::vector<std::int64_t> shape;
    ContentChoice content;
    PlaceChoice place;
    std::int64_t elements() const;
};

/// One argument or constant of a kernel.
struct ArgumentChoice {
    enum class What {
        none,
        number,
        integer,
        truth,
        text,
        dtype,
        list,
        tensor,
        descriptor,
        local,
        stride,
        dimension
    } what = What::none;
    std::string where;
    double number = 0;
    std::int64_t integer = 0;           // or the tensor's element that is pointed to
    std::string text;                   // the text, or a tensor's name
    int axis = 0;                       // stride, dimension
    program::Box box;                   // descriptor
    std::optional<program::Type> type;  // of a tensor: as what its bytes are taken
    std::vector<ArgumentChoice> items;
    bool constant = false;  // from "constants"
};

struct DispatchChoice {
    enum class How { round_robin, blocked, axis, list } how = How::round_robin;
    int axis = 0;
    std::vector<int> list;  // PE of each instance
};

/// A kernel over a grid of instances.
struct LaunchChoice {
    std::string file, kernel, where;
    std::vector<std::int64_t> grid{1};
    std::map<std::string, ArgumentChoice> arguments;
    std::shared_ptr<const program::Program> program;
    std::int64_t instances() const;
};

struct ProgramChoice {
    std::string label, where;
    std::vector<LaunchChoice> launches;  // one after the other
    DispatchChoice dispatch;
    enum class Directions { pe, cube } directions = Directions::pe;  // how far a message to the east goes
    int programs_per_pe = 1;
    std::uint64_t max_instructions = 1'000'000'000;
};

/// What a tensor should hold afterwards.
struct CheckChoice {
    std::string tensor, where;
    NamedFile file;         // of tensors or, with a function, in Python; empty: a reference
    std::string stored;     // tensor of the file
    std::string function;   // of the file
    std::string arguments;  // of the function, JSON: {"tensors": names, "numbers": ...} by parameter
    std::string reference;  // one of references.h
    std::map<std::string, std::string> inputs;  // of the reference: tensors by role
    std::map<std::string, double> options;
    std::optional<double> tolerance;
};

struct ProgramPanel : run::Setup {
    std::vector<TensorChoice> tensors;
    std::vector<ProgramChoice> programs;
    std::vector<CheckChoice> checks;

    /// Null when there is none of that name.
    const TensorChoice* find(const std::string& name) const;
};

ProgramPanel read_program_panel(JsonReader& panel, const run::Setup& setup, std::vector<JsonReader>& kernels);

}  // namespace tilemesh::workloads
