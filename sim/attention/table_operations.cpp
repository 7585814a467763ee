// SPDX-License-Identifier: Apache-2.0
#include "sim/attention/table_operations.h"

#include "sim/attention/item_map.h"
#include "sim/attention/table_edges.h"
#include "sim/base/error.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

namespace tilemesh::attention {
namespace {

using Kind = Action::Kind;

/// All that was done with one register of a rank so far.
struct Register {
    std::vector<OperationId> writes;
    std::vector<OperationId> reads;  // by merges and sends
};

}  // namespace

TableOperations::TableOperations(const Schedule& schedule, const Durations& durations)
    : schedule_(schedule), durations_(durations) {
    make_operations();
    match_receives();
    for (int rank = 0; rank < schedule.ranks(); ++rank) find_dependencies(rank);
}

/// The transfer goes to the receiver of that row, perhaps beside others: it is over when all have it.
void TableOperations::reach(OperationId id, const Action& send) {
    Operation& operation = operations_[id];
    const TransferTime time = durations_.transfer(operation.rank, send.peer, send);
    operation.occupied = std::max(operation.occupied, time.occupied);
    operation.latency = std::max(operation.latency, time.latency);
}

/// One operation per row; a receive shares the operation of its send, and so do the sends of a multicast.
void TableOperations::make_operations() {
    std::size_t rows = 0;
    for (const auto& program : schedule_.programs())
        rows += static_cast<std::size_t>(std::count_if(
            program.begin(), program.end(), [](const Action& action) { return action.kind != Kind::receive; }));
    operations_.reserve(rows);
    for (int rank = 0; rank < schedule_.ranks(); ++rank) {
        auto& ids = ids_.emplace_back();
        const std::vector<Action>& program = schedule_.program(rank);
        ids.reserve(program.size());
        for (std::size_t row = 0; row < program.size(); ++row) {
            const Action& action = program[row];
            if (action.kind == Kind::send && action.multicast >= 0 &&
                schedule_.receivers(action).front() != action.peer) {  // of the message before
                ids.push_back(ids.back());
                reach(ids.back(), action);
                continue;
            }
            ids.push_back(static_cast<OperationId>(operations_.size()));
            if (action.kind == Kind::receive) continue;  // filled in below
            Operation& operation = operations_.emplace_back();
            operation.rank = rank;
            operation.row = static_cast<std::uint32_t>(row);
            operation.transfer = action.kind == Kind::send;
            if (operation.transfer) {
                reach(ids.back(), action);
            } else if (action.kind == Kind::attend) {
                operation.occupied = durations_.attend(rank, action);
                operation.latency = durations_.settling(rank, action);
            }
        }
    }
}

void TableOperations::match_receives() {
    const TableEdges edges(schedule_);
    for (std::size_t edge = 0; edge < edges.edges().size(); ++edge) {
        const auto [from, to] = edges.edges()[edge];
        const std::span<const TableEdges::Row> sends = edges.sends(edge), receives = edges.receives(edge);
        for (std::size_t i = 1; i < sends.size(); ++i) {
            lists_.add(operations_[at(from, sends[i - 1])].on_release, at(from, sends[i]));
            ++operations_[at(from, sends[i])].waits_for;
        }
        for (std::size_t i = 0; i < receives.size(); ++i) {
            if (i >= sends.size())
                fail<InternalError>("timeline: rank {} receives {} that rank {} never sends", to,
                                    name_of(schedule_.program(to)[receives[i]].item), from);
            ids_[static_cast<std::size_t>(to)][receives[i]] = at(from, sends[i]);
        }
    }
}

void TableOperations::after(OperationId first, OperationId then) {
    lists_.add(operations_[first].on_end, then);
    ++operations_[then].waits_for;
}

void TableOperations::after_all(const std::vector<OperationId>& firsts, OperationId then) {
    for (const OperationId first : firsts) after(first, then);
}

/// Walks one program and notes which operation brought each chunk and queries and who wrote and read each
/// register.
void TableOperations::find_dependencies(int rank) {
    ItemMap<std::uint32_t> arrived;  // by item: the last row that brought some of it, numbered from 1
    std::vector<std::uint32_t> brought_before(schedule_.program(rank).size());  // by such a row: the one before
    ItemMap<Register> registers;
    std::vector<OperationId> receives;
    std::optional<OperationId> fence;
    for (std::size_t row = 0; row < schedule_.program(rank).size(); ++row) {
        const Action& action = schedule_.program(rank)[row];
        const OperationId id = at(rank, row);
        const Item& item = action.item;
        const auto from_item = [&](const Item& source, const Ranges& keys) {
            const std::uint32_t* const last = arrived.find(source);
            for (std::uint32_t number = last ? *last : 0; number > 0; number = brought_before[number - 1]) {
                const Ranges& brought = schedule_.program(rank)[number - 1].keys;
                if (source.kind != Item::Kind::chunk || !intersection(brought, keys).empty())
                    after(at(rank, number - 1), id);
            }
        };
        const auto into_register = [&](const Item& target) {
            Register& into = registers[target];
            after_all(into.reads, id);
            into.writes.push_back(id);
        };
        const auto from_register = [&] {
            Item source = item;
            source.copy = action.other;
            after_all(registers[source].writes, id);
            return source;
        };
        if (fence && !action.moves()) after(*fence, id);
        switch (action.kind) {
            case Kind::receive:
                receives.push_back(id);
                if (item.is_register())
                    into_register(item);
                else
                    brought_before[row] = std::exchange(arrived[item], static_cast<std::uint32_t>(row) + 1);
                break;
            case Kind::send:
                // The tile that leaves is the register's content now: what is written later must come later.
                item.is_register() ? registers[from_register()].reads.push_back(id) : from_item(item, action.keys);
                break;
            case Kind::fence:
                after_all(receives, id);
                fence = id;
                break;
            case Kind::attend:
                from_item(item, action.keys);
                from_item({Item::Kind::queries, item.user, action.owner, 0, item.head_part}, {});
                into_register({Item::Kind::state, item.user, action.owner, 0, item.head_part});
                if (schedule_.pass() == Schedule::Pass::backward)
                    into_register({Item::Kind::gradient, item.user, item.id, 0, item.head_part});
                break;
            case Kind::merge:
                registers[from_register()].reads.push_back(id);
                if (!registers[item].writes.empty()) operations_[id].occupied = durations_.merge(rank, action);
                into_register(item);
                break;
        }
    }
}

}  // namespace tilemesh::attention
