// SPDX-License-Identifier: Apache-2.0
#include "sim/tile/elementwise.h"

#include "sim/base/error.h"
#include "sim/base/instruction_sets.h"
#include "sim/tile/vector_math.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

namespace tilemesh {
namespace {

/// A row of an operand: where it begins and how far apart its elements are (0: one value for the whole row).
struct Row {
    const float* data;
    std::int32_t step;
};

template <class F>
inline void each(const Row& a, const Row& b, float* out, std::size_t n, F f) {
    // The two common strides are written out so that the compiler vectorises them.
    if (a.step == 1 && b.step == 1) {
        for (std::size_t i = 0; i < n; ++i) out[i] = f(a.data[i], b.data[i]);
    } else if (a.step == 1 && b.step == 0) {
        const float y = *b.data;
        for (std::size_t i = 0; i < n; ++i) out[i] = f(a.data[i], y);
    } else {
        for (std::size_t i = 0; i < n; ++i) {
            out[i] = f(a.data[i * static_cast<std::size_t>(a.step)], b.data[i * static_cast<std::size_t>(b.step)]);
        }
    }
}

TILEMESH_INSTRUCTION_SETS void binary_run(Opcode op, const Row& a, const Row& b, float* out, std::size_t n) {
    switch (op) {
        case Opcode::add:
            each(a, b, out, n, [](float x, float y) { return x + y; });
            break;
        case Opcode::subtract:
            each(a, b, out, n, [](float x, float y) { return x - y; });
            break;
        case Opcode::multiply:
            each(a, b, out, n, [](float x, float y) { return x * y; });
            break;
        case Opcode::divide:
            each(a, b, out, n, [](float x, float y) { return x / y; });
            break;
        case Opcode::maximum:
            each(a, b, out, n, [](float x, float y) { return x < y || x != x ? y : x; });
            break;
        case Opcode::minimum:
            each(a, b, out, n, [](float x, float y) { return y < x || x != x ? y : x; });
            break;
        case Opcode::less:
            each(a, b, out, n, [](float x, float y) { return x < y ? 1.0F : 0.0F; });
            break;
        case Opcode::less_equal:
            each(a, b, out, n, [](float x, float y) { return x <= y ? 1.0F : 0.0F; });
            break;
        case Opcode::equal:
            each(a, b, out, n, [](float x, float y) { return x == y ? 1.0F : 0.0F; });
            break;
        case Opcode::not_equal:
            each(a, b, out, n, [](float x, float y) { return x != y ? 1.0F : 0.0F; });
            break;
        case Opcode::both:
            each(a, b, out, n, [](float x, float y) { return x != 0.0F && y != 0.0F ? 1.0F : 0.0F; });
            break;
        case Opcode::either:
            each(a, b, out, n, [](float x, float y) { return x != 0.0F || y != 0.0F ? 1.0F : 0.0F; });
            break;
        case Opcode::exclusive:
            each(a, b, out, n, [](float x, float y) { return (x != 0.0F) != (y != 0.0F) ? 1.0F : 0.0F; });
            break;
        case Opcode::power:
            each(a, b, out, n, [](float x, float y) { return std::pow(x, y); });
            break;
        case Opcode::remainder:
            each(a, b, out, n, [](float x, float y) { return std::fmod(x, y); });
            break;
        default:
            break;
    }
}

TILEMESH_INSTRUCTION_SETS void ternary_run(bool adds, const Row& a, const Row& b, const Row& c, float* out,
                                           std::size_t n) {
    const float sign = adds ? 1.0F : -1.0F;
    if (a.step == 1 && b.step == 0 && c.step == 0) {
        const float y = *b.data, z = sign * *c.data;
        for (std::size_t i = 0; i < n; ++i) out[i] = a.data[i] * y + z;
        return;
    }
    for (std::size_t i = 0; i < n; ++i) {
        out[i] = a.data[i * static_cast<std::size_t>(a.step)] * b.data[i * static_cast<std::size_t>(b.step)] +
                 sign * c.data[i * static_cast<std::size_t>(c.step)];
    }
}

/// A mask that nobody has looked at, seen as it was made: its rows are decided only where they are needed.
bool is_undecided(const ValueOperand& operand) {
    if (!operand.record || !operand.payload->predicate) return false;
    const View& view = operand.view;
    const Shape& made = operand.payload->shape;
    return view.offset == 0 && view.shape.slots() == made.slots() && (made.cols() == 1 || view.strides[2] == 1) &&
           (made.rows() == 1 || view.strides[1] == made.cols());
}

/// Finds rows of one operand under the broadcast to the result's shape.
class Rows {
public:
    Rows(ValueOperand& operand, const Shape& result, const RowSet& rows) : scalar_(&operand.scalar) {
        if (!operand.record) return;
        const Shape& shape = operand.view.shape;
        if (operand.payload->rows) {
            const PayloadPtr whole = materialise(operand);
            holder_ = whole;
            data_ = whole->force();
            if (shape.batch() != result.batch() || shape.rows() != result.rows() || !rows ||
                (whole->rows != rows && *whole->rows != *rows)) {
                fail<KernelError>("tiles whose sampled rows differ cannot be combined element by element");
            }
            sampled_ = true;
            row_stride_ = shape.cols();
        } else {
            holder_ = operand.payload;
            data_ = operand.payload->force() + operand.view.offset;
            batch_stride_ = shape.batch() == 1 ? 0 : operand.view.strides[0];
            row_stride_ = shape.rows() == 1 ? 0 : operand.view.strides[1];
        }
        step_ = shape.cols() == 1 && result.cols() != 1 ? 0 : sampled_ ? 1 : operand.view.strides[2];
        if (shape.cols() == 1) step_ = 0;
    }
    Row at(std::size_t position, std::int32_t batch, std::int32_t row) const {
        if (!data_) return {scalar_, 0};
        if (sampled_) return {data_ + position * static_cast<std::size_t>(row_stride_), step_};
        return {
            data_ + static_cast<std::int64_t>(batch) * batch_stride_ + static_cast<std::int64_t>(row) * row_stride_,
            step_};
    }

private:
    const float* scalar_;
    PayloadPtr holder_;
    const float* data_ = nullptr;
    std::int32_t batch_stride_ = 0, row_stride_ = 0, step_ = 0;
    bool sampled_ = false;
};

/// Functions of one number that the standard library has; null for others.
float (*library_function(Opcode op))(float) {
    switch (op) {
        case Opcode::log:
            return [](float x) { return std::log(x); };
        case Opcode::log2:
            return [](float x) { return std::log2(x); };
        case Opcode::sqrt:
            return [](float x) { return std::sqrt(x); };
        case Opcode::rsqrt:
            return [](float x) { return 1.0F / std::sqrt(x); };
        case Opcode::sin:
            return [](float x) { return std::sin(x); };
        case Opcode::cos:
            return [](float x) { return std::cos(x); };
        case Opcode::erf:
            return [](float x) { return std::erf(x); };
        case Opcode::abs:
            return [](float x) { return std::fabs(x); };
        case Opcode::floor:
            return [](float x) { return std::floor(x); };
        case Opcode::ceil:
            return [](float x) { return std::ceil(x); };
        case Opcode::truncate:
            return [](float x) { return std::trunc(x); };
        default:
            return nullptr;
    }
}

void unary_run(Opcode op, const Row& a, float* out, std::size_t n) {
    if (const auto function = library_function(op)) {
        for (std::size_t i = 0; i < n; ++i) out[i] = function(a.data[i * static_cast<std::size_t>(a.step)]);
        return;
    }
    const float* in = a.data;
    if (a.step != 1) {
        for (std::size_t i = 0; i < n; ++i) out[i] = a.data[i * static_cast<std::size_t>(a.step)];
        in = out;
    }
    if (op == Opcode::exp) {
        exp_run(in, out, n);
    } else if (op == Opcode::exp2) {
        exp2_run(in, out, n);
    } else if (op == Opcode::tanh) {
        tanh_run(in, out, n);
    } else if (in != out) {
        std::copy_n(in, n, out);
    }
}

TILEMESH_INSTRUCTION_SETS void select_run(const Row& flags, const Row& a, const Row& b, float* out, std::size_t n) {
    if (flags.step == 1 && a.step == 1 && b.step == 0) {
        const float other = *b.data;
        for (std::size_t i = 0; i < n; ++i) out[i] = flags.data[i] != 0.0F ? a.data[i] : other;
        return;
    }
    for (std::size_t i = 0; i < n; ++i) {
        const bool yes = flags.data[i * static_cast<std::size_t>(flags.step)] != 0.0F;
        out[i] = yes ? a.data[i * static_cast<std::size_t>(a.step)] : b.data[i * static_cast<std::size_t>(b.step)];
    }
}

/// Rows of a mask that nobody has looked at, decided one at a time as they are needed.
class UndecidedRows {
public:
    UndecidedRows(const ValueOperand& mask) : mask_(mask), flags_(static_cast<std::size_t>(mask.view.shape.cols())) {}
    Row at(std::int32_t batch, std::int32_t row) {
        const Shape& shape = mask_.view.shape;
        mask_.payload->predicate(shape.batch() == 1 ? 0 : batch, shape.rows() == 1 ? 0 : row, flags_);
        return {flags_.data(), shape.cols() == 1 ? 0 : 1};
    }

private:
    const ValueOperand& mask_;
    std::vector<float> flags_;
};

}  // namespace

PayloadPtr evaluate_elementwise(ValueStep& step) {
    const Shape& shape = step.shape;
    auto out = std::make_shared<Payload>();
    out->shape = shape;
    for (int i = 0; i < step.count; ++i) {
        const ValueOperand& operand = step.operands[static_cast<std::size_t>(i)];
        if (operand.record && operand.payload->rows) {
            out->rows = operand.payload->rows;
            break;
        }
    }
    if (out->empty()) return out;
    const auto all = static_cast<std::size_t>(shape.batch()) * static_cast<std::size_t>(shape.rows());
    const std::size_t count = out->rows ? out->rows->size() : all;
    const auto cols = static_cast<std::size_t>(shape.cols());
    out->data.resize(count * cols);
    ValueOperand nothing;
    const bool asks = step.op == Opcode::where && is_undecided(step.operands[0]);
    const Rows first(asks ? nothing : step.operands[0], shape, out->rows), second(step.operands[1], shape, out->rows),
        third(step.operands[2], shape, out->rows);
    std::optional<UndecidedRows> undecided;
    if (asks) undecided.emplace(step.operands[0]);
    for (std::size_t i = 0; i < count; ++i) {
        const std::int32_t flat = out->rows ? (*out->rows)[i] : static_cast<std::int32_t>(i);
        const std::int32_t batch = flat / shape.rows(), row = flat % shape.rows();
        float* to = out->data.data() + i * cols;
        const Row a = first.at(i, batch, row);
        if (step.count == 1) {
            unary_run(step.op, a, to, cols);
            round_to(step.dtype, std::span<float>(to, cols));
            continue;
        }
        switch (step.op) {
            case Opcode::fma:
            case Opcode::fms:
                ternary_run(step.op == Opcode::fma, a, second.at(i, batch, row), third.at(i, batch, row), to, cols);
                break;
            case Opcode::where:
                select_run(undecided ? undecided->at(batch, row) : a, second.at(i, batch, row),
                           third.at(i, batch, row), to, cols);
                break;
            default:
                binary_run(step.op, a, second.at(i, batch, row), to, cols);
                break;
        }
        round_to(step.dtype, std::span<float>(to, cols));  // here, while the row is in the cache
    }
    return out;
}

}  // namespace tilemesh
