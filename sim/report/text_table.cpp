// SPDX-License-Identifier: Apache-2.0
// Laying out a table. Widths are counted in bytes: cells are ASCII.
#include "sim/report/text_table.h"

#include <algorithm>

namespace tilemesh::report {
namespace {

void strip_right(std::string& text) {
    while (!text.empty() && text.back() == ' ') text.pop_back();
}

}  // namespace

std::string coloured(const std::string& text, Colour colour) {
    const char* codes[] = {"", "\033[32m", "\033[31m", "\033[33m", "\033[1m"};
    if (colour == Colour::none) return text;
    return codes[static_cast<int>(colour)] + text + "\033[0m";
}

std::size_t TextTable::end_of_group(std::size_t column) const {
    const std::string& group = columns_[column].group;
    std::size_t end = column + 1;
    while (!group.empty() && end < columns_.size() && columns_[end].group == group) ++end;
    return end;
}

std::size_t TextTable::gap_after(std::size_t column) const {
    if (column + 1 == columns_.size()) return 0;
    return end_of_group(column) > column + 1 ? 1 : 2;
}

std::size_t TextTable::width_of_group(std::size_t column, const std::vector<std::size_t>& widths) const {
    std::size_t width = widths[column];
    for (std::size_t i = column + 1; i < end_of_group(column); ++i) width += gap_after(i - 1) + widths[i];
    return width;
}

std::vector<std::size_t> TextTable::widths() const {
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        std::size_t width = columns_[i].heading.size();
        for (const auto& row : rows_) width = std::max(width, row[i].text.size());
        widths.push_back(width);
    }
    for (std::size_t i = 0; i < columns_.size(); i = end_of_group(i)) {
        const std::size_t width = width_of_group(i, widths);
        if (columns_[i].group.size() > width) widths[i] += columns_[i].group.size() - width;
    }
    return widths;
}

std::string TextTable::group_line(const std::vector<std::size_t>& widths) const {
    std::string out;
    for (std::size_t i = 0; i < columns_.size(); i = end_of_group(i)) {
        const std::string& group = columns_[i].group;
        out += std::string(width_of_group(i, widths) - group.size(), ' ') + group;
        out += std::string(gap_after(end_of_group(i) - 1), ' ');
    }
    strip_right(out);
    return out.empty() ? out : out + "\n";
}

std::string TextTable::line(const std::vector<Cell>& cells, const std::vector<std::size_t>& widths,
                            bool with_colour) const {
    std::string out;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        const std::string padding(widths[i] - cells[i].text.size(), ' ');
        const std::string text = with_colour ? coloured(cells[i].text, cells[i].colour) : cells[i].text;
        out += columns_[i].align == Align::left ? text + padding : padding + text;
        out += std::string(gap_after(i), ' ');
    }
    strip_right(out);
    return out + "\n";
}

std::string TextTable::text(bool with_colour) const {
    const auto width = widths();
    std::string out = group_line(width);
    std::vector<Cell> headings;
    for (const auto& column : columns_) headings.push_back({column.heading, Colour::none});
    out += line(headings, width, with_colour);
    for (const auto& row : rows_) out += line(row, width, with_colour);
    return out;
}

}  // namespace tilemesh::report
