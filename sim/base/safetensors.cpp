// SPDX-License-Identifier: Apache-2.0
// Reading and writing of safetensors files. The header is checked whole when the file is opened; values are read one
// tensor at a time, because files may be larger than memory.
#include "sim/base/safetensors.h"

#include "sim/base/dtype.h"
#include "sim/base/error.h"
#include "sim/base/json_reader.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>

static_assert(std::endian::native == std::endian::little, "the format is little-endian and values are copied as is");

namespace tilemesh {
namespace {

constexpr std::uint64_t kPrefix = 8;                   // bytes of the header's length
constexpr std::uint64_t kLongestHeader = 100'000'000;  // the limit of the format's own implementation
constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

struct StoredType {
    const char* name;
    std::uint64_t bytes;
};
constexpr std::array<StoredType, 15> kTypes = {{{"BOOL", 1},
                                                {"U8", 1},
                                                {"I8", 1},
                                                {"F8_E4M3", 1},
                                                {"F8_E5M2", 1},
                                                {"U16", 2},
                                                {"I16", 2},
                                                {"F16", 2},
                                                {"BF16", 2},
                                                {"U32", 4},
                                                {"I32", 4},
                                                {"F32", 4},
                                                {"U64", 8},
                                                {"I64", 8},
                                                {"F64", 8}}};

std::uint64_t bytes_of(const std::string& dtype) {
    for (const StoredType& type : kTypes)
        if (dtype == type.name) return type.bytes;
    fail<InternalError>("no safetensors dtype {}", dtype);
}

std::optional<std::uint64_t> product(std::uint64_t a, std::uint64_t b) {
    std::uint64_t result = 0;
    if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
    return result;
}

std::optional<std::uint64_t> elements_in(const std::vector<std::uint64_t>& shape) {
    std::optional<std::uint64_t> elements = 1;
    for (const std::uint64_t size : shape)
        if (elements) elements = product(*elements, size);
    return elements;
}

std::string shape_text(const std::vector<std::uint64_t>& shape) {
    std::string text;
    for (const std::uint64_t size : shape) text += fmt::format("{}{}", text.empty() ? "" : ", ", size);
    return "[" + text + "]";
}

/// Row-major position `flat` as "name[i, j]".
std::string element_name(const std::string& name, const std::vector<std::uint64_t>& shape, std::uint64_t flat) {
    std::vector<std::uint64_t> index(shape.size());
    for (std::size_t axis = shape.size(); axis-- > 0; flat /= shape[axis]) index[axis] = flat % shape[axis];
    return printable(name) + shape_text(index);
}

/// The format knows whole numbers in one spelling only.
std::uint64_t spelled_as_integer(const JsonReader& reader, std::uint64_t most) {
    if (reader.value().is_number_float()) reader.reject("an integer without fraction or exponent");
    return reader.as_integer(0, most);
}

/// Reads one entry of the header; `data_bytes` is the size of the data section.
StoredTensor read_entry(JsonReader entry, std::uint64_t data_bytes) {
    std::vector<std::string> known;
    for (const StoredType& type : kTypes) known.emplace_back(type.name);

    StoredTensor tensor;
    tensor.dtype = entry.word("dtype", known);
    for (const JsonReader& size : entry.member("shape").elements())
        tensor.shape.push_back(spelled_as_integer(size, kMost));
    const JsonReader offsets = entry.member("data_offsets");
    const std::vector<JsonReader> pair = offsets.elements();
    if (pair.size() != 2) offsets.complain(fmt::format("found {} offsets, expected begin and end", pair.size()));
    tensor.end = spelled_as_integer(pair[1], data_bytes);
    tensor.begin = spelled_as_integer(pair[0], tensor.end);
    entry.finish();

    const std::optional<std::uint64_t> elements = elements_in(tensor.shape);
    const std::optional<std::uint64_t> bytes = elements ? product(*elements, bytes_of(tensor.dtype)) : std::nullopt;
    if (!bytes) entry.complain(fmt::format("shape {} is larger than any file", shape_text(tensor.shape)));
    if (*bytes != tensor.end - tensor.begin)
        entry.complain(fmt::format("found {} bytes of data, expected {} for {} {}", tensor.end - tensor.begin, *bytes,
                                   tensor.dtype, shape_text(tensor.shape)));
    return tensor;
}

/// The format wants the tensors to fill the data section, one after the other.
void check_coverage(const std::map<std::string, StoredTensor>& tensors, std::uint64_t data_bytes,
                    const std::string& file) {
    std::vector<std::pair<const std::string*, const StoredTensor*>> order;
    for (const auto& [name, tensor] : tensors) order.emplace_back(&name, &tensor);
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
        return std::pair(a.second->begin, a.second->end) < std::pair(b.second->begin, b.second->end);
    });
    std::uint64_t covered = 0;
    for (const auto& [name, tensor] : order) {
        if (tensor->begin != covered)
            fail<InputError>("{}: /{}: data begins at byte {}, expected {}, where the tensor before it ends", file,
                             printable(*name), tensor->begin, covered);
        covered = tensor->end;
    }
    if (covered != data_bytes)
        fail<InputError>("{}: found {} bytes of data, expected {}, where the last tensor ends", file, data_bytes,
                         covered);
}

/// Reads `count` values of type T in portions and hands each to `use(value, index)`.
template <class T, class Use>
void read_values(const NamedFile& file, std::uint64_t begin, std::uint64_t count, Use use) {
    constexpr std::uint64_t portion = 1 << 16;
    std::ifstream stream(file.path, std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(begin));
    std::vector<T> values(std::min(portion, count));
    for (std::uint64_t done = 0; done < count; done += values.size()) {
        values.resize(std::min(portion, count - done));
        stream.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(T)));
        if (!stream) fail<InputError>("{}: can no longer be read", printable(file.shown, longest_place));
        use(std::span<const T>(values), done);
    }
}

}  // namespace

SafetensorsFile::SafetensorsFile(const NamedFile& file) : file_(file) {
    const std::string name = shown();
    std::error_code error;
    if (std::filesystem::exists(file.path, error) && !std::filesystem::is_regular_file(file.path, error))
        fail<InputError>("{}: is a directory or a device, expected a safetensors file", name);
    errno = 0;
    std::ifstream stream(file.path, std::ios::binary);
    if (!stream) fail<InputError>("{}: cannot be read: {}", name, std::strerror(errno));
    const std::uint64_t file_bytes = std::filesystem::file_size(file.path, error);
    if (error) fail<InputError>("{}: cannot be read: {}", name, error.message());
    if (file_bytes < kPrefix)
        fail<InputError>("{}: found a file of {} bytes, expected at least {}", name, file_bytes, kPrefix);

    std::uint64_t header_bytes = 0;
    stream.read(reinterpret_cast<char*>(&header_bytes), kPrefix);
    const std::uint64_t most = std::min(file_bytes - kPrefix, kLongestHeader);
    if (!stream || header_bytes > most)
        fail<InputError>("{}: found a header of {} bytes, expected at most {}", name, header_bytes, most);
    std::string header(header_bytes, '\0');
    stream.read(header.data(), static_cast<std::streamsize>(header_bytes));
    if (!stream) fail<InputError>("{}: can no longer be read", name);
    data_begin_ = kPrefix + header_bytes;

    if (!header.starts_with('{')) fail<InputError>("{}: header: expected a JSON object", name);
    const Json json = parse_json_text(header, name + ": header");
    const std::uint64_t data_bytes = file_bytes - data_begin_;
    for (const auto& [key, value] : json.items()) {
        std::string path = "/" + key;
        if (key == "__metadata__") {
            if (!value.is_object()) JsonReader(value, name, path).reject("an object");
            for (const auto& [word, text] : value.items())
                metadata_[word] = JsonReader(text, name, path + "/" + word).as_string();
        } else {
            tensors_[key] = read_entry(JsonReader(value, name, path), data_bytes);
        }
    }
    check_coverage(tensors_, data_bytes, name);
}

const StoredTensor& SafetensorsFile::find(const std::string& name) const {
    const auto found = tensors_.find(name);
    if (found != tensors_.end()) return found->second;
    std::vector<std::string> names;
    for (const auto& [known, tensor] : tensors_) names.push_back(known);
    const std::string where = fmt::format("{}: no tensor {}", shown(), printable(name));
    if (names.empty()) fail<InputError>("{}, the file has none", where);
    if (const auto meant = nearest_name(name, names))
        fail<InputError>("{}, did you mean {}?", where, printable(*meant));
    fail<InputError>("{}, expected one of {}", where, list_of_names(names));
}

std::vector<float> SafetensorsFile::read_floats(const std::string& name, Infinity infinity) const {
    const StoredTensor& tensor = find(name);
    const std::uint64_t count = (tensor.end - tensor.begin) / bytes_of(tensor.dtype);
    const std::uint64_t begin = data_begin_ + tensor.begin;
    const std::array<const char*, 6> known = {"F16", "BF16", "F8_E4M3", "F8_E5M2", "F32", "F64"};
    if (std::find(known.begin(), known.end(), tensor.dtype) == known.end())
        fail<InputError>("{}: {}: found dtype {}, expected F16, BF16, F8_E4M3, F8_E5M2, F32 or F64", shown(),
                         printable(name), tensor.dtype);

    const auto reject = [&](std::uint64_t at, double value) {
        fail<InputError>("{}: {}: found {}, expected a finite f32 value", shown(),
                         element_name(name, tensor.shape, at), value);
    };
    std::vector<float> floats(count);
    const auto widen = [&](Dtype dtype) {
        return [&floats, dtype](std::span<const std::uint16_t> bits, std::uint64_t at) {
            unpack_16bit(dtype, bits, std::span(floats).subspan(at, bits.size()));
        };
    };
    const auto widen_8bit = [&](Dtype dtype) {
        return [&floats, dtype](std::span<const std::uint8_t> bits, std::uint64_t at) {
            unpack_8bit(dtype, bits, std::span(floats).subspan(at, bits.size()));
        };
    };
    const auto copy = [&](auto values, std::uint64_t at) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            floats[at + i] = static_cast<float>(values[i]);
            // Checked here because the f32 no longer tells a large value from infinity.
            if (std::isinf(floats[at + i]) && !std::isinf(values[i])) reject(at + i, values[i]);
        }
    };
    if (tensor.dtype == "F16") read_values<std::uint16_t>(file_, begin, count, widen(Dtype::f16));
    if (tensor.dtype == "BF16") read_values<std::uint16_t>(file_, begin, count, widen(Dtype::bf16));
    if (tensor.dtype == "F8_E4M3") read_values<std::uint8_t>(file_, begin, count, widen_8bit(Dtype::f8e4m3));
    if (tensor.dtype == "F8_E5M2") read_values<std::uint8_t>(file_, begin, count, widen_8bit(Dtype::f8e5m2));
    if (tensor.dtype == "F32") read_values<float>(file_, begin, count, copy);
    if (tensor.dtype == "F64") read_values<double>(file_, begin, count, copy);

    const auto is_bad = [&](float value) {
        return !std::isfinite(value) &&
               (infinity == Infinity::rejected || (infinity == Infinity::allowed && std::isnan(value)));
    };
    const auto bad = std::find_if(floats.begin(), floats.end(), is_bad);
    if (bad != floats.end()) reject(static_cast<std::uint64_t>(bad - floats.begin()), *bad);
    return floats;
}

std::vector<std::int64_t> SafetensorsFile::read_integers(const std::string& name) const {
    const StoredTensor& tensor = find(name);
    const std::uint64_t begin = data_begin_ + tensor.begin;
    std::vector<std::int64_t> integers((tensor.end - tensor.begin) / bytes_of(tensor.dtype));
    const auto copy = [&](auto values, std::uint64_t at) {
        std::copy(values.begin(), values.end(), integers.begin() + static_cast<std::ptrdiff_t>(at));
    };
    if (tensor.dtype == "I8")
        read_values<std::int8_t>(file_, begin, integers.size(), copy);
    else if (tensor.dtype == "I16")
        read_values<std::int16_t>(file_, begin, integers.size(), copy);
    else if (tensor.dtype == "I32")
        read_values<std::int32_t>(file_, begin, integers.size(), copy);
    else if (tensor.dtype == "U16")
        read_values<std::uint16_t>(file_, begin, integers.size(), copy);
    else if (tensor.dtype == "U32")
        read_values<std::uint32_t>(file_, begin, integers.size(), copy);
    else if (tensor.dtype == "I64" || tensor.dtype == "U64")
        read_values<std::int64_t>(file_, begin, integers.size(), copy);
    else
        fail<InputError>("{}: {}: found dtype {}, expected I8, I16, I32, I64, U16, U32 or U64", shown(),
                         printable(name), tensor.dtype);
    return integers;
}

std::vector<std::uint8_t> SafetensorsFile::read_bytes(const std::string& name) const {
    const StoredTensor& tensor = find(name);
    if (tensor.dtype != "U8" && tensor.dtype != "BOOL")
        fail<InputError>("{}: {}: found dtype {}, expected U8 or BOOL", shown(), printable(name), tensor.dtype);
    std::vector<std::uint8_t> bytes(tensor.end - tensor.begin);
    read_values<std::uint8_t>(file_, data_begin_ + tensor.begin, bytes.size(), [&](auto values, std::uint64_t at) {
        std::copy(values.begin(), values.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
    });
    return bytes;
}

void write_safetensors(const std::filesystem::path& file, std::span<const OutputTensor> tensors,
                       const std::map<std::string, std::string>& metadata) {
    std::map<std::string, const OutputTensor*> sorted;
    for (const OutputTensor& tensor : tensors) {
        if (tensor.name == "__metadata__" || !sorted.emplace(tensor.name, &tensor).second)
            fail<InternalError>("two tensors named {} in one file", tensor.name);
        if (elements_in(tensor.shape) != tensor.values.size() + tensor.integers.size())
            fail<InternalError>("tensor {}: found {} values, expected {}", tensor.name,
                                tensor.values.size() + tensor.integers.size(), shape_text(tensor.shape));
    }
    Json header = Json::object();
    if (!metadata.empty()) header["__metadata__"] = metadata;
    std::uint64_t end = 0;
    for (const auto& [name, tensor] : sorted) {
        const std::uint64_t begin = end;
        end += tensor->values.size_bytes() + tensor->integers.size_bytes();
        header[name] = {{"dtype", tensor->integers.empty() ? "F32" : "I64"},
                        {"shape", tensor->shape},
                        {"data_offsets", {begin, end}}};
    }
    std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
    text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the data is aligned

    errno = 0;
    std::ofstream stream(file, std::ios::binary | std::ios::trunc);
    const std::uint64_t header_bytes = text.size();
    stream.write(reinterpret_cast<const char*>(&header_bytes), kPrefix);
    stream.write(text.data(), static_cast<std::streamsize>(text.size()));
    for (const auto& [name, tensor] : sorted) {
        stream.write(reinterpret_cast<const char*>(tensor->values.data()),
                     static_cast<std::streamsize>(tensor->values.size_bytes()));
        stream.write(reinterpret_cast<const char*>(tensor->integers.data()),
                     static_cast<std::streamsize>(tensor->integers.size_bytes()));
    }
    stream.close();
    if (!stream) fail<InputError>("{}: cannot be written: {}", printable(file.string()), std::strerror(errno));
}

}  // namespace tilemesh
