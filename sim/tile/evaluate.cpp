// SPDX-License-Identifier: Apache-2.0
#include "sim/tile/evaluate.h"

#include "sim/base/error.h"
#include "sim/tile/access.h"
#include "sim/tile/elementwise.h"
#include "sim/tile/integers.h"
#include "sim/tile/tensor.h"
#include "sim/tile/vector_math.h"

#include <oneapi/dnnl/dnnl.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace tilemesh {
namespace {

std::int32_t dense_stride(const Shape& shape, int slot) {
    return slot == 2 ? 1 : slot == 1 ? shape.cols() : shape.cols() * shape.rows();
}

bool lies_as_stored(const View& view, const Shape& stored) {
    if (view.offset != 0 || view.shape.elements() != stored.elements()) return false;
    for (int i = 0; i < 3; ++i) {
        if (view.shape.slot(i) > 1 && view.strides[static_cast<std::size_t>(i)] != dense_stride(view.shape, i)) {
            return false;
        }
    }
    return true;
}

[[noreturn]] void mixes_rows() {
    fail<KernelError>(
        "a view that takes part of a sampled tile, or turns its rows into columns, has no sampled value: "
        "run this kernel with values full or none");
}

std::shared_ptr<Payload> new_payload(const Shape& shape, RowSet rows) {
    auto out = std::make_shared<Payload>();
    out->shape = shape;
    const std::size_t count =
        rows ? rows->size() : static_cast<std::size_t>(shape.batch()) * static_cast<std::size_t>(shape.rows());
    out->rows = std::move(rows);
    out->data.resize(count * static_cast<std::size_t>(shape.cols()));
    return out;
}

PayloadPtr evaluate_dot(ValueStep& step) {
    ValueOperand& a = step.operands[0];
    ValueOperand& b = step.operands[1];
    const bool accumulates = step.count == 3;
    const RowSet rows = a.payload->rows;
    if (a.payload->empty()) return new_payload(step.shape, rows);
    if (!b.payload || b.payload->rows)
        fail<KernelError>("the second operand of a dot must be computed in full, not by sampled rows");
    const PayloadPtr left = materialise(a);
    const float* right = b.payload->force() + b.view.offset;
    auto out = new_payload(step.shape, rows);
    if (accumulates) {
        if (!step.operands[2].payload || (step.operands[2].payload->rows && !rows))
            fail<KernelError>("the accumulator of a dot is sampled by rows, its first operand is not");
        const PayloadPtr acc = materialise(step.operands[2]);
        const float* from = acc->force();
        if (acc->data.size() == out->data.size()) {
            std::copy_n(from, out->data.size(), out->data.data());
        } else {  // a full accumulator meets sampled rows
            const auto cols = static_cast<std::size_t>(step.shape.cols());
            for (std::size_t i = 0; i < rows->size(); ++i) {
                std::copy_n(from + static_cast<std::size_t>((*rows)[i]) * cols, cols, out->data.data() + i * cols);
            }
        }
    }
    const float* lhs = left->force();
    const std::int64_t m = a.view.shape.rows(), k = a.view.shape.cols(), n = step.shape.cols();
    const View& bv = b.view;
    const bool transposed = bv.strides[2] != 1 && bv.shape.cols() > 1;  // stored as [n, k]
    const std::int64_t ld = std::max<std::int64_t>(1, transposed ? bv.strides[2] : bv.strides[1]);
    PayloadPtr dense;
    if ((transposed && bv.shape.rows() > 1 && bv.strides[1] != 1) || ld < (transposed ? k : n)) {
        dense = materialise(b);
    }
    std::size_t done = 0;
    for (std::int64_t batch = 0; batch < step.shape.batch(); ++batch) {
        std::int64_t count = m;
        if (rows) {
            const auto& set = *rows;
            const auto last = std::lower_bound(set.begin(), set.end(), static_cast<std::int32_t>((batch + 1) * m));
            count = (last - set.begin()) - static_cast<std::int64_t>(done);
        }
        if (count > 0) {
            const float* rhs = dense ? dense->force() + (bv.shape.batch() == 1 ? 0 : batch * k * n)
                                     : right + (bv.shape.batch() == 1 ? 0 : batch * bv.strides[0]);
            const bool flip = !dense && transposed;
            dnnl::sgemm('N', flip ? 'T' : 'N', count, n, k, 1.0F, lhs + static_cast<std::int64_t>(done) * k, k, rhs,
                        dense ? n : ld, accumulates ? 1.0F : 0.0F,
                        out->data.data() + static_cast<std::int64_t>(done) * n, n);
        }
        done += static_cast<std::size_t>(count);
    }
    return out;
}

/// Does it take the place of what was greatest? A number does of what is none.
bool exceeds(float x, float most) { return x > most || (most != most && x == x); }

PayloadPtr evaluate_reduction(ValueStep& step) {
    const PayloadPtr in = materialise(step.operands[0]);
    const float* data = in->force();
    const Shape& shape = step.operands[0].view.shape;
    const auto cols = static_cast<std::size_t>(shape.cols());
    if (step.axis == 2) {
        auto out = new_payload(step.shape, in->rows);
        const std::size_t rows = cols == 0 ? 0 : in->data.size() / cols;
        for (std::size_t r = 0; r < rows; ++r) {
            const float* row = data + r * cols;
            if (step.op == Opcode::softmax) {
                float* to = out->data.data() + r * cols;
                // A row of -inf (nothing visible) becomes zeros.
                const float most = max_run(row, cols);
                const float m = most == -std::numeric_limits<float>::infinity() ? 0.0F : most;
                for (std::size_t c = 0; c < cols; ++c) to[c] = row[c] - m;
                exp_run(to, to, cols);
                const float sum = sum_run(to, cols), l = sum == 0.0F ? 1.0F : sum;
                for (std::size_t c = 0; c < cols; ++c) to[c] /= l;
            } else {
                out->data[r] = step.op == Opcode::reduce_max ? max_run(row, cols) : sum_run(row, cols);
            }
        }
        return out;
    }
    if (in->rows) mixes_rows();
    auto out = new_payload(step.shape, nullptr);
    const bool is_max = step.op == Opcode::reduce_max;
    std::fill(out->data.begin(), out->data.end(), is_max ? std::numeric_limits<float>::quiet_NaN() : 0.0F);
    std::size_t i = 0;
    for (std::int32_t b = 0; b < shape.batch(); ++b) {
        for (std::int32_t r = 0; r < shape.rows(); ++r) {
            for (std::size_t c = 0; c < cols; ++c, ++i) {
                const std::size_t kept = step.axis == 0 ? static_cast<std::size_t>(r) : static_cast<std::size_t>(b);
                float& to = out->data[kept * cols + c];
                to = is_max ? (exceeds(data[i], to) ? data[i] : to) : to + data[i];
            }
        }
    }
    return out;
}

/// Reductions and scans that go along any axis one line of elements at a time.
PayloadPtr evaluate_along(ValueStep& step) {
    const PayloadPtr in = materialise(step.operands[0]);
    if (in->rows) mixes_rows();
    const float* data = in->force();
    const Shape& shape = step.operands[0].view.shape;
    auto out = new_payload(step.shape, nullptr);
    const int slot = step.axis;
    const std::int64_t stride = dense_stride(shape, slot), count = shape.slot(slot);
    std::int64_t done = 0;
    for (std::int64_t first = 0; first < shape.elements(); ++first) {
        if (first / stride % count != 0) continue;  // not the head of a line
        const float* line = data + first;
        if (step.op == Opcode::cumsum) {
            float sum = 0.0F;
            for (std::int64_t i = 0; i < count; ++i)
                out->data[static_cast<std::size_t>(first + i * stride)] = sum += line[i * stride];
            continue;
        }
        std::int64_t best = 0;
        for (std::int64_t i = 1; i < count; ++i) {
            const float x = line[i * stride], y = line[best * stride];
            if (step.op == Opcode::argmax ? exceeds(x, y) : exceeds(-x, -y)) best = i;
        }
        out->data[static_cast<std::size_t>(done++)] =
            step.op == Opcode::reduce_min ? line[best * stride] : static_cast<float>(best);
    }
    return out;
}

PayloadPtr evaluate_repeat(ValueStep& step) {
    const PayloadPtr in = materialise(step.operands[0]);
    if (in->rows) mixes_rows();
    auto out = std::make_shared<Payload>();
    out->shape = step.shape;
    out->source = [in, rows = step.operands[0].view.shape.rows(), each = step.axis == 1](Payload& p) {
        const float* from = in->force();
        const std::int32_t times = p.shape.rows() / rows;
        const auto cols = static_cast<std::size_t>(p.shape.cols());
        p.data.resize(static_cast<std::size_t>(p.shape.elements()));
        float* to = p.data.data();
        for (std::int32_t batch = 0; batch < p.shape.batch(); ++batch)
            for (std::int32_t row = 0; row < p.shape.rows(); ++row, to += cols) {
                const std::int32_t source = batch * rows + (each ? row / times : row % rows);
                std::copy_n(from + static_cast<std::size_t>(source) * cols, cols, to);
            }
    };
    return out;
}

}  // namespace

PayloadPtr materialise(ValueOperand& operand) {
    PayloadPtr& payload = operand.payload;
    const View& view = operand.view;
    if (lies_as_stored(view, payload->shape)) {
        if (payload->rows && view.shape.cols() != payload->shape.cols() && !payload->empty()) mixes_rows();
        return payload;
    }
    if (payload->rows) {
        if (!payload->empty()) mixes_rows();
        return new_payload(view.shape, payload->rows);
    }
    const float* from = payload->force() + view.offset;
    auto out = new_payload(view.shape, nullptr);
    if (!payload->integers.empty()) {
        for (std::int64_t b = 0; b < view.shape.batch(); ++b)
            for (std::int64_t r = 0; r < view.shape.rows(); ++r)
                for (std::int64_t c = 0; c < view.shape.cols(); ++c)
                    out->integers.push_back(payload->integers[static_cast<std::size_t>(
                        view.offset + b * view.strides[0] + r * view.strides[1] + c * view.strides[2])]);
    }
    float* to = out->data.data();
    for (std::int32_t b = 0; b < view.shape.batch(); ++b) {
        for (std::int32_t r = 0; r < view.shape.rows(); ++r) {
            const float* row = from + static_cast<std::int64_t>(b) * view.strides[0] +
                               static_cast<std::int64_t>(r) * view.strides[1];
            for (std::int32_t c = 0; c < view.shape.cols(); ++c)
                *to++ = row[static_cast<std::int64_t>(c) * view.strides[2]];
        }
    }
    return out;
}

PayloadPtr evaluate(ValueStep& step) {
    for (int i = 0; i < step.count; ++i) {
        ValueOperand& operand = step.operands[static_cast<std::size_t>(i)];
        if (operand.record) operand.payload = operand.record->values;
    }
    PayloadPtr out;
    switch (step.op) {
        case Opcode::load:
            return step.access ? step.access->read() : step.box.tensor->read(step.box);
        case Opcode::store: {
            if (step.access) {
                const bool has_numbers = step.access->stores_numbers();
                step.access->write(has_numbers ? nullptr : materialise(step.operands[0]).get());
                return nullptr;
            }
            PayloadPtr stored = materialise(step.operands[0]);
            if (stored->shape.slots() != step.box.shape.slots()) {
                stored->force();  // a source fills the shape it was made for
                auto reshaped = std::make_shared<Payload>(*stored);
                reshaped->shape = step.box.shape;
                stored = reshaped;
            }
            step.box.tensor->write(step.box, std::move(stored));
            return nullptr;
        }
        case Opcode::send:
        case Opcode::multicast:
            // None of its rows is in the sample: the receiver gets a payload that says so.
            if (!step.operands[0].payload) {
                return new_payload(step.shape, std::make_shared<const std::vector<std::int32_t>>());
            }
            return materialise(step.operands[0]);
        case Opcode::compare:
            out = std::make_shared<Payload>();
            out->shape = step.shape;
            out->predicate = std::move(step.predicate);
            return out;
        case Opcode::fill:
            out = std::make_shared<Payload>();
            out->shape = step.shape;
            if (step.numbers) {
                out->source = [numbers = std::move(step.numbers), dtype = step.dtype](Payload& p) {
                    const auto size = static_cast<std::size_t>(p.shape.elements());
                    p.data.resize(size);
                    p.integers.resize(size);
                    for (std::size_t i = 0; i < size; ++i) {
                        p.integers[i] = numbers(static_cast<std::int32_t>(i));
                        p.data[i] = round_to(dtype, static_cast<float>(p.integers[i]));
                    }
                };
                return out;
            }
            out->source = [generator = std::move(step.generator)](Payload& p) {
                p.data.resize(static_cast<std::size_t>(p.shape.elements()));
                for (std::size_t i = 0; i < p.data.size(); ++i) p.data[i] = generator(static_cast<std::int32_t>(i));
            };
            return out;
        case Opcode::repeat:
            return evaluate_repeat(step);
        case Opcode::dot:
            out = evaluate_dot(step);
            break;
        case Opcode::reduce_max:
        case Opcode::reduce_sum:
        case Opcode::softmax:
            if (step.op != Opcode::softmax && reduces_integers(step)) return evaluate_integers_along(step);
            out = evaluate_reduction(step);
            break;
        case Opcode::reduce_min:
        case Opcode::argmax:
        case Opcode::argmin:
        case Opcode::cumsum:
            if (reduces_integers(step)) return evaluate_integers_along(step);
            out = evaluate_along(step);
            break;
        default:
            if (makes_integers(step)) return evaluate_made_integers(step);
            return works_on_integers(step) ? evaluate_integers(step) : evaluate_elementwise(step);
    }
    if (step.dtype != Dtype::f32) round_to(step.dtype, std::span<float>(out->data));
    return out;
}

}  // namespace tilemesh
