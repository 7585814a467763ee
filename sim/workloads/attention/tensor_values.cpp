// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/attention/tensor_values.h"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace tilemesh::workloads {

using attention::Inputs;
using attention::Problem;
using attention::Range;
using attention::Row;
using attention::TensorName;

InputValues row_values(RowMap map, std::int64_t dim, std::function<void(const Row&, std::span<float>)> read) {
    return [map, dim, read = std::move(read)](const std::array<std::int32_t, 3>& offset, Payload& payload) {
        const auto all =
            static_cast<std::size_t>(payload.shape.batch()) * static_cast<std::size_t>(payload.shape.rows());
        const std::size_t count = payload.rows ? payload.rows->size() : all;
        payload.data.resize(count * static_cast<std::size_t>(dim));
        for (std::size_t i = 0; i < count; ++i) {
            const std::int64_t flat = payload.rows ? (*payload.rows)[i] : static_cast<std::int64_t>(i);
            const std::int64_t head = offset[0] + flat / payload.shape.rows(),
                               row = offset[1] + flat % payload.shape.rows();
            const Row at = map.row_of(head * map.rows() + row);
            read(at,
                 std::span(payload.data).subspan(i * static_cast<std::size_t>(dim), static_cast<std::size_t>(dim)));
        }
    };
}

InputValues query_values(const Inputs& inputs, int user, TensorName name, RowMap map, std::int64_t dim) {
    return row_values(map, dim, [&inputs, user, name](const Row& row, std::span<float> out) {
        inputs.read_head(user, name, {row.query, row.query + 1}, row.head, out, attention::Inputs::Form::stored);
    });
}

InputValues key_values(const Inputs& inputs, int user, TensorName name, Range heads, const attention::Tokens& tokens,
                       std::int64_t dim) {
    return [&inputs, user, name, heads, &tokens, dim](const std::array<std::int32_t, 3>& offset, Payload& payload) {
        const std::int64_t keys = payload.shape.rows();
        const auto head_size = static_cast<std::size_t>(keys * dim);
        payload.data.resize(static_cast<std::size_t>(payload.shape.batch()) * head_size);
        for (std::int32_t b = 0; b < payload.shape.batch(); ++b) {
            std::span<float> rest =
                std::span(payload.data).subspan(static_cast<std::size_t>(b) * head_size, head_size);
            for (const Range& part : tokens.cut({offset[1], offset[1] + keys}, tokens.size())) {
                const attention::Run run = tokens.run(part);
                // Side by side when the stride is 1, one by one otherwise.
                const std::int64_t at_once = run.stride == 1 ? run.count : 1;
                for (std::int64_t i = 0; i < run.count; i += at_once) {
                    const auto size = static_cast<std::size_t>(at_once * dim);
                    inputs.read_head(user, name, {run.at(i), run.at(i) + at_once}, heads.begin + offset[0] + b,
                                     rest.first(size), attention::Inputs::Form::stored);
                    rest = rest.subspan(size);
                }
            }
        }
    };
}

InputValues bias_values(const Problem& problem, const attention::NeedSets& needs, int user) {
    return [&problem, &needs, user](const std::array<std::int32_t, 3>& offset, Payload& payload) {
        payload.data.resize(static_cast<std::size_t>(payload.shape.cols()));
        std::int64_t first = 0;
        for (int origin = 0; origin <= needs.shared_id(); ++origin) {
            const attention::Tokens& tokens = needs.keys(user, origin);
            const std::int64_t begin = std::max<std::int64_t>(offset[2], first);
            const std::int64_t end = std::min<std::int64_t>(offset[2] + payload.shape.cols(), first + tokens.size());
            for (std::int64_t i = begin; i < end; ++i) {
                const double bias = static_cast<double>(problem.mask->key_bias(user, tokens.at(i - first)));
                payload.data[static_cast<std::size_t>(i - offset[2])] =
                    static_cast<float>(bias / problem.score_unit());
            }
            first += tokens.size();
        }
    };
}

InputValues head_values(Range heads, std::int64_t group, int user, std::function<double(attention::Viewer)> number) {
    return [=, number = std::move(number)](const std::array<std::int32_t, 3>& offset, Payload& payload) {
        payload.data.resize(static_cast<std::size_t>(payload.shape.elements()));
        for (std::size_t i = 0; i < payload.data.size(); ++i) {
            const auto flat = static_cast<std::int64_t>(i);
            const std::int64_t kv_head = heads.begin + offset[0] + flat / payload.shape.rows();
            const std::int64_t head = kv_head * group + offset[1] + flat % payload.shape.rows();
            payload.data[i] = static_cast<float>(number({user, head}));
        }
    };
}

InputValues pair_bias_values(const Problem& problem, const attention::NeedSets& needs, int user, RowMap map) {
    return [&problem, &needs, user, map](const std::array<std::int32_t, 3>& offset, Payload& payload) {
        const Shape& shape = payload.shape;
        const auto cols = static_cast<std::size_t>(shape.cols());
        const auto all = static_cast<std::size_t>(shape.batch()) * static_cast<std::size_t>(shape.rows());
        const std::size_t count = payload.rows ? payload.rows->size() : all;
        payload.data.assign(count * cols, 0.0F);
        const std::int64_t query_offset = problem.users[static_cast<std::size_t>(user)].query_offset;
        for (std::size_t i = 0; i < count; ++i) {
            const std::int64_t flat = payload.rows ? (*payload.rows)[i] : static_cast<std::int64_t>(i);
            const Row at =
                map.row_of((offset[0] + flat / shape.rows()) * map.rows() + offset[1] + flat % shape.rows());
            std::span<float> rest = std::span(payload.data).subspan(i * cols, cols);
            std::int64_t first = 0;
            for (int origin = 0; origin <= needs.shared_id(); ++origin) {
                const attention::Tokens& keys = needs.keys(user, origin);
                const Range local{std::max<std::int64_t>(offset[2] - first, 0),
                                  std::min<std::int64_t>(offset[2] + shape.cols() - first, keys.size())};
                first += keys.size();
                if (local.empty()) continue;
                for (const Range& part : keys.cut(local, keys.size())) {
                    const attention::Run run = keys.run(part);
                    const std::int64_t at_once = run.stride == 1 ? run.count : 1;
                    for (std::int64_t j = 0; j < run.count; j += at_once) {
                        problem.mask->add_pair_bias({user, at.head}, query_offset + at.query,
                                                    {run.at(j), run.at(j) + at_once},
                                                    rest.first(static_cast<std::size_t>(at_once)));
                        rest = rest.subspan(static_cast<std::size_t>(at_once));
                    }
                }
            }
        }
        const double unit = problem.score_unit();
        for (float& value : payload.data) value = static_cast<float>(static_cast<double>(value) / unit);
    };
}

RowSet sampled_rows(const RowSample& sample, const RowMap& map, Range heads, int user) {
    if (sample.all) return nullptr;
    auto rows = std::make_shared<std::vector<std::int32_t>>();
    for (const Row& row : sample.rows[static_cast<std::size_t>(user)]) {
        if (const auto flat = map.flat_of(row, heads)) rows->push_back(static_cast<std::int32_t>(*flat));
    }
    std::sort(rows->begin(), rows->end());
    return rows;
}

}  // namespace tilemesh::workloads
