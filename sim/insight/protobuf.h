// SPDX-License-Identifier: Apache-2.0
// Writes messages in the wire format of protocol buffers, as far as traces need it (adr/0031).
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace tilemesh::insight {

/// Appends fields of a message to its bytes.
class Protobuf {
public:
    void integer(std::uint32_t field, std::uint64_t value) {
        key(field, 0);
        varint(value);
    }
    void fixed(std::uint32_t field, std::uint64_t value) {
        key(field, 1);
        for (int byte = 0; byte < 8; ++byte) bytes_.push_back(static_cast<char>(value >> (8 * byte)));
    }
    void real(std::uint32_t field, double value) { fixed(field, std::bit_cast<std::uint64_t>(value)); }
    void text(std::uint32_t field, std::string_view value) {
        key(field, 2);
        varint(value.size());
        bytes_.append(value);
    }
    /// What `fill` appends is a message within this one. Its length stands before it and is known after it; most fit
    /// the byte that is kept for that.
    template <class Fill>
    void message(std::uint32_t field, Fill fill) {
        key(field, 2);
        const std::size_t length = bytes_.size();
        bytes_.push_back(0);
        fill();
        const std::size_t size = bytes_.size() - length - 1;
        if (size < 128) {
            bytes_[length] = static_cast<char>(size);
            return;
        }
        const std::string body = bytes_.substr(length + 1);
        bytes_.resize(length);
        varint(size);
        bytes_.append(body);
    }
    const std::string& bytes() const { return bytes_; }
    void clear() { bytes_.clear(); }

private:
    void key(std::uint32_t field, std::uint32_t type) { varint(std::uint64_t{field} << 3 | type); }
    void varint(std::uint64_t value) {
        for (; value >= 128; value >>= 7) bytes_.push_back(static_cast<char>(value | 128));
        bytes_.push_back(static_cast<char>(value));
    }

    std::string bytes_;
};

}  // namespace tilemesh::insight
