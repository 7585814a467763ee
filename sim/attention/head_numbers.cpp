// SPDX-License-Identifier: Apache-2.0
#include "sim/attention/head_numbers.h"

#include "sim/attention/masks/kinds.h"
#include "sim/attention/masks/reading.h"
#include "sim/base/error.h"
#include "sim/base/random.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <optional>

namespace tilemesh::attention {
namespace {

constexpr std::uint64_t largest_seed = (std::uint64_t{1} << 53) - 1;
// Streams that no other generated number uses: tensors are numbered from 0 on, biases from 2^59 and 2^62 on.
constexpr std::uint64_t first_sink_stream = std::uint64_t{1} << 61;
constexpr std::uint64_t first_lse_stream = std::uint64_t{1} << 60;
// Far above any score, and small enough for its exponent in base 2 to be an f32 with digits to spare.
constexpr NumberRange sink_range{-1e6, 1e6, true};

struct Generated {
    double deviation;
    std::uint64_t seed;
};
/// "std" and "seed", when they are there.
std::optional<Generated> read_generated(JsonReader& reader) {
    const bool given = reader.has("std");
    const std::uint64_t seed = reader.integer("seed", 0, largest_seed, 1);
    if (!given) return {};
    return Generated{reader.number("std", 0.0, largest_deviation), seed};
}

std::vector<float> floats_of(const MaskTensors& tensors, const std::string& name,
                             const std::vector<std::uint64_t>& shape, std::string_view layout,
                             const NumberRange& range) {
    const StoredTensor& stored = tensors.file().find(name);
    if (stored.shape != shape)
        fail<InputError>("{}: found shape {}, expected {} = {} of the problem", tensors.shown(name),
                         text_of_shape(stored.shape), text_of_shape(shape), layout);
    return tensors.floats(name, range);
}

}  // namespace

std::string NumberRange::text() const {
    return fmt::format("numbers from {} to {}{}", least, most, minus_infinity ? ", or -inf" : "");
}

bool NumberRange::holds(float value) const {
    if (value == -std::numeric_limits<float>::infinity()) return minus_infinity;
    return static_cast<double>(value) >= least && static_cast<double>(value) <= most;
}

float read_number(const JsonReader& element, const NumberRange& range) {
    if (range.minus_infinity && element.is_string()) {
        element.as_word({"-inf"});
        return -std::numeric_limits<float>::infinity();
    }
    return static_cast<float>(element.as_number(range.least, range.most));
}

HeadNumbers listed_head_numbers(const JsonReader& list, const MaskReading& reading, const NumberRange& range) {
    if (!list.is_array()) list.reject("a list of a number for every query head");
    std::vector<float> numbers;
    for (const JsonReader& element : list.elements()) numbers.push_back(read_number(element, range));
    if (static_cast<std::int64_t>(numbers.size()) != reading.heads_q)
        list.complain(
            fmt::format("found {} numbers, expected {}, one for every query head", numbers.size(), reading.heads_q));
    return HeadNumbers(reading.users.size(), numbers);
}

HeadNumbers stored_head_numbers(const MaskTensors& tensors, const std::string& tensor, const MaskReading& reading,
                                const NumberRange& range) {
    HeadNumbers users;
    for (std::size_t user = 0; user < reading.users.size(); ++user)
        users.push_back(floats_of(tensors, tensors.own_or_shared_name(user, tensor),
                                  {static_cast<std::uint64_t>(reading.heads_q)}, "[heads_q]", range));
    return users;
}

HeadNumbers read_sinks(JsonReader reader, const MaskReading& reading) {
    check_head_numbers(reader, reading);
    const auto values = reader.optional_member("values");
    const auto generated = read_generated(reader);
    reader.finish();
    if (values && generated) reader.complain("found both \"values\" and \"std\", expected one of them");
    if (values) return listed_head_numbers(*values, reading, sink_range);
    if (!generated)
        return stored_head_numbers(MaskTensors(reader, reading, "values or std"), "sink", reading, sink_range);
    HeadNumbers users;
    for (std::size_t user = 0; user < reading.users.size(); ++user) {
        std::vector<float>& numbers = users.emplace_back(static_cast<std::size_t>(reading.heads_q));
        fill_normal(generated->seed, first_sink_stream, 0, numbers);  // one sink for all users, as weights are
        for (float& number : numbers) number *= static_cast<float>(generated->deviation);
    }
    return users;
}

float LseGradient::at(int user, std::uint64_t row) const {
    if (!users_.empty()) return users_[static_cast<std::size_t>(user)][row];
    float number = 0.0F;
    fill_normal(seed_, first_lse_stream + static_cast<std::uint64_t>(user), row, std::span(&number, 1));
    return number * static_cast<float>(deviation_);
}

LseGradient read_lse_gradient(JsonReader reader, const MaskReading& reading) {
    const auto generated = read_generated(reader);
    reader.finish();
    if (generated) return {generated->deviation, generated->seed};
    const MaskTensors tensors(reader, reading, "std");
    constexpr double greatest = std::numeric_limits<float>::max();
    std::vector<std::vector<float>> users;
    for (std::size_t user = 0; user < reading.users.size(); ++user)
        users.push_back(floats_of(
            tensors, tensors.name(user, "dlse"),
            {static_cast<std::uint64_t>(reading.heads_q), static_cast<std::uint64_t>(reading.users[user].queries)},
            "[heads_q, queries]", {-greatest, greatest}));
    return LseGradient(std::move(users));
}

}  // namespace tilemesh::attention
