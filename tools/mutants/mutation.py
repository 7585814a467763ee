# SPDX-License-Identifier: Apache-2.0
"""The list of mutants and the mutated source: every site becomes (mutant(n) ? mutated : original)."""

import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path

MOST = 10**6  # the largest number
HEADER_TEXT = f"""// SPDX-License-Identifier: Apache-2.0
// Which mutant is switched on, none unless TILEMESH_MUTANT says so; and which ones a process or one that it forks comes
// by: bytes of the file TILEMESH_REACHED, which has one for each number.
#pragma once
#include <fcntl.h>
#include <sys/mman.h>
#include <cstdlib>
#include <type_traits>
inline unsigned char* mutants_reached() {{
    static unsigned char nowhere[{MOST + 1}];
    const char* const path = std::getenv("TILEMESH_REACHED");
    const int file = path ? ::open(path, O_RDWR) : -1;
    void* const shared =
        file < 0 ? MAP_FAILED : ::mmap(nullptr, sizeof nowhere, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    return shared == MAP_FAILED ? nowhere : static_cast<unsigned char*>(shared);
}}
namespace {{
[[maybe_unused]] bool is_on(int number) {{
    static const int on = std::getenv("TILEMESH_MUTANT") ? std::atoi(std::getenv("TILEMESH_MUTANT")) : 0;
    static unsigned char* const reached = mutants_reached();
    reached[number] = 1;
    return on == number;
}}
/// What is known when it is compiled is not mutated.
[[maybe_unused]] constexpr bool mutant(int number) {{ return !std::is_constant_evaluated() && is_on(number); }}
}}  // namespace
"""


class ListError(Exception):
    """The list does not fit the source; one line says where."""


@dataclass
class Mutant:
    where: str  # file and line of the list
    part: str
    programs: list  # test programs that could catch it, fast ones first
    what: str
    file: str
    original: str
    mutated: str
    context: str = ""  # text of the file in which `original` is unique; empty: the whole file
    number: int = 0


@dataclass
class Site:
    begin: int
    end: int
    mutants: list
    inner: list = field(default_factory=list)


def read_lists(folder):
    """All mutants of the lists of a folder. A number says what the entry says, so that others may come and go."""
    mutants = []
    for path in sorted(Path(folder).glob("*.list")):
        part, programs, lines = path.stem, [], []
        for number, line in enumerate(path.read_text().split("\n") + [""], 1):
            if line.startswith("#"):
                continue
            if line.startswith("== "):
                part, _, words = line[3:].partition(":")
                programs = words.split()
            elif line:
                lines.append(line)
            elif lines:
                mutants.append(_entry(f"{path.name}:{number - len(lines)}", part, programs, lines))
                lines = []
    numbers = {}
    for mutant in mutants:
        mutant.number = 1 + zlib.crc32(f"{mutant.file}\n{mutant.what}\n{mutant.original}\n{mutant.mutated}".encode()) % MOST
        other = numbers.setdefault(mutant.number, mutant)
        if other is not mutant:
            raise ListError(f"{mutant.where}: says what {other.where} says, or has its number: change a word of it")
    return mutants


def _entry(where, part, programs, lines):
    text = {sign: "\n".join(line[2:] for line in lines[2:] if line[0] == sign) for sign in "@-+"}
    if len(lines) < 3 or not text["-"] or any(line[:2].strip() not in ("@", "-", "+") for line in lines[2:]):
        raise ListError(f"{where}: expected what it is, a file, and lines that begin with '- ' and '+ ' (or '@ ')")
    if not text["-"].endswith(";") and any(_has_bare_comma(text[sign]) for sign in "-+"):
        raise ListError(f"{where}: several expressions, expected one or a statement")
    if re.match(r"(const|constexpr|auto)\b", text["-"]):
        raise ListError(f"{where}: what it declares would be gone, expected the value of it")
    if not text["-"].endswith(";") and not all(_is_whole(text[sign]) for sign in "-+"):
        raise ListError(f"{where}: part of an expression, expected a whole one or a statement")
    if not programs:
        raise ListError(f"{where}: expected a line '== part: test programs' before it")
    return Mutant(where, part, programs, lines[0], lines[1].strip(), text["-"], text["+"], text["@"])


def _has_bare_comma(text):
    depth = 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth == 0:
            return True
    return False


def _is_whole(text):
    """Are brackets and the colons of conditions paired, and is it not the beginning of a statement?"""
    if re.match(r"(if|for|while|switch|return|const|auto)\b", text) or re.search(r"([+*/<=,-]|&&|\|\|)$", text):
        return False
    depth, conditions = 0, [0]
    for sign in text.replace("::", ""):
        depth += (sign in "([{") - (sign in ")]}")
        if depth < 0:
            return False
        conditions = (conditions + [0])[: depth + 1]
        conditions[depth] += (sign == "?") - (sign == ":")
        if depth == 0 and conditions[0] < 0:
            return False
    return depth == 0 and conditions[0] == 0 and not text.startswith("{")


# What binds weakest first.
_OPERATORS = ["= += -= *= /= %= &= |= ^= <<= >>=", "? :", "||", "&&", "|", "^", "&", "== !=", "< > <= >=", "<< >>",
              "+ -", "* / %"]  # fmt: skip
_STRENGTH = {sign: strength for strength, signs in enumerate(_OPERATORS) for sign in signs.split()}
_TOKENS = re.compile(r"->|::|<<=|>>=|<<|>>|[-+*/%&|^<>=!]=|&&|\|\||\+\+|--|\w+|[^\w\s]")


def _operators(text):
    """The operators between two operands that stand in no brackets, without those of templates."""
    found, depth, before = [], 0, ""
    for token in _TOKENS.findall(re.sub(r"\b\w+<[\w:, ]*>(?=[({])", "f", text)):
        depth += (token in "([{") - (token in ")]}")
        if depth == 0 and token in _STRENGTH and re.search(r"[\w)\]\"'}]$", before):
            found.append(token)
        before = token
    return found


def _torn_apart(original, before, after):
    """The operator beside an expression that takes a part of it: of `a ? b : c` in `a ? b : c ? d : e`, c."""
    weakest = min((_STRENGTH[sign] for sign in _operators(original)), default=len(_OPERATORS))
    following, leading = _TOKENS.match(after.lstrip()), _TOKENS.findall(before)[-2:]
    condition = _STRENGTH["?"]
    if following and following[0] in _STRENGTH:
        strength = _STRENGTH[following[0]]
        if strength > weakest or strength == weakest == condition and following[0] == "?":
            return following[0]
    if len(leading) == 2 and leading[1] in _STRENGTH and re.search(r"[\w)\]]$", leading[0]):
        strength = _STRENGTH[leading[1]]
        if strength > max(weakest, condition) or strength == weakest and leading[1] in "-/%":
            return leading[1]
    return ""


def _pattern(text):
    """Finds the text however it is broken into lines."""
    tokens = re.findall(r"\w+|[^\w\s]", text)
    out = (r"\b" if tokens[0][0].isalnum() or tokens[0][0] == "_" else "") + re.escape(tokens[0])
    for before, after in zip(tokens, tokens[1:]):
        words = re.match(r"\w", before[-1]) and re.match(r"\w", after[0])
        out += (r"\s+" if words else r"\s*") + re.escape(after)
    return re.compile(out + (r"\b" if re.match(r"\w", tokens[-1]) else ""))


def _only(text, source, begin, end, mutant):
    found = list(_pattern(text).finditer(source, begin, end))
    if len(found) != 1:
        raise ListError(f"{mutant.where}: '{text.splitlines()[0]}' is {len(found)} times in {mutant.file}, expected once")
    return found[0].span()


def _place(mutant, source, begin, end):
    """Where what it changes stands. A statement must be one from its beginning."""
    place = _only(mutant.original, source, begin, end, mutant)
    if mutant.original.endswith(";") and not re.search(r"([{};:)]|\belse)\s*$", re.sub(r"//.*\n", "\n", source[: place[0]])):
        raise ListError(f"{mutant.where}: the end of a statement, expected a whole one or an expression")
    before, after = re.sub(r"//.*\n", "\n", source[max(0, place[0] - 400) : place[0]]), source[place[1] :]
    if re.search(r"\b(constexpr|static_assert)\b[^;{}]*$", before):
        raise ListError(f"{mutant.where}: is known when it is compiled, expected a place where it is used")
    torn = "" if mutant.original.endswith(";") else _torn_apart(mutant.original, before, after)
    if torn:
        raise ListError(f"{mutant.where}: part of an expression, as '{torn}' stands beside it, expected a whole one")
    return place


def _sites(source, mutants):
    """One site for each place, those inside others below them."""
    spans = {}
    for mutant in mutants:
        begin, end = 0, len(source)
        if mutant.context:
            begin, end = _only(mutant.context, source, begin, end, mutant)
        spans.setdefault(_place(mutant, source, begin, end), []).append(mutant)
    top = []
    for (begin, end), here in sorted(spans.items(), key=lambda item: (item[0][0], -item[0][1])):
        level = top
        while level and begin < level[-1].end:
            if end > level[-1].end:
                raise ListError(f"{here[0].where} and {level[-1].mutants[0].where}: their places overlap")
            level = level[-1].inner
        level.append(Site(begin, end, here))
    return top


def _render(source, begin, end, sites):
    out, at = "", begin
    for site in sites:
        out += source[at : site.begin]
        original = _render(source, site.begin, site.end, site.inner)
        statement = original.rstrip().endswith(";")
        for mutant in site.mutants:
            if statement:
                original = f"{{ if (mutant({mutant.number})) {{ {mutant.mutated} }} else {{ {original} }} }}"
            else:
                original = f"(mutant({mutant.number}) ? ({mutant.mutated}) : ({original}))"
        out += original
        at = site.end
    return out + source[at:end]


def mutated_source(source, mutants):
    """The text of a file with all its mutants; a statement becomes an if, an expression a conditional."""
    return _render(source, 0, len(source), _sites(source, mutants))
