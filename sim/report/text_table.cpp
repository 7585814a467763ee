// SPDX-License-Identifier: Apache-2.0
// Laying out a table. Widths are counted in bytes: cells are ASCII.
#include "sim/report/text_table.h"

#include <algorithm>

namespace tilemesh::report {
namespace {

constexpr std::size_t gap = 2;

void strip_right(std::string& text) {
    while (!text.empty() && text.back() == ' ') text.pop_back();
}

}  // namespace

std::string coloured(const std::string& text, Colour colour) {
    const char* codes[] = {"", "\033[32m", "\033[31m", "\033[33m", "\033[1m"};
    if (colour == Colour::none) return text;
    return codes[static_cast<int>(colour)] + text + "\033[0m";
}

std::vector<std::size_t> TextTable::widths() const {
    std::vector<std::size_t> result;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        std::size_t width = columns_[i].heading.size();
        for (const auto& row : rows_) width = std::max(width, row[i].text.size());
        result.push_back(width);
    }
    return result;
}

std::string TextTable::group_line(const std::vector<std::size_t>& widths) const {
    std::string out;
    std::size_t i = 0;
    while (i < columns_.size()) {
        std::size_t width = widths[i];
        std::size_t end = i + 1;
        for (; end < columns_.size() && !columns_[i].group.empty() && columns_[end].group == columns_[i].group;
             ++end) {
            width += gap + widths[end];
        }
        const std::string& group = columns_[i].group;
        const std::size_t left = width > group.size() ? width - group.size() : 0;
        out += std::string(left, ' ') + group.substr(0, width) + std::string(gap, ' ');
        i = end;
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
        if (i + 1 < columns_.size()) out += std::string(gap, ' ');
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
