// SPDX-License-Identifier: Apache-2.0
// {"kind": "key_bias"}: everything is visible, and a number per key is added to the scores. The numbers are "values",
// seeded normal ones with a standard deviation "std", or the tensor key_bias of the panel's inputs.
#include "sim/attention/masks/reading.h"
#include "sim/base/error.h"
#include "sim/base/random.h"

#include <fmt/format.h>

#include <cmath>

namespace tilemesh::attention {
namespace {

// Scores are f32: a bias much larger than they are leaves nothing of them, exp(-1000) is 0 already, and infinity
// would make NaN.
constexpr float largest_bias = 1000.0F;
// Seeded normal numbers stay within 9 standard deviations, and so within the largest bias.
constexpr double largest_deviation = 100.0;
// The streams of q, k and v are numbered from 0 on.
constexpr std::uint64_t first_stream = std::uint64_t{1} << 62;

/// The biases of one user, and where they were given, for errors.
struct UserBias {
    std::vector<float> values;
    std::string source;
};

class KeyBias final : public Mask {
public:
    explicit KeyBias(std::vector<UserBias> users) : users_(std::move(users)) {}

    std::string name() const override { return "key bias"; }
    bool sees(Viewer, std::int64_t, std::int64_t) const override { return true; }
    Visible block(Viewer, Range queries, Range keys) const override {
        return queries.empty() || keys.empty() ? Visible::none : Visible::all;
    }
    int compare_operations() const override { return 0; }  // nothing is hidden
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
    std::vector<UserBias> users_;
};

std::vector<UserBias> read_values(const JsonReader& values, std::size_t users) {
    std::vector<UserBias> biases;
    for (const auto& list : lists_of_users(values, users)) {
        biases.push_back({{}, "values"});
        for (const JsonReader& element : list)
            biases.back().values.push_back(static_cast<float>(element.as_number(-largest_bias, largest_bias)));
    }
    return biases;
}

std::vector<UserBias> generate(double deviation, std::uint64_t seed, std::span<const User> users) {
    std::vector<UserBias> biases;
    for (const User& user : users) {
        biases.push_back({std::vector<float>(static_cast<std::size_t>(user.keys)), "std"});
        fill_normal(seed, first_stream + biases.size() - 1, 0, biases.back().values);
        for (float& value : biases.back().values) value *= static_cast<float>(deviation);
    }
    return biases;
}

std::vector<UserBias> read_tensors(const JsonReader& mask, const MaskReading& reading) {
    const MaskTensors tensors(mask, reading, "values or std");
    std::vector<UserBias> biases;
    for (std::size_t user = 0; user < reading.users.size(); ++user) {
        const std::string name = tensors.name(user, "key_bias");
        tensors.length(name, "[keys]");
        const std::string& dtype = tensors.file().find(name).dtype;
        if (dtype != "F16" && dtype != "BF16" && dtype != "F32")
            fail<InputError>("{}: found dtype {}, expected F16, BF16 or F32", tensors.shown(name), dtype);
        biases.push_back({tensors.file().read_floats(name), tensors.shown(name)});
        for (const float value : biases.back().values)
            if (std::abs(value) > largest_bias)
                fail<InputError>("{}: found {}, expected numbers from -{} to {}", tensors.shown(name), value,
                                 largest_bias, largest_bias);
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
        return std::make_shared<KeyBias>(generate(deviation, seed, reading.users));
    }
    return std::make_shared<KeyBias>(values ? read_values(*values, reading.users.size())
                                            : read_tensors(reader, reading));
}

}  // namespace tilemesh::attention
