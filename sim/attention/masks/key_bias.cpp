// SPDX-License-Identifier: Apache-2.0
// {"kind": "key_bias"}: a number per key is added to the scores; -inf hides the key. The numbers are "values", seeded
// normal ones with a standard deviation "std", or the tensor key_bias of the panel's inputs.
#include "sim/attention/head_numbers.h"
#include "sim/attention/masks/reading.h"
#include "sim/base/error.h"
#include "sim/base/random.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace tilemesh::attention {
namespace {

// Scores are f32: a bias much larger than they are leaves nothing of them, and exp(-1000) is 0 already.
constexpr NumberRange bias_range{-1000.0, 1000.0, true};
constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr std::int64_t most_generated = std::int64_t{1} << 24;
// The streams of q, k and v are numbered from 0 on.
constexpr std::uint64_t first_stream = std::uint64_t{1} << 62;

/// The biases of one user, and where they were given, for errors.
struct UserBias {
    UserBias(std::vector<float> given, std::string where) : values(std::move(given)), source(std::move(where)) {
        if (std::find(values.begin(), values.end(), -infinity) == values.end()) return;
        hidden.push_back(0);
        for (const float value : values) hidden.push_back(hidden.back() + (value == -infinity ? 1 : 0));
    }
    std::vector<float> values;
    std::string source;
    std::vector<std::int64_t> hidden;  // how many keys before this one are; empty: none is
};

class KeyBias final : public Mask {
public:
    explicit KeyBias(std::vector<UserBias> users) : users_(std::move(users)) {}

    std::string name() const override { return "key bias"; }
    bool sees(Viewer viewer, std::int64_t, std::int64_t key) const override {
        return seen(viewer, {key, key + 1}) == 1;
    }
    Visible block(Viewer viewer, Range queries, Range keys) const override {
        if (queries.empty() || keys.empty()) return Visible::none;
        const std::int64_t count = seen(viewer, keys);
        return count == 0 ? Visible::none : count == keys.size() ? Visible::all : Visible::some;
    }
    std::uint64_t visible_pairs(Viewer viewer, Range queries, Range keys) const override {
        return static_cast<std::uint64_t>(queries.size()) * static_cast<std::uint64_t>(seen(viewer, keys));
    }
    int compare_operations() const override { return 0; }  // what is hidden has a bias of -inf
    bool has_key_bias() const override { return true; }
    float key_bias(int user, std::int64_t key_position) const override {
        return users_[static_cast<std::size_t>(user)].values[static_cast<std::size_t>(key_position)];
    }

    std::optional<std::string> refuses(std::span<const User> users) const override {
        for (std::size_t i = 0; i < users.size(); ++i)
            if (const auto found = static_cast<std::int64_t>(users_.at(i).values.size()); found != users[i].keys)
                return fmt::format("{}: found {} numbers, expected {}, the keys of user {}", users_[i].source, found,
                                   users[i].keys, i);
        return {};
    }

private:
    std::int64_t seen(Viewer viewer, Range keys) const {
        if (keys.empty()) return 0;
        const auto& hidden = users_[static_cast<std::size_t>(viewer.user)].hidden;
        if (hidden.empty()) return keys.size();
        return keys.size() -
               (hidden[static_cast<std::size_t>(keys.end)] - hidden[static_cast<std::size_t>(keys.begin)]);
    }

    std::vector<UserBias> users_;
};

std::vector<UserBias> read_values(const JsonReader& values, std::size_t users) {
    std::vector<UserBias> biases;
    for (const auto& list : lists_of_users(values, users)) {
        std::vector<float> numbers;
        for (const JsonReader& element : list) numbers.push_back(read_number(element, bias_range));
        biases.emplace_back(std::move(numbers), "values");
    }
    return biases;
}

std::vector<UserBias> generate(const JsonReader& reader, double deviation, std::uint64_t seed,
                               std::span<const User> users) {
    std::int64_t keys = 0;
    for (const User& user : users) keys += user.keys;
    if (keys > most_generated)
        reader.complain(
            fmt::format("found {} keys of all users, expected at most {} with \"std\"", keys, most_generated));
    std::vector<UserBias> biases;
    for (const User& user : users) {
        std::vector<float> numbers(static_cast<std::size_t>(user.keys));
        fill_normal(seed, first_stream + biases.size(), 0, numbers);
        for (float& number : numbers) number *= static_cast<float>(deviation);
        biases.emplace_back(std::move(numbers), "std");
    }
    return biases;
}

std::vector<UserBias> read_tensors(const JsonReader& mask, const MaskReading& reading) {
    const MaskTensors tensors(mask, reading, "values or std");
    std::vector<UserBias> biases;
    for (std::size_t user = 0; user < reading.users.size(); ++user) {
        const std::string name = tensors.name(user, "key_bias");
        tensors.length(name, "[keys]");
        biases.emplace_back(tensors.floats(name, bias_range), tensors.shown(name));
    }
    return biases;
}

}  // namespace

std::shared_ptr<const Mask> read_key_bias(JsonReader& reader, const MaskReading& reading) {
    const auto values = reader.optional_member("values");
    const bool generated = reader.has("std");
    const std::uint64_t seed = reader.integer("seed", 0, (std::uint64_t{1} << 53) - 1, 1);
    if (values && generated) reader.complain("found both \"values\" and \"std\", expected one of them");
    if (generated) {
        const double deviation = reader.number("std", 0.0, largest_deviation);
        return std::make_shared<KeyBias>(generate(reader, deviation, seed, reading.users));
    }
    return std::make_shared<KeyBias>(values ? read_values(*values, reading.users.size())
                                            : read_tensors(reader, reading));
}

}  // namespace tilemesh::attention
