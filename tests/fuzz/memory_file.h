// SPDX-License-Identifier: Apache-2.0
// A file that exists in memory only, for readers that want a path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace tilemesh::fuzz {

class MemoryFile {
public:
    MemoryFile(const std::uint8_t* data, std::size_t size);
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    ~MemoryFile();
    std::string path() const;

private:
    int descriptor_;
};

}  // namespace tilemesh::fuzz
