// SPDX-License-Identifier: Apache-2.0
// Who has read and written which bytes of one HBM slice. An access is held against those before it: two of different
// processors of which one writes must be in an order that the kernels see to, by a barrier, or by a message after a
// drain; otherwise it is a race. What is read must have been written or given.
#pragma once

#include "sim/check/knowledge.h"
#include "sim/memory/config.h"
#include "sim/tile/command.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tilemesh::check {

/// One load or store, as the book keeps it.
struct Touch {
    int processor = -1;       // of all command processors; -1: nobody
    std::uint32_t epoch = 0;  // how often it had drained before
    Opcode op = Opcode::load;
    bool atomic = false;
    std::uint64_t command = 0;
    SourcePlace place;
};

enum class Clash : std::uint8_t { race, unwritten, outside };
/// What is wrong, whom with (nobody: nullptr), at which address.
using OnClash = std::function<void(Clash, const Touch* earlier, std::uint64_t address)>;

class HbmBook {
public:
    HbmBook(const memory::HbmConfig& config, std::string name) : slice_(config), name_(std::move(name)) {}

    std::uint64_t reserve(std::uint64_t bytes, const std::string& what);
    void give(std::uint64_t address, std::uint64_t bytes);
    void load(std::uint64_t address, std::uint64_t bytes, const Touch& touch, const Knowledge& known,
              const OnClash& clash);
    void store(std::uint64_t address, std::uint64_t bytes, const Touch& touch, const Knowledge& known,
               const OnClash& clash);
    /// A read and a write that nothing comes between, which also hands over what everybody knew who did it before.
    void change(std::uint64_t address, std::uint64_t bytes, const Touch& touch, Knowledge& known,
                const OnClash& clash);

    /// "y, byte 64", for messages.
    std::string what_lies_at(std::uint64_t address) const;

private:
    /// Bytes with one history.
    struct Piece {
        std::uint64_t end = 0;
        bool written = false;
        Touch writer;                // the last
        std::vector<Touch> readers;  // since then, the last of every processor
        Knowledge released;          // what those knew who have changed it
    };
    using Pieces = std::map<std::uint64_t, Piece>;  // by first byte
    /// The first piece that begins at `address` or behind; none lies across it afterwards.
    Pieces::iterator cut(std::uint64_t address);
    Pieces::iterator piece_at(std::uint64_t address);
    static void note_reader(Piece& piece, const Touch& touch);
    static bool has_reader(const Piece& piece, const Touch& touch);
    static bool alike(const Piece& a, const Piece& b);
    void join(std::uint64_t first, std::uint64_t end);
    bool inside(std::uint64_t address, std::uint64_t bytes, const OnClash& clash);

    memory::SliceBook slice_;
    std::string name_;
    std::map<std::uint64_t, std::string> areas_;  // by first byte
    Pieces pieces_;
};

}  // namespace tilemesh::check
