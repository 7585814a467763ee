// SPDX-License-Identifier: Apache-2.0
// Safetensors files made by hand, so that tests of reading do not depend on the writer and can be wrong on purpose.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace tilemesh {

template <class T>
std::string bytes_of(const std::vector<T>& values) {
    std::string bytes(values.size() * sizeof(T), '\0');
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
}

/// Length, header and data, one after the other, whatever they are.
inline std::string file_of(const std::string& header, const std::string& data) {
    return bytes_of<std::uint64_t>({header.size()}) + header + data;
}

struct HandMadeTensor {
    std::string name, dtype, shape, data;  // shape as JSON text
};

/// A correct file when shapes and data agree.
inline std::string tensor_file(const std::vector<HandMadeTensor>& tensors) {
    std::string header, data;
    for (const HandMadeTensor& tensor : tensors) {
        const std::size_t begin = data.size();
        data += tensor.data;
        header += fmt::format(R"({}"{}":{{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})",
                              header.empty() ? "" : ",", tensor.name, tensor.dtype, tensor.shape, begin, data.size());
    }
    return file_of("{" + header + "}", data);
}

}  // namespace tilemesh
