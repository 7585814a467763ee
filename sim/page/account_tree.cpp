// SPDX-License-Identifier: Apache-2.0
#include "sim/page/account_tree.h"

#include <algorithm>
#include <map>
#include <utility>

namespace tilemesh::page {
namespace {

/// The scopes of a part: the machine, its cube, its PE.
std::vector<std::string> scopes_of(const report::ComponentResult& part) {
    std::vector<std::string> scopes;
    for (std::size_t dot = part.path.find('.'); dot != std::string::npos; dot = part.path.find('.', dot + 1))
        scopes.push_back(part.path.substr(0, dot));
    if (part.kind == "hbm" && scopes.size() == 2) {
        const std::size_t name = part.path.rfind(".hbm");
        scopes.push_back(part.path.substr(0, name) + ".pe" + part.path.substr(name + 4));
    }
    return scopes;
}

}  // namespace

std::vector<AccountSum> account_tree(const std::vector<report::ComponentResult>& components) {
    std::vector<AccountSum> sums;
    std::map<std::pair<std::string, std::string>, std::size_t> places;
    for (const auto& part : components) {
        if (part.account.empty()) continue;
        for (const std::string& scope : scopes_of(part)) {
            const auto [place, added] = places.insert({{scope, part.kind}, sums.size()});
            if (added) sums.push_back({scope, part.kind, 0, {}});
            AccountSum& sum = sums[place->second];
            ++sum.parts;
            for (const report::ClassTime& one : part.account) {
                const auto found = std::find_if(sum.classes.begin(), sum.classes.end(),
                                                [&](const auto& other) { return other.name == one.name; });
                if (found == sum.classes.end()) {
                    sum.classes.push_back(one);
                } else {
                    found->time += one.time;
                }
            }
        }
    }
    const auto depth = [](const AccountSum& sum) { return std::count(sum.scope.begin(), sum.scope.end(), '.'); };
    std::stable_sort(sums.begin(), sums.end(), [&](const auto& a, const auto& b) { return depth(a) < depth(b); });
    return sums;
}

}  // namespace tilemesh::page
