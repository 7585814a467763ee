// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/program/tensors.h"

#include "sim/base/error.h"
#include "sim/base/random.h"
#include "sim/base/safetensors.h"

namespace tilemesh::workloads {
namespace {

using program::ArrayValues;
using What = ContentChoice::What;

constexpr std::uint64_t first_stream = 0x7072'6f67'0000;  // apart from those of attention problems

void check_shape(const TensorChoice& tensor, const StoredTensor& stored) {
    std::uint64_t elements = 1;
    for (const std::uint64_t dim : stored.shape) elements *= dim;
    if (elements != static_cast<std::uint64_t>(tensor.elements()))
        fail<InputError>("{}: {} of {} has {} elements, expected {}", tensor.where, tensor.content.tensor,
                         tensor.content.file.path.string(), elements, tensor.elements());
}

/// `given`: what a constant or a list has of the tensor's kind.
template <class Number>
Number made_up(const ContentChoice& content, const std::vector<Number>& given, std::uint64_t seed,
               std::uint64_t stream, std::int64_t i) {
    switch (content.what) {
        case What::constant:
            return given.front();
        case What::list:
            return given[static_cast<std::size_t>(i)];
        case What::uniform: {
            const double unit =
                static_cast<double>(random_bits(seed, stream, static_cast<std::uint64_t>(i)) >> 11) * 0x1p-53;
            return static_cast<Number>(content.low + unit * (content.high - content.low));
        }
        default: {
            const auto range = static_cast<std::uint64_t>(content.high - content.low) + 1;
            return static_cast<Number>(content.low) +
                   static_cast<Number>(random_below(seed, stream, static_cast<std::uint64_t>(i), range));
        }
    }
}

/// Each must be a number of the tensor's type. `from_u64`: they are kept as two's complement.
void check_range(const TensorChoice& tensor, std::span<const std::int64_t> values, bool from_u64) {
    const program::Type type = tensor.type;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::int64_t value = values[i];
        const bool in_range = value >= 0 || from_u64 == (type == program::Type::u64);
        if (in_range && program::holds(type, value, value)) continue;
        const std::string found =
            from_u64 ? fmt::format("{}", static_cast<std::uint64_t>(value)) : fmt::format("{}", value);
        fail<InputError>("{}: {} of {} has {} as its element {}, expected {}", tensor.where, tensor.content.tensor,
                         tensor.content.file.path.string(), found, i, program::range_of(type));
    }
}

}  // namespace

std::shared_ptr<const ArrayValues> values_of(const TensorChoice& tensor, std::size_t number, std::uint64_t seed,
                                             bool floats) {
    const ContentChoice& content = tensor.content;
    const bool is_float = program::is_float(tensor.type);
    if (content.what == What::nothing || (is_float && !floats)) return nullptr;
    auto values = std::make_shared<ArrayValues>();
    const std::uint64_t stream = first_stream + number;
    const std::int64_t elements = tensor.elements();
    if (content.what == What::file) {
        const SafetensorsFile file(content.file);
        const StoredTensor& stored = file.find(content.tensor);
        check_shape(tensor, stored);
        const bool bytes = stored.dtype == "U8" || stored.dtype == "BOOL";
        const bool integers = !bytes && (stored.dtype.starts_with("I") || stored.dtype.starts_with("U"));
        if (integers || bytes) {
            if (integers) {
                values->integers = file.read_integers(content.tensor);
            } else {
                for (const std::uint8_t byte : file.read_bytes(content.tensor)) values->integers.push_back(byte);
            }
            const bool from_u64 = stored.dtype == "U64";
            if (is_float) {
                for (const std::int64_t value : values->integers)
                    values->floats.push_back(from_u64 ? static_cast<float>(static_cast<std::uint64_t>(value))
                                                      : static_cast<float>(value));
            } else {
                check_range(tensor, values->integers, from_u64);
            }
        } else {
            values->floats = file.read_floats(content.tensor, Infinity::allowed_as_nan_is);
            if (!is_float)
                fail<InputError>("{}: {} of {} is {}, expected integers", tensor.where, content.tensor,
                                 content.file.path.string(), stored.dtype);
        }
    } else if (is_float) {
        values->floats.resize(static_cast<std::size_t>(elements));
        if (content.what == What::normal) {
            fill_normal(seed, stream, 0, values->floats);
        } else {
            for (std::int64_t i = 0; i < elements; ++i)
                values->floats[static_cast<std::size_t>(i)] =
                    static_cast<float>(made_up(content, content.numbers, seed, stream, i));
        }
    } else {
        values->integers.resize(static_cast<std::size_t>(elements));
        for (std::int64_t i = 0; i < elements; ++i)
            values->integers[static_cast<std::size_t>(i)] = made_up(content, content.integers, seed, stream, i);
    }
    if (is_float) {
        round_to(program::dtype_of(tensor.type), values->floats);
        values->integers.clear();
    }
    return values;
}

HostTensor to_host(const TensorChoice& tensor, const ArrayValues& values) {
    HostTensor out;
    out.shape = tensor.shape;
    if (values.integers.empty()) {
        out.values.assign(values.floats.begin(), values.floats.end());
    } else {
        for (const std::int64_t value : values.integers) out.values.push_back(program::number_of(tensor.type, value));
        out.integers = values.integers;
    }
    return out;
}

HostTensor from_file(const CheckChoice& check, const TensorChoice& tensor) {
    TensorChoice like = tensor;
    like.where = check.where;
    like.content.what = ContentChoice::What::file;
    like.content.file = check.file;
    like.content.tensor = check.stored;
    if (program::is_float(tensor.type)) like.type = program::Type::f32;  // as exact as the file has it
    return to_host(tensor, *values_of(like, 0, 0, true));
}

}  // namespace tilemesh::workloads
