// SPDX-License-Identifier: Apache-2.0
#include "sim/program/lexer.h"

#include "sim/base/error.h"
#include "sim/base/names.h"

#include <nlohmann/json.hpp>

#include <charconv>
#include <limits>

namespace tilemesh::program {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool in_name(char c) { return is_letter(c) || is_digit(c) || c == '.'; }

}  // namespace

void Lexer::complain(const Token& at, std::string_view problem) const {
    fail<InputError>("{}:{}:{}: {}", file_, at.line, at.column, problem);
}

std::string Lexer::content(const Token& token) const {
    const auto json = nlohmann::json::parse(token.spelling, nullptr, false);
    if (!json.is_string()) complain(token, "not a string as JSON writes them");
    return json.get<std::string>();
}

Token Lexer::next() {
    const auto more = [&] { return at_ < text_.size(); };
    while (more() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r' || text_[at_] == '#')) {
        if (text_[at_] == '#')
            while (more() && text_[at_] != '\n') ++at_;
        else
            ++at_;
    }
    Token token;
    token.line = line_;
    token.column = static_cast<int>(at_ - line_begin_) + 1;
    if (!more()) return token;
    const std::size_t begin = at_;
    const char first = text_[at_];
    const auto spelled = [&](TokenKind kind) {
        token.kind = kind;
        token.spelling = text_.substr(begin, at_ - begin);
        return token;
    };
    if (first == '\n') {
        ++at_;
        ++line_;
        line_begin_ = at_;
        return spelled(TokenKind::line_end);
    }
    if (first == '%') {
        ++at_;
        while (more() && in_name(text_[at_])) ++at_;
        spelled(TokenKind::variable).spelling.remove_prefix(1);
        token.spelling.remove_prefix(1);
        if (token.spelling.empty()) complain(token, "expected the name of a variable after %");
        return token;
    }
    if (first == '"') {
        ++at_;
        while (more() && text_[at_] != '"' && text_[at_] != '\n') at_ += text_[at_] == '\\' ? 2 : 1;
        if (!more() || text_[at_] != '"') complain(token, "a string that does not end on its line");
        ++at_;
        return spelled(TokenKind::text);
    }
    if (is_letter(first)) {
        while (more() && in_name(text_[at_])) ++at_;
        return spelled(TokenKind::name);
    }
    const bool negative = first == '-' && at_ + 1 < text_.size();
    if (negative && text_.substr(at_ + 1, 3) == "inf") {
        at_ += 4;
        token.number = -std::numeric_limits<double>::infinity();
        return spelled(TokenKind::number);
    }
    if (is_digit(first) || (negative && is_digit(text_[at_ + 1]))) return number(token);
    ++at_;
    if (std::string_view("{}(),=:@&").find(first) == std::string_view::npos)
        complain(token, "unexpected " + printable(text_.substr(begin, 1)));
    return spelled(TokenKind::sign);
}

Token Lexer::number(Token token) {
    const std::size_t begin = at_;
    bool integer = true;
    ++at_;
    while (at_ < text_.size() && (in_name(text_[at_]) || ((text_[at_] == '+' || text_[at_] == '-') &&
                                                          (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E')))) {
        integer = integer && is_digit(text_[at_]);
        ++at_;
    }
    token.spelling = text_.substr(begin, at_ - begin);
    const char* const end = token.spelling.data() + token.spelling.size();
    if (integer) {
        token.kind = TokenKind::integer;
        auto read = std::from_chars(token.spelling.data(), end, token.integer);
        std::uint64_t large = 0;
        if (read.ec == std::errc::result_out_of_range) {
            read = std::from_chars(token.spelling.data(), end, large);
            token.integer = static_cast<std::int64_t>(large);
            token.is_u64 = true;
        }
        if (read.ec != std::errc() || read.ptr != end)
            complain(token, fmt::format("{} does not fit 64 bits", printable(token.spelling)));
        return token;
    }
    token.kind = TokenKind::number;
    const auto read = std::from_chars(token.spelling.data(), end, token.number);
    if (read.ec != std::errc() || read.ptr != end)
        complain(token, fmt::format("{} is no number", printable(token.spelling)));
    return token;
}

}  // namespace tilemesh::program
