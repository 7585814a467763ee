// SPDX-License-Identifier: Apache-2.0
// XXH3 of 128 bits over texts, as hexadecimal digits.
#pragma once

#include <fmt/format.h>

#include <xxhash.h>

#include <cstdint>
#include <string>

namespace tilemesh::search {

class Hash {
public:
    Hash() : state_(XXH3_createState()) { XXH3_128bits_reset(state_); }
    ~Hash() { XXH3_freeState(state_); }
    Hash(const Hash&) = delete;
    Hash& operator=(const Hash&) = delete;
    /// With its length, so that two texts are not one.
    void add(const std::string& text) {
        const std::uint64_t size = text.size();
        XXH3_128bits_update(state_, &size, sizeof size);
        XXH3_128bits_update(state_, text.data(), text.size());
    }
    std::string digits() const {
        const XXH128_hash_t hash = XXH3_128bits_digest(state_);
        return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
    }

private:
    XXH3_state_t* state_;
};

}  // namespace tilemesh::search
