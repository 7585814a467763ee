// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/attention/layout.h"

#include "sim/base/error.h"
#include "sim/base/random.h"
#include "sim/run/not_possible.h"
#include "sim/workloads/attention/gradient_layout.h"
#include "sim/workloads/attention/tensor_values.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace tilemesh::workloads {
namespace {

using attention::Inputs;
using attention::Problem;
using attention::Range;
using attention::Row;
using attention::TensorName;

/// Makes the tensors of one PE.
class PeLayout {
public:
    PeLayout(const Allocate& allocate, ItemNames& names, const Arrangement& a, int rank, int member,
             const Inputs* inputs, const RowSample& sample, const std::vector<ForwardResult>* forward)
        : allocate_(allocate),
          names_(names),
          problem_(a.stored),
          needs_(a.needs),
          inputs_(inputs),
          sample_(sample),
          forward_(forward),
          pe_(a.pes[static_cast<std::size_t>(rank)][static_cast<std::size_t>(member)]) {
        launch_.problem = &problem_;
        launch_.needs = &a.needs;
        launch_.schedule = &a.schedule;
        launch_.timeline = &a.timeline;
        launch_.tiling = a.tiling;
        launch_.rank = rank;
        launch_.heads = a.member_heads[static_cast<std::size_t>(member)];
        for (const auto& members : a.pes) launch_.peers.push_back(members[static_cast<std::size_t>(member)]);
        launch_.users.resize(problem_.users.size());
        launch_.gradient_users.resize(problem_.users.size());
    }

    attention::Launch launch() {
        if (launch_.heads.empty()) return std::move(launch_);
        for (int user = 0; user < needs_.users(); ++user) own_tensors(user);
        for (const attention::Action& action : launch_.schedule->program(launch_.rank)) others_tensors(action);
        if (backward()) {
            const MakeTensor here = [this](const SharedText& name, std::int64_t heads, std::int64_t rows,
                                           std::int64_t cols,
                                           Dtype dtype) { return make(name, heads, rows, cols, dtype); };
            add_gradient_tensors(launch_, here, inputs_, forward_);
        }
        return std::move(launch_);
    }

private:
    using Item = attention::Item;

    bool backward() const { return launch_.schedule->pass() == attention::Schedule::Pass::backward; }
    Tensor* make(const SharedText& name, std::int64_t heads, std::int64_t rows, std::int64_t cols, Dtype dtype) {
        return allocate_(pe_, name, Shape{heads, rows, cols}, dtype);
    }
    /// An input, with values where any are computed.
    template <class Values>
    void give(Tensor* tensor, Values values) {
        if (tensor) tensor->set_given();
        if (inputs_) tensor->set_input(values());
    }
    /// Own keys or values: [heads, keys, cols], in a pool of pages if the problem says so.
    Tensor* make_keys(int user, const char* name, const attention::Tokens& keys, std::int64_t cols) {
        const std::int64_t heads = launch_.heads.size();
        if (!problem_.pages) return make(name_of_own(user, name), heads, keys.size(), cols, problem_.dtype);
        std::vector<std::int64_t> places = problem_.pages->places(user, launch_.rank, keys);
        const std::int64_t most = *std::max_element(places.begin(), places.end()) + 1;
        Tensor* tensor = make(name_of_own(user, name) + " in pages", most * heads, problem_.pages->page_keys, cols,
                              problem_.dtype);
        if (tensor) tensor->set_pages(Shape{heads, keys.size(), cols}, std::move(places));
        return tensor;
    }
    std::string name_of_own(int user, const char* name) const {
        return fmt::format("user {} {} of rank {}", user, name, launch_.rank);
    }
    /// Rows of the queries of `owner` for kv heads `heads` of the problem.
    RowSet computed(int user, int owner, Range heads) const {
        return sampled_rows(sample_, {problem_.group(), &needs_.queries(user, owner), heads.begin}, heads, user);
    }

    void own_tensors(int user) {
        attention::UserTensors& tensors = launch_.users[static_cast<std::size_t>(user)];
        const Range heads = launch_.heads;
        const int owner = needs_.owner_of(launch_.rank);
        const attention::Tokens &queries = needs_.queries(user, launch_.rank),
                                &keys = needs_.keys(user, launch_.rank);
        if (!queries.empty()) {
            const std::int64_t rows = queries.size() * problem_.group();
            tensors.q = make(name_of_own(user, "q"), heads.size(), rows, problem_.head_dim, problem_.dtype);
            // A backward pass reads o in f32: D = rowsum(do o) cancels against dp, and f16 would leave its rounding.
            const bool forward = launch_.schedule->pass() == attention::Schedule::Pass::forward;
            tensors.o = make(name_of_own(user, "o"), heads.size(), rows, problem_.value_dim,
                             forward ? problem_.output_dtype() : Dtype::f32);
            if (forward) tensors.lse = make(name_of_own(user, "lse"), heads.size(), rows, 1, Dtype::f32);
            const RowMap map{problem_.group(), &queries, heads.begin};
            give(tensors.q, [&] { return query_values(*inputs_, user, TensorName::q, map, problem_.head_dim); });
            for (Tensor* tensor : {tensors.q, tensors.o, tensors.lse})
                if (tensor) tensor->set_rows(computed(user, owner, heads));
            for (int part = 0; part < launch_.schedule->head_parts(); ++part)
                register_tensors({Item::Kind::state, user, owner, 0, part});
        }
        if (!keys.empty()) {
            tensors.k = make_keys(user, "k", keys, problem_.head_dim);
            give(tensors.k,
                 [&] { return key_values(*inputs_, user, TensorName::k, heads, keys, problem_.head_dim); });
            if (!problem_.latents) {
                tensors.v = make_keys(user, "v", keys, problem_.value_dim);
                give(tensors.v,
                     [&] { return key_values(*inputs_, user, TensorName::v, heads, keys, problem_.value_dim); });
            }
        }
        if (const attention::Tokens& shared = needs_.keys(user, needs_.shared_id()); !shared.empty()) {
            const auto tensor = [&](const char* name, TensorName values, std::int64_t dim) {
                Tensor* made = make(name_of_own(user, name), heads.size(), shared.size(), dim, problem_.dtype);
                give(made, [&] { return key_values(*inputs_, user, values, heads, shared, dim); });
                return made;
            };
            tensors.shared.k = tensor("shared k", TensorName::k, problem_.head_dim);
            if (!problem_.latents) tensors.shared.v = tensor("shared v", TensorName::v, problem_.value_dim);
        }
        head_numbers(tensors, user);
        // Local kernels may look at blocks that no row of the table attends.
        if (needs_.ranks() == 1) pair_biases(user, owner);
        const std::int64_t all_keys = problem_.users[static_cast<std::size_t>(user)].keys;
        if (problem_.mask->has_key_bias() && all_keys > 0) {
            tensors.bias = make(name_of_own(user, "key bias"), 1, 1, all_keys, Dtype::f32);
            give(tensors.bias, [&] { return bias_values(problem_, needs_, user); });
        }
    }

    /// Slopes and sinks of this PE's heads.
    void head_numbers(attention::UserTensors& tensors, int user) {
        const auto column = [&](const char* name, const std::function<double(attention::Viewer)>& number) {
            Tensor* const tensor =
                make(name_of_own(user, name), launch_.heads.size(), problem_.group(), 1, Dtype::f32);
            if (tensor) tensor->set_input(head_values(launch_.heads, problem_.group(), user, number));
            return tensor;
        };
        const attention::Mask* const mask = problem_.mask.get();
        if (mask->has_slopes())
            tensors.slopes = column("slopes", [mask, unit = problem_.score_unit()](attention::Viewer viewer) {
                return static_cast<double>(mask->slope(viewer)) / unit;
            });
        if (!problem_.sinks.empty())
            tensors.sinks = column("sinks", [problem = &problem_](attention::Viewer viewer) {
                return static_cast<double>(problem->sink(viewer.user, viewer.head));
            });
    }

    /// Of the queries of `owner`, once.
    void pair_biases(int user, int owner) {
        const attention::PairBias kind = problem_.mask->pair_bias();
        const attention::Tokens& queries = needs_.queries(user, owner);
        if (kind == attention::PairBias::none || queries.empty() || launch_.pair_biases.contains({user, owner}))
            return;
        const bool by_head = kind == attention::PairBias::by_head;
        Tensor* const tensor =
            make(fmt::format("user {} pair bias of queries {}", user, owner), by_head ? launch_.heads.size() : 1,
                 queries.size() * (by_head ? problem_.group() : 1),
                 problem_.users[static_cast<std::size_t>(user)].keys, Dtype::f32);
        launch_.pair_biases[{user, owner}] = tensor;
        if (!tensor) return;
        const RowMap map{by_head ? problem_.group() : 1, &queries, launch_.heads.begin};
        give(tensor, [&] { return pair_bias_values(problem_, needs_, user, map); });
        if (by_head) tensor->set_rows(computed(user, owner, launch_.heads));
    }

    /// Room for what this row brings or makes, unless it stays in SRAM.
    void others_tensors(const attention::Action& action) {
        using Kind = attention::Action::Kind;
        if (action.kind == Kind::fence || action.kind == Kind::send) return;
        const Item& item = action.item;
        const Range part = launch_.heads_of_part(item.head_part);
        const bool received = action.kind == Kind::receive;
        if (received && item.kind == Item::Kind::chunk) {
            if (launch_.tiling.chunks_stay || launch_.chunks.contains(item)) return;
            const std::int64_t keys = needs_.keys(item.user, item.id).size();
            attention::KeyTensors& tensors = launch_.chunks[item];
            tensors.k = make(names_.of("k of ", item), part.size(), keys, problem_.head_dim, problem_.dtype);
            if (!problem_.latents)
                tensors.v = make(names_.of("v of ", item), part.size(), keys, problem_.value_dim, problem_.dtype);
        } else if (received && item.kind == Item::Kind::queries) {
            const std::int64_t rows = needs_.queries(item.user, item.id).size() * problem_.group();
            if (launch_.tiling.queries_stay || rows == 0) return;
            Tensor* tensor = make(names_.of("", item), part.size(), rows, problem_.head_dim, problem_.dtype);
            if (tensor) tensor->set_rows(computed_part(item));
            launch_.queries[item] = tensor;
        } else if (action.kind == Kind::attend) {
            pair_biases(item.user, action.owner);
            register_tensors({Item::Kind::state, item.user, action.owner, 0, item.head_part});
            if (launch_.tiling.launches == attention::Launches::overlapped ||
                launch_.tiling.launches == attention::Launches::waited)
                register_tensors(
                    {Item::Kind::state, item.user, action.owner, attention::launched_copy, item.head_part});
        } else if (item.kind == Item::Kind::state) {
            register_tensors(item);
        }
    }

    RowSet computed_part(const Item& item) const {
        const Range part = launch_.heads_of_part(item.head_part);
        return computed(item.user, item.id, {launch_.heads.begin + part.begin, launch_.heads.begin + part.end});
    }

    void register_tensors(const Item& item) {
        const std::int64_t rows = needs_.queries(item.user, item.id).size() * problem_.group();
        if (backward() || launch_.tiling.queries_stay || rows == 0 || launch_.states.contains(item)) return;
        const Range part = launch_.heads_of_part(item.head_part);
        if (part.empty()) return;
        const attention::StateTensors tensors{make(names_.of("m of ", item), part.size(), rows, 1, Dtype::f32),
                                              make(names_.of("l of ", item), part.size(), rows, 1, Dtype::f32),
                                              make(names_.of("o of ", item), part.size(), rows, problem_.value_dim,
                                                   launch_.schedule->state_format().o)};
        for (Tensor* tensor : {tensors.m, tensors.l, tensors.o})
            if (tensor) tensor->set_rows(computed_part(item));
        launch_.states[item] = tensors;
    }

    const Allocate& allocate_;
    ItemNames& names_;
    const Problem& problem_;
    const attention::NeedSets& needs_;
    const Inputs* inputs_;
    const RowSample& sample_;
    const std::vector<ForwardResult>* forward_;
    int pe_;
    attention::Launch launch_;
};

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

const SharedText& ItemNames::of(std::string_view what, const attention::Item& item) {
    auto& names = names_[item];
    for (const auto& [known, name] : names)
        if (known == what) return name;
    return names.emplace_back(what, fmt::format("{}{}", what, name_of(item))).second;
}

attention::Launch lay_out(const Allocate& allocate, ItemNames& names, const Arrangement& a, int rank, int member,
                          const Inputs* inputs, const RowSample& sample, const std::vector<ForwardResult>* forward) {
    return PeLayout(allocate, names, a, rank, member, inputs, sample, forward).launch();
}

void check_room(const AttentionPanel& panel, const Arrangement& a, const std::string& where) {
    std::map<int, memory::SliceBook> books;
    ItemNames names;
    const Allocate count = [&](int pe, const SharedText& name, const Shape& shape, Dtype dtype) -> Tensor* {
        auto& book = books.try_emplace(pe, panel.machine.hbm).first->second;
        // Shapes have up to 2^62 elements: their bytes may be more than 64 bits count, which is more than any slice.
        constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
        const auto elements = static_cast<std::uint64_t>(shape.elements());
        book.allocate(std::min(elements, most / bytes_per_element(dtype)) * bytes_per_element(dtype), name.text(),
                      fmt::format("PE {}", pe));
        return nullptr;
    };
    const auto heads_of = [&a](int member) { return a.member_heads[static_cast<std::size_t>(member)].size(); };
    try {
        for (int rank = 0; rank < a.ranks(); ++rank) {
            // Every PE is one member of one rank, and members of as many heads need as much.
            for (int member = 0; member < a.members(); ++member)
                if (member == 0 || heads_of(member) != heads_of(member - 1))
                    lay_out(count, names, a, rank, member, nullptr, {});
        }
    } catch (const InputError& error) {
        throw run::NotPossible(where + ": ", error.what());
    }
}

Collected collect(const AttentionPanel& panel, const Arrangement& a,
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
            const RowMap map{problem.group(), &a.needs.queries(user, rank),
                             a.member_heads[static_cast<std::size_t>(member)].begin};
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

}  // namespace tilemesh::workloads
