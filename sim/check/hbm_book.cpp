// SPDX-License-Identifier: Apache-2.0
#include "sim/check/hbm_book.h"

#include <fmt/format.h>

#include <algorithm>

namespace tilemesh::check {
namespace {

bool ordered(const Touch& earlier, const Touch& later, const Knowledge& known) {
    return earlier.processor < 0 || earlier.processor == later.processor || (earlier.atomic && later.atomic) ||
           known.ended(earlier.processor, earlier.epoch);
}

bool same_touch(const Touch& a, const Touch& b) {
    return a.processor == b.processor && a.epoch == b.epoch && a.atomic == b.atomic && a.place.file == b.place.file &&
           a.place.line == b.place.line;
}

}  // namespace

std::uint64_t HbmBook::reserve(std::uint64_t bytes, const std::string& what) {
    const std::uint64_t address = slice_.allocate(bytes, what, name_);
    if (bytes == 0) return address;
    areas_[address] = what;
    pieces_[address].end = address + bytes;
    return address;
}

void HbmBook::give(std::uint64_t address, std::uint64_t bytes) {
    const auto end = cut(address + bytes);
    for (auto piece = cut(address); piece != end; ++piece) piece->second.written = true;
}

HbmBook::Pieces::iterator HbmBook::piece_at(std::uint64_t address) {
    auto after = pieces_.upper_bound(address);
    if (after == pieces_.begin()) return pieces_.end();
    --after;
    return after->second.end > address ? after : pieces_.end();
}

HbmBook::Pieces::iterator HbmBook::cut(std::uint64_t address) {
    const auto after = pieces_.lower_bound(address);
    if (after == pieces_.begin() || (after != pieces_.end() && after->first == address)) return after;
    const auto before = std::prev(after);
    if (before->second.end <= address) return after;
    Piece rest = before->second;
    before->second.end = address;
    return pieces_.emplace_hint(after, address, std::move(rest));
}

bool HbmBook::alike(const Piece& a, const Piece& b) {
    return a.written == b.written && same_touch(a.writer, b.writer) &&
           std::equal(a.readers.begin(), a.readers.end(), b.readers.begin(), b.readers.end(), same_touch);
}

/// Neighbours with the same history become one, which keeps the book as short as what a kernel does is regular.
void HbmBook::join(std::uint64_t first, std::uint64_t end) {
    auto piece = pieces_.lower_bound(first);
    if (piece != pieces_.begin()) --piece;
    while (piece != pieces_.end() && piece->first < end) {
        const auto next = std::next(piece);
        if (next == pieces_.end()) return;
        if (piece->second.end == next->first && !areas_.contains(next->first) && alike(piece->second, next->second)) {
            piece->second.end = next->second.end;
            piece->second.released.learn(next->second.released);
            pieces_.erase(next);
        } else {
            piece = next;
        }
    }
}

bool HbmBook::has_reader(const Piece& piece, const Touch& touch) {
    return std::any_of(piece.readers.begin(), piece.readers.end(),
                       [&](const Touch& reader) { return same_touch(reader, touch); });
}

void HbmBook::note_reader(Piece& piece, const Touch& touch) {
    const auto known = std::find_if(piece.readers.begin(), piece.readers.end(),
                                    [&](const Touch& reader) { return reader.processor == touch.processor; });
    if (known != piece.readers.end()) {
        *known = touch;
    } else {
        piece.readers.push_back(touch);
    }
}

bool HbmBook::inside(std::uint64_t address, std::uint64_t bytes, const OnClash& clash) {
    for (std::uint64_t at = address; at < address + bytes;) {
        const auto piece = piece_at(at);
        if (piece == pieces_.end()) {
            clash(Clash::outside, nullptr, at);
            return false;
        }
        at = piece->second.end;
    }
    return true;
}

void HbmBook::load(std::uint64_t address, std::uint64_t bytes, const Touch& touch, const Knowledge& known,
                   const OnClash& clash) {
    if (!inside(address, bytes, clash)) return;
    const std::uint64_t end = address + bytes;
    bool news = false;
    for (auto piece = piece_at(address); piece != pieces_.end() && piece->first < end; ++piece) {
        const std::uint64_t at = std::max(address, piece->first);
        if (!piece->second.written) clash(Clash::unwritten, nullptr, at);
        if (!ordered(piece->second.writer, touch, known)) clash(Clash::race, &piece->second.writer, at);
        news = news || !has_reader(piece->second, touch);
    }
    if (!news) return;
    const auto behind = cut(end);
    for (auto piece = cut(address); piece != behind; ++piece) note_reader(piece->second, touch);
    join(address, end);
}

void HbmBook::store(std::uint64_t address, std::uint64_t bytes, const Touch& touch, const Knowledge& known,
                    const OnClash& clash) {
    if (!inside(address, bytes, clash)) return;
    const auto behind = cut(address + bytes);
    for (auto piece = cut(address); piece != behind; ++piece) {
        Piece& now = piece->second;
        if (touch.atomic && !now.written) clash(Clash::unwritten, nullptr, piece->first);
        if (!ordered(now.writer, touch, known)) clash(Clash::race, &now.writer, piece->first);
        for (const Touch& reader : now.readers)
            if (!ordered(reader, touch, known)) clash(Clash::race, &reader, piece->first);
        now.written = true;
        now.writer = touch;
        now.readers.clear();
    }
    join(address, address + bytes);
}

void HbmBook::change(std::uint64_t address, std::uint64_t bytes, const Touch& touch, Knowledge& known,
                     const OnClash& clash) {
    if (!inside(address, bytes, clash)) return;
    for (auto piece = piece_at(address); piece != pieces_.end() && piece->first < address + bytes; ++piece)
        known.learn(piece->second.released);
    store(address, bytes, touch, known, clash);
    const auto behind = cut(address + bytes);
    for (auto piece = cut(address); piece != behind; ++piece) piece->second.released.learn(known);
}

std::string HbmBook::what_lies_at(std::uint64_t address) const {
    const auto after = areas_.upper_bound(address);
    if (after == areas_.begin()) return fmt::format("byte {} of {}", address, name_);
    const auto& [first, what] = *std::prev(after);
    return fmt::format("{} in {}, byte {}", what, name_, address - first);
}

}  // namespace tilemesh::check
