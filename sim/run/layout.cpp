// SPDX-License-Identifier: Apache-2.0
#include "sim/run/layout.h"

#include "sim/base/error.h"
#include "sim/base/random.h"

#include <algorithm>
#include <map>
#include <set>

namespace tilemesh::run {
namespace {

using attention::Inputs;
using attention::Problem;
using attention::Range;
using attention::Row;
using attention::TensorName;

/// Positions in a PE's row order and in the problem.
struct RowMap {
    std::int64_t group, first_query, queries, first_head;
    Row row_of(std::int64_t flat) const {
        const std::int64_t rows = queries * group, head = flat / rows, in_head = flat % rows;
        return {first_query + in_head / group, (first_head + head) * group + in_head % group};
    }
    std::int64_t flat_of(const Row& row) const {
        return (row.head / group - first_head) * queries * group + (row.query - first_query) * group +
               row.head % group;
    }
};

RowMap row_map(const Panel& panel, const Arrangement& a, int user, int rank, int member) {
    const Range queries = a.needs.queries_of(user, rank);
    return {panel.problem.group(), queries.begin, queries.size(),
            a.member_heads[static_cast<std::size_t>(member)].begin};
}

InputValues query_values(const Inputs& inputs, int user, RowMap map, std::int64_t dim) {
    return [&inputs, user, map, dim](const std::array<std::int32_t, 3>& offset, Payload& payload) {
        const auto all =
            static_cast<std::size_t>(payload.shape.batch()) * static_cast<std::size_t>(payload.shape.rows());
        const std::size_t count = payload.rows ? payload.rows->size() : all;
        payload.data.resize(count * static_cast<std::size_t>(dim));
        for (std::size_t i = 0; i < count; ++i) {
            const std::int64_t flat = payload.rows ? (*payload.rows)[i] : static_cast<std::int64_t>(i);
            const std::int64_t head = offset[0] + flat / payload.shape.rows(),
                               row = offset[1] + flat % payload.shape.rows();
            const Row at = map.row_of(head * map.queries * map.group + row);
            inputs.query_row(
                user, at.query, at.head,
                std::span(payload.data).subspan(i * static_cast<std::size_t>(dim), static_cast<std::size_t>(dim)));
        }
    };
}

InputValues key_values(const Inputs& inputs, int user, TensorName name, Range heads, Range keys, std::int64_t dim) {
    return [&inputs, user, name, heads, keys, dim](const std::array<std::int32_t, 3>& offset, Payload& payload) {
        const auto rows = static_cast<std::size_t>(payload.shape.rows()) * static_cast<std::size_t>(dim);
        payload.data.resize(static_cast<std::size_t>(payload.shape.batch()) * rows);
        for (std::int32_t b = 0; b < payload.shape.batch(); ++b) {
            const std::int64_t first = keys.begin + offset[1];
            inputs.read_head(user, name, {first, first + payload.shape.rows()}, heads.begin + offset[0] + b,
                             std::span(payload.data).subspan(static_cast<std::size_t>(b) * rows, rows));
        }
    };
}

RowSet sampled_rows(const RowSample& sample, const RowMap& map, Range heads, int user) {
    if (sample.all) return nullptr;
    auto rows = std::make_shared<std::vector<std::int32_t>>();
    for (const Row& row : sample.rows[static_cast<std::size_t>(user)]) {
        const std::int64_t head = row.head / map.group;
        if (row.query < map.first_query || row.query >= map.first_query + map.queries) continue;
        if (head < heads.begin || head >= heads.end) continue;
        rows->push_back(static_cast<std::int32_t>(map.flat_of(row)));
    }
    std::sort(rows->begin(), rows->end());
    return rows;
}

}  // namespace

RowSample draw_rows(const Problem& problem, std::int64_t rows, std::uint64_t seed) {
    RowSample sample;
    sample.all = false;
    for (std::size_t user = 0; user < problem.users.size(); ++user) {
        const auto total = static_cast<std::uint64_t>(problem.users[user].queries * problem.heads_q);
        // Streams above those of the inputs, which are numbered from 0.
        const std::uint64_t stream = (std::uint64_t{1} << 32) + user;
        std::set<std::uint64_t> chosen;
        for (std::uint64_t i = 0; chosen.size() < std::min(total, static_cast<std::uint64_t>(rows)); ++i) {
            chosen.insert(random_below(seed, stream, i, total));
        }
        std::vector<Row> list;
        for (const std::uint64_t flat : chosen) {
            list.push_back({static_cast<std::int64_t>(flat) / problem.heads_q,
                            static_cast<std::int64_t>(flat) % problem.heads_q});
        }
        sample.rows.push_back(std::move(list));
    }
    return sample;
}

attention::Launch lay_out(const Allocate& allocate_at, const Panel& panel, const Arrangement& a, int rank, int member,
                          const Inputs* inputs, const RowSample& sample) {
    const Problem& problem = panel.problem;
    const int pe = a.pes[static_cast<std::size_t>(rank)][static_cast<std::size_t>(member)];
    const Range heads = a.member_heads[static_cast<std::size_t>(member)];
    attention::Launch launch;
    launch.problem = &problem;
    launch.needs = &a.needs;
    launch.schedule = &a.schedule;
    launch.timeline = &a.timeline;
    launch.tiling = a.tiling;
    launch.rank = rank;
    launch.heads = heads;
    for (const auto& members : a.pes) launch.peers.push_back(members[static_cast<std::size_t>(member)]);
    launch.users.resize(problem.users.size());
    if (heads.empty()) return launch;
    for (int user = 0; user < a.needs.users(); ++user) {
        attention::UserTensors& tensors = launch.users[static_cast<std::size_t>(user)];
        const Range queries = a.needs.queries_of(user, rank), keys = a.needs.keys_of(user, rank);
        const auto allocate = [&](const char* name, std::int64_t rows, std::int64_t cols, Dtype dtype) {
            return allocate_at(pe, fmt::format("user {} {} of rank {}", user, name, rank),
                               Shape{heads.size(), rows, cols}, dtype);
        };
        if (!queries.empty()) {
            const std::int64_t rows = queries.size() * problem.group();
            const RowMap map = row_map(panel, a, user, rank, member);
            tensors.q = allocate("q", rows, problem.head_dim, problem.dtype);
            tensors.o = allocate("o", rows, problem.value_dim, problem.dtype);
            tensors.lse = allocate("lse", rows, 1, Dtype::f32);
            if (inputs) tensors.q->set_input(query_values(*inputs, user, map, problem.head_dim));
            if (!a.tiling.queries_stay) {
                tensors.m = allocate("m", rows, 1, Dtype::f32);
                tensors.l = allocate("l", rows, 1, Dtype::f32);
                tensors.acc = allocate("unnormalised o", rows, problem.value_dim, Dtype::f32);
            }
            const RowSet computed = sampled_rows(sample, map, heads, user);
            for (Tensor* tensor : {tensors.q, tensors.o, tensors.lse, tensors.m, tensors.l, tensors.acc}) {
                if (tensor) tensor->set_rows(computed);
            }
        }
        if (!keys.empty()) {
            tensors.k = allocate("k", keys.size(), problem.head_dim, problem.dtype);
            tensors.v = allocate("v", keys.size(), problem.value_dim, problem.dtype);
            if (inputs) {
                tensors.k->set_input(key_values(*inputs, user, TensorName::k, heads, keys, problem.head_dim));
                tensors.v->set_input(key_values(*inputs, user, TensorName::v, heads, keys, problem.value_dim));
            }
        }
        tensors.slot_k.resize(static_cast<std::size_t>(a.ranks()), nullptr);
        tensors.slot_v.resize(static_cast<std::size_t>(a.ranks()), nullptr);
        if (a.tiling.chunks_stay) continue;
        for (const attention::Action& action : a.schedule.program(rank)) {
            const attention::Item& item = action.item;
            if (action.kind != attention::Action::Kind::receive || item.kind != attention::Item::Kind::chunk ||
                item.user != user)
                continue;
            const std::int64_t slot_keys = a.needs.keys_of(user, item.id).size();
            tensors.slot_k[static_cast<std::size_t>(item.id)] =
                allocate("k slot", slot_keys, problem.head_dim, problem.dtype);
            tensors.slot_v[static_cast<std::size_t>(item.id)] =
                allocate("v slot", slot_keys, problem.value_dim, problem.dtype);
        }
    }
    return launch;
}

void check_room(const Panel& panel, const Arrangement& a, const std::string& where) {
    std::map<int, memory::SliceBook> books;
    const Allocate count = [&](int pe, const std::string& name, const Shape& shape, Dtype dtype) -> Tensor* {
        auto& book = books.try_emplace(pe, panel.machine.hbm).first->second;
        book.allocate(static_cast<std::uint64_t>(shape.elements()) * bytes_per_element(dtype), name,
                      fmt::format("PE {}", pe));
        return nullptr;
    };
    try {
        for (int rank = 0; rank < a.ranks(); ++rank) {
            for (int member = 0; member < a.members(); ++member) lay_out(count, panel, a, rank, member, nullptr, {});
        }
    } catch (const InputError& error) {
        fail<InputError>("{}: {}", where, error.what());
    }
}

Collected collect(const Panel& panel, const Arrangement& a,
                  const std::vector<std::vector<attention::Launch>>& launches, int user,
                  const std::vector<int>& ranks, const RowSample& sample) {
    const Problem& problem = panel.problem;
    const std::int64_t queries = problem.users[static_cast<std::size_t>(user)].queries;
    const auto dim = static_cast<std::size_t>(problem.value_dim);
    const std::vector<Row>* rows = sample.all ? nullptr : &sample.rows[static_cast<std::size_t>(user)];
    const std::size_t count = rows ? rows->size() : static_cast<std::size_t>(queries * problem.heads_q);
    Collected out{std::vector<float>(count * dim), std::vector<float>(count), std::vector<int>(count),
                  std::vector<int>(count)};
    const auto index = [&](const Row& row, bool for_lse) -> std::size_t {
        if (!rows)
            return static_cast<std::size_t>(for_lse ? row.head * queries + row.query
                                                    : row.query * problem.heads_q + row.head);
        const auto it = std::lower_bound(rows->begin(), rows->end(), row, [](const Row& x, const Row& y) {
            return std::pair(x.query, x.head) < std::pair(y.query, y.head);
        });
        return it != rows->end() && *it == row ? static_cast<std::size_t>(it - rows->begin()) : count;
    };
    for (const int rank : ranks) {
        for (int member = 0; member < a.members(); ++member) {
            const attention::UserTensors& tensors =
                launches[static_cast<std::size_t>(rank)][static_cast<std::size_t>(member)]
                    .users[static_cast<std::size_t>(user)];
            if (!tensors.o) continue;
            const RowMap map = row_map(panel, a, user, rank, member);
            tensors.o->visit_rows([&](std::int64_t flat, const float* values) {
                const std::size_t i = index(map.row_of(flat), false);
                if (i == count) return;  // not of the sample: a row that nothing computed
                std::copy_n(values, dim, out.o.data() + i * dim);
                ++out.times_o[i];
            });
            tensors.lse->visit_rows([&](std::int64_t flat, const float* values) {
                const std::size_t i = index(map.row_of(flat), true);
                if (i == count) return;
                out.lse[i] = *values;
                ++out.times_lse[i];
            });
        }
    }
    return out;
}

}  // namespace tilemesh::run
