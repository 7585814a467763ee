// SPDX-License-Identifier: Apache-2.0
// Lists and tensors of masks. See reading.h.
#include "sim/attention/masks/reading.h"

#include "sim/base/error.h"

namespace tilemesh::attention {
namespace {

const NamedFile& inputs_of(const JsonReader& mask, const MaskReading& reading, std::string_view otherwise) {
    if (reading.sources.inputs.path.empty())
        mask.complain(
            fmt::format("the panel names no inputs to read it from; give {}, or inputs/tensors", otherwise));
    return reading.sources.inputs;
}

}  // namespace

std::vector<std::vector<JsonReader>> lists_of_users(const JsonReader& list, std::size_t users) {
    if (!list.is_array()) list.reject("a list, or a list for every user");
    std::vector<JsonReader> elements = list.elements();
    if (elements.empty() || !elements.front().is_array()) {
        if (users != 1) list.complain(fmt::format("found one list, expected {}, one for each user", users));
        return {std::move(elements)};
    }
    if (elements.size() != users)
        list.complain(fmt::format("found {} lists, expected {}, one for each user", elements.size(), users));
    std::vector<std::vector<JsonReader>> lists;
    for (const JsonReader& element : elements) lists.push_back(element.elements());
    return lists;
}

MaskTensors::MaskTensors(const JsonReader& mask, const MaskReading& reading, std::string_view otherwise)
    : prefix_(reading.sources.prefix),
      several_(reading.users.size() > 1),
      file_(inputs_of(mask, reading, otherwise)) {}

MaskTensors::MaskTensors(const NamedFile& file, const MaskReading& reading)
    : several_(reading.users.size() > 1), file_(file) {}

std::string MaskTensors::name(std::size_t user, const std::string& tensor) const {
    return several_ ? fmt::format("{}{}.{}", prefix_, user, tensor) : prefix_ + tensor;
}

std::string MaskTensors::own_or_shared_name(std::size_t user, const std::string& tensor) const {
    const std::string own = name(user, tensor), shared = shared_name(tensor);
    return !file_.has(own) && file_.has(shared) ? shared : own;
}

std::vector<float> MaskTensors::floats(const std::string& name, const NumberRange& range) const {
    const std::string& dtype = file_.find(name).dtype;
    if (dtype != "F16" && dtype != "BF16" && dtype != "F32")
        fail<InputError>("{}: found dtype {}, expected F16, BF16 or F32", shown(name), dtype);
    std::vector<float> values =
        file_.read_floats(name, range.minus_infinity ? Infinity::allowed : Infinity::rejected);
    for (std::size_t i = 0; i < values.size(); ++i)
        if (!range.holds(values[i]))
            fail<InputError>("{}: found {} at element {}, expected {}", shown(name), values[i], i, range.text());
    return values;
}

std::string MaskTensors::shown(const std::string& name) const {
    return fmt::format("{}: tensor {}", file_.shown(), printable(name));
}

std::uint64_t MaskTensors::length(const std::string& name, std::string_view layout) const {
    const StoredTensor& stored = file_.find(name);
    if (stored.shape.size() != 1)
        fail<InputError>("{}: found shape {}, expected {}", shown(name), text_of_shape(stored.shape), layout);
    return stored.shape.front();
}

void check_head_numbers(const JsonReader& of, const MaskReading& reading) {
    constexpr std::int64_t most = std::int64_t{1} << 24;
    const auto numbers = reading.heads_q * static_cast<std::int64_t>(reading.users.size());
    if (numbers > most)
        of.complain(fmt::format("found {} query heads of {} users, expected at most {} numbers", reading.heads_q,
                                reading.users.size(), most));
}

std::string text_of_shape(const std::vector<std::uint64_t>& shape) {
    std::string text;
    for (const std::uint64_t extent : shape) text += fmt::format("{}{}", text.empty() ? "" : ", ", extent);
    return "[" + text + "]";
}

}  // namespace tilemesh::attention
