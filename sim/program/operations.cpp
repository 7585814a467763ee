// SPDX-License-Identifier: Apache-2.0
#include "sim/program/operations.h"

#include <unordered_map>

namespace tilemesh::program {
namespace {

std::string_view without_blanks(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

Operation read(Op op, std::string_view name, std::string_view signature) {
    Operation operation{op, name, signature, {}, signature == "..."};
    if (operation.variadic) return operation;
    while (!signature.empty()) {
        const std::size_t comma = signature.find(',');
        const std::string_view one = without_blanks(signature.substr(0, comma));
        const std::size_t equals = one.find('=');
        operation.parameters.push_back(
            {one.substr(0, equals), equals == std::string_view::npos ? "" : one.substr(equals + 1)});
        signature = comma == std::string_view::npos ? "" : signature.substr(comma + 1);
    }
    return operation;
}

const std::vector<Operation>& all() {
    static const std::vector<Operation> list = {
#define TILEMESH_ROW(enumerator, name, parameters) read(Op::enumerator, name, parameters),
        TILEMESH_OPERATIONS(TILEMESH_ROW)
#undef TILEMESH_ROW
    };
    return list;
}

}  // namespace

std::span<const Operation> operations() {
    const std::span<const Operation> list = all();
    std::size_t named = 0;
    while (!list[named].name.empty()) ++named;
    return list.first(named);
}

const Operation* find_operation(std::string_view name) {
    static const auto by_name = [] {
        std::unordered_map<std::string_view, const Operation*> map;
        for (const Operation& operation : operations()) map.emplace(operation.name, &operation);
        return map;
    }();
    const auto found = by_name.find(name);
    return found == by_name.end() ? nullptr : found->second;
}

std::string_view name_of(Op op) {
    const Operation& operation = all()[static_cast<std::size_t>(op)];
    return operation.name.empty() ? "statement" : operation.name;
}

}  // namespace tilemesh::program
