// SPDX-License-Identifier: Apache-2.0
// Writes messages in the wire format of protocol buffers, as far as traces need it (adr/0031).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tilemesh::insight {

/// Appends fields of a message to its bytes.
class Protobuf {
public:
    void integer(std::uint32_t field, std::uint64_t value) {
        make_room(2 * longest_number);
        key(field, 0);
        varint(value);
    }
    void fixed(std::uint32_t field, std::uint64_t value) {
        make_room(2 * longest_number);
        key(field, 1);
        for (int byte = 0; byte < 8; ++byte) bytes_[size_++] = static_cast<char>(value >> (8 * byte));
    }
    void real(std::uint32_t field, double value) { fixed(field, std::bit_cast<std::uint64_t>(value)); }
    void text(std::uint32_t field, std::string_view value) {
        make_room(2 * longest_number + value.size());
        key(field, 2);
        varint(value.size());
        size_ += value.copy(bytes_.data() + size_, value.size());
    }
    /// What `fill` appends is a message within this one. Its length stands before it and is known after it; most fit
    /// the byte that is kept for that.
    template <class Fill>
    void message(std::uint32_t field, Fill fill) {
        make_room(2 * longest_number);
        key(field, 2);
        const std::size_t length = size_++;
        fill();
        const std::size_t size = size_ - length - 1;
        if (size < 128) {
            bytes_[length] = static_cast<char>(size);
            return;
        }
        const std::string body(bytes().substr(length + 1));
        make_room(longest_number);
        size_ = length;
        varint(size);
        size_ += body.copy(bytes_.data() + size_, body.size());
    }
    std::string_view bytes() const { return std::string_view(bytes_).substr(0, size_); }
    void clear() { size_ = 0; }

private:
    static constexpr std::size_t longest_number = 10;

    void make_room(std::size_t bytes) {
        if (size_ + bytes > bytes_.size()) bytes_.resize(2 * (size_ + bytes));
    }
    void key(std::uint32_t field, std::uint32_t type) { varint(std::uint64_t{field} << 3 | type); }
    void varint(std::uint64_t value) {
        for (; value >= 128; value >>= 7) bytes_[size_++] = static_cast<char>(value | 128);
        bytes_[size_++] = static_cast<char>(value);
    }

    std::string bytes_;  // with room behind what is used
    std::size_t size_ = 0;
};

}  // namespace tilemesh::insight
