// SPDX-License-Identifier: Apache-2.0
// Any bytes as a safetensors file: its header is refused, or every tensor can be read or refused.
#include "sim/base/safetensors.h"

#include "sim/base/error.h"
#include "tests/fuzz/memory_file.h"

#include <functional>

using namespace tilemesh;

namespace {

void refused_or(const std::function<void()>& read) {
    try {
        read();
    } catch (const InputError&) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const fuzz::MemoryFile file(data, size);
    refused_or([&] {
        const SafetensorsFile tensors(file.path());
        for (const auto& entry : tensors.tensors()) {
            const std::string& name = entry.first;
            refused_or([&] { tensors.read_floats(name); });
            refused_or([&] { tensors.read_floats(name, Infinity::allowed); });
            refused_or([&] { tensors.read_integers(name); });
            refused_or([&] { tensors.read_bytes(name); });
        }
        refused_or([&] { tensors.find("q"); });
    });
    return 0;
}
