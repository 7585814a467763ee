// SPDX-License-Identifier: Apache-2.0
// Columns that line up. Cells are text; a column is as wide as its widest cell; colour, when asked for, does not
// count as width.
#pragma once

#include <string>
#include <vector>

namespace tilemesh::report {

enum class Colour { none, green, red, yellow, bold };

/// The text, wrapped in the terminal's codes unless the colour is none.
std::string coloured(const std::string& text, Colour colour);

struct Cell {
    std::string text;
    Colour colour = Colour::none;
};

class TextTable {
public:
    enum class Align { left, right };
    struct Column {
        std::string group;  // equal neighbours share one heading above theirs
        std::string heading;
        Align align = Align::right;
    };
    explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
    void add_row(std::vector<Cell> cells) { rows_.push_back(std::move(cells)); }
    /// Group line (when there are groups), headings, rows; each ends with a newline and no trailing spaces.
    std::string text(bool with_colour) const;

private:
    std::vector<std::size_t> widths() const;
    std::size_t end_of_group(std::size_t column) const;
    std::size_t gap_after(std::size_t column) const;  // smaller inside a group
    std::size_t width_of_group(std::size_t column, const std::vector<std::size_t>& widths) const;
    std::string group_line(const std::vector<std::size_t>& widths) const;
    std::string line(const std::vector<Cell>& cells, const std::vector<std::size_t>& widths, bool with_colour) const;
    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

}  // namespace tilemesh::report
