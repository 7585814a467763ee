// SPDX-License-Identifier: Apache-2.0
// The tokens of a tile program.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tilemesh::program {

enum class TokenKind : std::uint8_t { variable, name, integer, number, text, sign, line_end, end };

struct Token {
    TokenKind kind = TokenKind::end;
    std::string_view spelling;  // variables without "%", texts with their quotes
    std::int64_t integer = 0;
    bool is_u64 = false;  // an integer beyond 2^63, as two's complement
    double number = 0;
    int line = 1, column = 1;
    bool is(std::string_view sign) const {
        return (kind == TokenKind::sign || kind == TokenKind::name) && spelling == sign;
    }
};

class Lexer {
public:
    /// `file` for messages. The text must outlive the tokens.
    Lexer(std::string_view text, std::string file) : text_(text), file_(std::move(file)) {}

    /// The next token; line ends that follow each other are one.
    Token next();
    /// InputError: "file:line:column: problem".
    [[noreturn]] void complain(const Token& at, std::string_view problem) const;
    /// The content of a text token.
    std::string content(const Token& token) const;

private:
    Token number(Token token);

    std::string_view text_;
    std::string file_;
    std::size_t at_ = 0;
    int line_ = 1;
    std::size_t line_begin_ = 0;
};

}  // namespace tilemesh::program
