// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/attention/gradient_layout.h"

#include "sim/workloads/attention/tensor_values.h"

#include <algorithm>

namespace tilemesh::workloads {
namespace {

using attention::Action;
using attention::Item;
using attention::Problem;
using attention::Row;

class GradientLayout {
public:
    GradientLayout(attention::Launch& launch, const MakeTensor& make)
        : launch_(launch), problem_(*launch.problem), make_(make) {}

    void queries(int user) {
        const attention::Tokens& tokens = launch_.needs->queries(user, launch_.rank);
        if (tokens.empty()) return;
        attention::UserGradientTensors& out = of(user);
        const std::int64_t rows = tokens.size() * problem_.group();
        out.m = make(user, "m", rows, 1, Dtype::f32);
        out.l = make(user, "l", rows, 1, Dtype::f32);
        out.d_o = make(user, "do", rows, problem_.value_dim, problem_.output_dtype());
        out.dq = make(user, "dq", rows, problem_.head_dim, problem_.output_dtype());
        if (problem_.lse_gradient) out.d_lse = make(user, "dlse", rows, 1, Dtype::f32);
        if (launch_.tiling.queries_stay) return;
        out.row_over_l = make(user, "1 / l", rows, 1, Dtype::f32);
        out.row_d = make(user, "rowsum(do o)", rows, 1, Dtype::f32);
        out.dq_sum = make(user, "dq in f32", rows, problem_.head_dim, Dtype::f32);
        if (launch_.tiling.launches != attention::Launches::fused)
            out.dq_block = make(user, "dq of a block product", rows, problem_.head_dim, Dtype::f32);
    }

    void sinks(int user) {
        if (!problem_.sinks.empty() && launch_.rank == 0)
            of(user).dsink = make(user, "dsink", problem_.group(), 1, Dtype::f32);
    }

    void keys(int user) {
        const attention::NeedSets& needs = *launch_.needs;
        const std::int64_t shared = needs.keys(user, needs.shared_id()).size();
        if (shared > 0 && needs.home_of(needs.shared_id()) == launch_.rank) {
            if (dk_columns() > 0)
                of(user).shared.k = make(user, "shared dk", shared, dk_columns(), problem_.output_dtype());
            of(user).shared.v = make(user, "shared dv", shared, problem_.value_dim, problem_.output_dtype());
        }
        const std::int64_t keys = needs.keys(user, launch_.rank).size();
        if (keys == 0) return;
        if (dk_columns() > 0) of(user).dk = make(user, "dk", keys, dk_columns(), problem_.output_dtype());
        of(user).dv = make(user, "dv", keys, problem_.value_dim, problem_.output_dtype());
    }

    /// Registers that this row writes. What only this rank adds to its own chunk is stored as it is made.
    void registers(const Action& action) {
        Item item = action.item;
        if (action.kind == Action::Kind::attend && launch_.needs->home_of(item.id) != launch_.rank) {
            item.kind = Item::Kind::gradient;
        } else if (item.kind != Item::Kind::gradient || action.kind == Action::Kind::send) {
            return;
        }
        const std::int64_t keys = launch_.needs->keys(item.user, item.id).size();
        if (keys == 0 || launch_.gradients.contains(item)) return;
        attention::KeyTensors& tensors = launch_.gradients[item];
        if (dk_columns() > 0)
            tensors.k = make_("dk of " + name_of(item), launch_.heads.size(), keys, dk_columns(), Dtype::f32);
        tensors.v = make_("dv of " + name_of(item), launch_.heads.size(), keys, problem_.value_dim, Dtype::f32);
    }

    /// A backward pass begins with what a forward pass has left.
    void given(int user) {
        for (Tensor* tensor :
             {launch_.users[static_cast<std::size_t>(user)].o, of(user).d_o, of(user).m, of(user).l, of(user).d_lse})
            if (tensor) tensor->set_given();
    }

    void values(int user, const attention::Inputs& inputs, const ForwardResult& forward) {
        const attention::Tokens& tokens = launch_.needs->queries(user, launch_.rank);
        if (tokens.empty()) return;
        const attention::UserTensors& tensors = launch_.users[static_cast<std::size_t>(user)];
        const RowMap map{problem_.group(), &tokens, launch_.heads.begin};
        of(user).d_o->set_input(query_values(inputs, user, attention::TensorName::d_o, map, problem_.value_dim));
        const std::int64_t heads = problem_.heads_q, queries = problem_.users[static_cast<std::size_t>(user)].queries;
        const std::int64_t dim = problem_.value_dim;
        tensors.o->set_input(row_values(map, dim, [&forward, heads, dim](const Row& row, std::span<float> out) {
            std::copy_n(forward.o.begin() + (row.query * heads + row.head) * dim, dim, out.begin());
        }));
        const auto column = [&](Tensor* tensor, const std::vector<float>& of_rows) {
            tensor->set_input(row_values(map, 1, [&of_rows, queries](const Row& row, std::span<float> out) {
                out[0] = of_rows[static_cast<std::size_t>(row.head * queries + row.query)];
            }));
        };
        column(of(user).m, forward.m);
        column(of(user).l, forward.l);
        if (!problem_.lse_gradient) return;
        const attention::LseGradient* const gradient = &*problem_.lse_gradient;
        of(user).d_lse->set_input(row_values(map, 1, [gradient, user, queries](const Row& row, std::span<float> out) {
            out[0] = gradient->at(user, static_cast<std::uint64_t>(row.head * queries + row.query));
        }));
    }

private:
    /// With latents the first columns of dk are in dv.
    std::int64_t dk_columns() const { return problem_.head_dim - (problem_.latents ? problem_.value_dim : 0); }
    attention::UserGradientTensors& of(int user) { return launch_.gradient_users[static_cast<std::size_t>(user)]; }
    Tensor* make(int user, const char* what, std::int64_t rows, std::int64_t cols, Dtype dtype) const {
        return make_(fmt::format("user {} {} of rank {}", user, what, launch_.rank), launch_.heads.size(), rows, cols,
                     dtype);
    }

    attention::Launch& launch_;
    const Problem& problem_;
    const MakeTensor& make_;
};

}  // namespace

void add_gradient_tensors(attention::Launch& launch, const MakeTensor& make, const attention::Inputs* inputs,
                          const std::vector<ForwardResult>* forward) {
    GradientLayout layout(launch, make);
    for (int user = 0; user < launch.needs->users(); ++user) {
        layout.queries(user);
        layout.keys(user);
        layout.sinks(user);
        layout.given(user);
        if (inputs && forward) layout.values(user, *inputs, (*forward)[static_cast<std::size_t>(user)]);
    }
    for (const Action& action : launch.schedule->program(launch.rank)) layout.registers(action);
}

}  // namespace tilemesh::workloads
