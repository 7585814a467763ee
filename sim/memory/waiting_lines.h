// SPDX-License-Identifier: Apache-2.0
// The bursts of one direction that wait in a channel's controller: a line for every bank that has any, oldest first.
// Lines stand in one of three lists, by what their bank is to do next: move a burst of its open row, close a row that
// nobody in the line wants, open one. A list is in the order in which what its lines ask for came, so that the first
// that can be served is the one to serve, and looking for it takes no longer when more wait behind it.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tilemesh::memory {

/// One burst for one channel.
struct Access {
    std::uint64_t tag = 0;
    std::uint64_t row = 0;
    int bank = 0;
    bool write = false;
};

class WaitingLines {
public:
    /// A line and how old what it asks for is; smaller: came earlier.
    struct Asking {
        std::uint64_t age;
        int line;
        auto operator<=>(const Asking&) const = default;
    };

    std::size_t size() const { return size_; }
    int size_of(int line) const { return has(line) ? lines_[index(line)].size : 0; }
    /// Lines whose open row is wanted, by the oldest burst that wants it.
    const std::vector<Asking>& to_move() const { return lists_[move]; }
    /// Lines that want another row than the open one, and those that have none, by their oldest burst.
    const std::vector<Asking>& to_close() const { return lists_[close]; }
    const std::vector<Asking>& to_open() const { return lists_[open]; }
    bool hits_row(int line) const { return has(line) && lines_[index(line)].hit != none; }

    void push(int line, const Access& access);
    Access take_oldest(int line);
    /// Of a line whose open row is wanted; what wants it next is the one behind it with the same row.
    Access take_hit(int line);
    void row_opened(int line, std::uint64_t row);
    void row_closed(int line);

private:
    static constexpr int none = -1;
    struct Waiting {
        Access access;
        std::uint64_t age = 0;
        int before = none, behind = none;
    };
    struct Line {
        int first = none, last = none, hit = none;
        int size = 0;
        bool open = false;
        std::uint64_t row = 0;  // the open one
    };
    enum List : std::uint8_t { move, close, open };

    static std::size_t index(int number) { return static_cast<std::size_t>(number); }
    bool has(int line) const { return index(line) < lines_.size(); }
    int next_of_row(int from, std::uint64_t row) const;
    Access take(int line, int number);
    Line& line_numbered(int line);
    List list_of(const Line& line) const { return !line.open ? open : line.hit == none ? close : move; }
    Asking asking(int line) const;
    /// Out of the list that the line stands in, and into the one where it belongs.
    void leave_list(int line);
    void join_list(int line);

    std::vector<Line> lines_;  // as many as have ever been used
    std::array<std::vector<Asking>, 3> lists_;
    std::vector<Waiting> pool_;
    std::vector<int> unused_;  // of the pool
    std::size_t size_ = 0;
    std::uint64_t pushed_ = 0;
};

}  // namespace tilemesh::memory
