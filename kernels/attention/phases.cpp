// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/phases.h"

namespace tilemesh::kernels {

Where Where::row(const attention::Action& action) {
    using Kind = attention::Action::Kind;
    using Of = attention::Item::Kind;
    Where where = step(action);
    const Of of = action.item.kind;
    const bool sends = action.kind == Kind::send;
    if (action.kind == Kind::merge) return where.add({"merge"});
    if (!action.moves()) return where;
    if (of == Of::chunk) return where.add({sends ? "send chunk" : "receive chunk", action.item.id});
    if (of == Of::queries) return where.add({sends ? "send queries" : "receive queries", action.item.id});
    return where.add({sends ? "send result" : "receive result", action.item.id});
}

}  // namespace tilemesh::kernels
