// SPDX-License-Identifier: Apache-2.0
#include "sim/tile/integers.h"

#include "sim/base/error.h"

#include <array>
#include <bit>
#include <cmath>
#include <functional>

namespace tilemesh {
namespace {

constexpr bool is_integer(Dtype dtype) { return !is_floating(dtype) && dtype != Dtype::mask; }

/// Reads an operand element by element under the broadcast to the result's shape.
class Numbers {
public:
    explicit Numbers(const ValueOperand& operand) : scalar_(operand.whole) {
        if (!operand.record) return;
        const Shape& shape = operand.view.shape;
        payload_ = operand.payload;
        data_ = payload_->force() + operand.view.offset;
        if (!payload_->integers.empty()) integers_ = payload_->integers.data() + operand.view.offset;
        for (int i = 0; i < 3; ++i) {
            const auto slot = static_cast<std::size_t>(i);
            strides_[slot] = shape.slot(i) == 1 ? 0 : operand.view.strides[slot];
        }
    }
    std::int64_t at(std::int64_t b, std::int64_t r, std::int64_t c) const {
        if (!data_) return scalar_;
        const std::int64_t i = place(b, r, c);
        return integers_ ? integers_[i] : static_cast<std::int64_t>(data_[i]);
    }
    float float_at(std::int64_t b, std::int64_t r, std::int64_t c) const { return data_[place(b, r, c)]; }

private:
    std::int64_t place(std::int64_t b, std::int64_t r, std::int64_t c) const {
        return b * strides_[0] + r * strides_[1] + c * strides_[2];
    }
    std::int64_t scalar_;
    PayloadPtr payload_;
    const float* data_ = nullptr;
    const std::int64_t* integers_ = nullptr;
    std::array<std::int64_t, 3> strides_{};
};

/// Overflows wrap: the sum of two's complements is that of their unsigned numbers.
template <class F>
std::int64_t wrapping(std::int64_t a, std::int64_t b, F f) {
    return static_cast<std::int64_t>(f(static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b)));
}

bool is_less(bool natural, std::int64_t a, std::int64_t b) {
    return natural ? static_cast<std::uint64_t>(a) < static_cast<std::uint64_t>(b) : a < b;
}

/// A division as C has it; by 0 all bits are set.
std::int64_t divided(bool natural, std::int64_t a, std::int64_t b, bool remainder) {
    if (b == 0) return remainder ? a : -1;
    if (natural) return wrapping(a, b, [&](std::uint64_t x, std::uint64_t y) { return remainder ? x % y : x / y; });
    if (b == -1) return remainder ? 0 : wrapping(0, a, std::minus<>());
    return remainder ? a % b : a / b;
}

/// `natural`: the operands are of 64 bits without a sign.
std::int64_t computed(Opcode op, bool natural, std::int64_t a, std::int64_t b, std::int64_t c) {
    switch (op) {
        case Opcode::add:
            return wrapping(a, b, std::plus<>());
        case Opcode::subtract:
            return wrapping(a, b, std::minus<>());
        case Opcode::multiply:
            return wrapping(a, b, std::multiplies<>());
        case Opcode::divide:
        case Opcode::remainder:
            return divided(natural, a, b, op == Opcode::remainder);
        case Opcode::maximum:
            return is_less(natural, a, b) ? b : a;
        case Opcode::minimum:
            return is_less(natural, b, a) ? b : a;
        case Opcode::both:
            return a & b;
        case Opcode::either:
            return a | b;
        case Opcode::exclusive:
            return a ^ b;
        case Opcode::shift_left:
            return b < 0 || b > 63 ? 0 : static_cast<std::int64_t>(static_cast<std::uint64_t>(a) << b);
        case Opcode::shift_right:
            if (b < 0 || b > 63) return !natural && a < 0 ? -1 : 0;
            return natural ? static_cast<std::int64_t>(static_cast<std::uint64_t>(a) >> b) : a >> b;
        case Opcode::less:
            return is_less(natural, a, b) ? 1 : 0;
        case Opcode::less_equal:
            return is_less(natural, b, a) ? 0 : 1;
        case Opcode::equal:
            return a == b ? 1 : 0;
        case Opcode::not_equal:
            return a != b ? 1 : 0;
        case Opcode::where:
            return a != 0 ? b : c;
        case Opcode::abs:
            return a < 0 ? wrapping(0, a, std::minus<>()) : a;
        default:  // cast
            return a;
    }
}

constexpr bool compares(Opcode op) { return op >= Opcode::less && op <= Opcode::not_equal; }

constexpr bool computes(Opcode op) {
    switch (op) {
        case Opcode::add:
        case Opcode::subtract:
        case Opcode::multiply:
        case Opcode::divide:
        case Opcode::remainder:
        case Opcode::maximum:
        case Opcode::minimum:
        case Opcode::both:
        case Opcode::either:
        case Opcode::exclusive:
        case Opcode::shift_left:
        case Opcode::shift_right:
        case Opcode::where:
        case Opcode::abs:
        case Opcode::cast:
            return true;
        default:
            return false;
    }
}

}  // namespace

std::int64_t wrapped(Dtype dtype, std::int64_t value) {
    switch (dtype) {
        case Dtype::mask:
            return value != 0 ? 1 : 0;
        case Dtype::i8:
            return static_cast<std::int8_t>(value);
        case Dtype::i16:
            return static_cast<std::int16_t>(value);
        case Dtype::i32:
            return static_cast<std::int32_t>(value);
        case Dtype::u8:
            return static_cast<std::uint8_t>(value);
        case Dtype::u16:
            return static_cast<std::uint16_t>(value);
        case Dtype::u32:
            return static_cast<std::uint32_t>(value);
        default:
            return value;
    }
}

std::int64_t bits_of(Dtype dtype, float value) {
    if (dtype == Dtype::f32) return std::bit_cast<std::uint32_t>(value);
    if (is_fp8(dtype)) {
        std::uint8_t bits = 0;
        pack_8bit(dtype, std::span(&value, 1), std::span(&bits, 1));
        return bits;
    }
    std::uint16_t bits = 0;
    pack_16bit(dtype, std::span(&value, 1), std::span(&bits, 1));
    return bits;
}

float float_of_bits(Dtype dtype, std::int64_t bits) {
    float value = 0;
    if (dtype == Dtype::f32) return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    if (is_fp8(dtype)) {
        const auto narrow = static_cast<std::uint8_t>(bits);
        unpack_8bit(dtype, std::span(&narrow, 1), std::span(&value, 1));
        return value;
    }
    const auto narrow = static_cast<std::uint16_t>(bits);
    unpack_16bit(dtype, std::span(&narrow, 1), std::span(&value, 1));
    return value;
}

bool works_on_integers(const ValueStep& step) {
    if (step.op == Opcode::bits) return true;
    if (!compares(step.op) && !computes(step.op)) return false;
    bool wide = false;
    for (int i = 0; i < step.count; ++i) {
        const ValueOperand& operand = step.operands[static_cast<std::size_t>(i)];
        if (!operand.record) continue;
        const Dtype dtype = operand.record->dtype;
        if (is_floating(dtype) || operand.payload->rows) return false;
        wide = wide || (is_integer(dtype) && bytes_per_element(dtype) >= 4);
    }
    // What f32 holds exactly may stay there: comparisons and casts of narrow integers.
    if (compares(step.op) || is_floating(step.dtype)) return wide && (compares(step.op) || step.op == Opcode::cast);
    return is_integer(step.dtype);
}

PayloadPtr evaluate_integers(ValueStep& step) {
    const Shape& shape = step.shape;
    for (int i = 0; i < step.count; ++i) {
        const ValueOperand& operand = step.operands[static_cast<std::size_t>(i)];
        if (operand.record && operand.payload->rows)
            fail<KernelError>("bits of sampled rows are not computed: run this kernel with values full or none");
    }
    const Numbers first(step.operands[0]), second(step.operands[1]), third(step.operands[2]);
    const Dtype from = step.operands[0].record ? step.operands[0].record->dtype : step.dtype;
    bool natural = false;
    for (int i = 0; i < step.count; ++i) {
        const ValueOperand& operand = step.operands[static_cast<std::size_t>(i)];
        natural = natural || (operand.record && operand.record->dtype == Dtype::u64);
    }
    auto out = std::make_shared<Payload>();
    out->shape = shape;
    out->data.resize(static_cast<std::size_t>(shape.elements()));
    const bool gives_floats = is_floating(step.dtype), keeps = is_integer(step.dtype);
    if (keeps) out->integers.resize(out->data.size());
    std::size_t i = 0;
    for (std::int64_t b = 0; b < shape.batch(); ++b)
        for (std::int64_t r = 0; r < shape.rows(); ++r)
            for (std::int64_t c = 0; c < shape.cols(); ++c, ++i) {
                if (step.op == Opcode::bits && gives_floats) {
                    out->data[i] = float_of_bits(step.dtype, first.at(b, r, c));
                    continue;
                }
                const std::int64_t number =
                    step.op == Opcode::bits && is_floating(from)
                        ? bits_of(from, first.float_at(b, r, c))
                        : computed(step.op, natural, first.at(b, r, c), second.at(b, r, c), third.at(b, r, c));
                const std::int64_t kept = wrapped(step.dtype, number);
                if (keeps) out->integers[i] = kept;
                const bool large = gives_floats ? from == Dtype::u64 : step.dtype == Dtype::u64;
                out->data[i] =
                    large ? static_cast<float>(static_cast<std::uint64_t>(kept)) : static_cast<float>(kept);
                if (gives_floats) out->data[i] = round_to(step.dtype, out->data[i]);
            }
    return out;
}

bool makes_integers(const ValueStep& step) {
    if (step.op != Opcode::cast && step.op != Opcode::truncate) return false;
    const ValueOperand& operand = step.operands[0];
    return is_integer(step.dtype) && bytes_per_element(step.dtype) >= 4 && operand.record &&
           is_floating(operand.record->dtype) && !operand.payload->rows;
}

PayloadPtr evaluate_made_integers(ValueStep& step) {
    const PayloadPtr in = materialise(step.operands[0]);
    const float* from = in->force();
    auto out = std::make_shared<Payload>();
    out->shape = step.shape;
    out->data.resize(static_cast<std::size_t>(step.shape.elements()));
    out->integers.resize(out->data.size());
    const bool natural = step.dtype == Dtype::u32 || step.dtype == Dtype::u64;
    const int bits = static_cast<int>(8 * bytes_per_element(step.dtype));
    const float beyond = std::ldexp(1.0F, natural ? bits : bits - 1), least = natural ? 0.0F : -beyond;
    const std::uint64_t most = ~std::uint64_t{0} >> (64 - (natural ? bits : bits - 1));
    for (std::size_t i = 0; i < out->data.size(); ++i) {
        const float whole = step.op == Opcode::truncate ? std::trunc(from[i]) : std::nearbyint(from[i]);
        std::uint64_t number = 0;  // of what is no number
        if (whole >= beyond) {
            number = most;
        } else if (whole >= least) {
            number = natural ? static_cast<std::uint64_t>(whole)
                             : static_cast<std::uint64_t>(static_cast<std::int64_t>(whole));
        } else if (whole < least) {
            number = natural ? 0 : ~most;
        }
        out->integers[i] = static_cast<std::int64_t>(number);
        out->data[i] = natural ? static_cast<float>(number) : static_cast<float>(out->integers[i]);
    }
    return out;
}

bool reduces_integers(const ValueStep& step) {
    const ValueOperand& operand = step.operands[0];
    const Dtype dtype = operand.record->dtype;
    return is_integer(dtype) && bytes_per_element(dtype) >= 4 && is_integer(step.dtype) && !operand.payload->rows;
}

PayloadPtr evaluate_integers_along(ValueStep& step) {
    const Numbers in(step.operands[0]);
    const Shape &shape = step.operands[0].view.shape, &kept = step.shape;
    const bool natural = step.operands[0].record->dtype == Dtype::u64, scans = step.op == Opcode::cumsum;
    const bool picks = step.op == Opcode::argmax || step.op == Opcode::argmin;
    const bool largest = step.op == Opcode::argmax || step.op == Opcode::reduce_max;
    auto out = std::make_shared<Payload>();
    out->shape = kept;
    const auto slot = static_cast<std::size_t>(step.axis);
    for (std::int64_t b = 0; b < kept.batch(); ++b)
        for (std::int64_t r = 0; r < kept.rows(); ++r)
            for (std::int64_t c = 0; c < kept.cols(); ++c) {
                std::array<std::int64_t, 3> at{b, r, c};
                const std::int64_t count = scans ? at[slot] + 1 : shape.slot(step.axis);
                std::int64_t sum = 0, best = 0, place = 0;
                for (std::int64_t i = 0; i < count; ++i) {
                    at[slot] = i;
                    const std::int64_t number = in.at(at[0], at[1], at[2]);
                    sum = wrapping(sum, number, std::plus<>());
                    if (i == 0 || (largest ? is_less(natural, best, number) : is_less(natural, number, best))) {
                        best = number;
                        place = i;
                    }
                }
                const bool sums = scans || step.op == Opcode::reduce_sum;
                out->integers.push_back(wrapped(step.dtype, sums ? sum : picks ? place : best));
            }
    out->data.resize(out->integers.size());
    for (std::size_t i = 0; i < out->integers.size(); ++i)
        out->data[i] = step.dtype == Dtype::u64 ? static_cast<float>(static_cast<std::uint64_t>(out->integers[i]))
                                                : static_cast<float>(out->integers[i]);
    return out;
}

}  // namespace tilemesh
