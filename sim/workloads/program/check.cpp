// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/program/check.h"

#include "sim/base/error.h"
#include "sim/workloads/program/python_reference.h"
#include "sim/workloads/program/tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tilemesh::workloads {
namespace {

struct Difference {
    double squares = 0, expected = 0, most = 0;
    std::int64_t missing = 0, wrong = 0;  // never stored; not a number, or infinite where it should not be
};

/// How far the two are apart, to the last digit.
double distance(program::Type type, std::int64_t a, std::int64_t b) {
    const auto first = static_cast<std::uint64_t>(a), second = static_cast<std::uint64_t>(b);
    const bool first_is_larger = type == program::Type::u64 ? first > second : a > b;
    return static_cast<double>(first_is_larger ? first - second : second - first);
}

Difference difference(const HostTensor& expected, const program::Array& array, std::size_t copy) {
    Difference out;
    for (std::int64_t i = 0; i < array.elements(); ++i) {
        const auto at = static_cast<std::size_t>(i);
        const double want = expected.values[at];
        std::optional<double> got;
        double error = 0;
        if (program::is_float(array.type())) {
            if (const auto value = array.float_at(copy, i)) got = *value;
            if (got && *got != want) error = *got - want;
        } else if (const auto value = array.integer_at(copy, i)) {
            got = program::number_of(array.type(), *value);
            error = expected.integers.empty() ? *got - want : distance(array.type(), *value, expected.integers[at]);
        }
        if (!got) {
            ++out.missing;
            continue;
        }
        if (error == 0) {
            if (std::isfinite(want)) out.expected += want * want;
            continue;
        }
        if (!std::isfinite(error)) {
            ++out.wrong;
            continue;
        }
        out.squares += error * error;
        out.expected += want * want;
        out.most = std::max(out.most, std::fabs(error));
    }
    return out;
}

}  // namespace

void check_expectations(const ProgramPanel& panel) {
    for (const CheckChoice& check : panel.checks) {
        const TensorChoice& tensor = *panel.find(check.tensor);
        if (check.reference.empty()) {
            if (check.function.empty()) from_file(check, tensor);
            continue;
        }
        std::map<std::string, HostTensor> inputs;
        ReferenceInputs by_role;
        for (const auto& [role, name] : check.inputs) {
            const TensorChoice& input = *panel.find(name);
            if (input.content.what == ContentChoice::What::nothing)
                fail<InputError>("{}: {} has no values before the program runs", check.where, name);
            inputs[role].shape = input.shape;
            by_role[role] = &inputs[role];
        }
        std::int64_t elements = 1;
        try {
            for (const std::int64_t dim : reference_of(check.reference).shape(by_role, check.options))
                elements *= dim;
        } catch (const InputError& error) {
            fail<InputError>("{}: {}", check.where, error.what());
        }
        if (elements != tensor.elements())
            fail<InputError>("{}: the {} of these has {} elements, {} has {}", check.where, check.reference, elements,
                             check.tensor, tensor.elements());
    }
}

std::map<std::string, HostTensor> expectations(
    const ProgramPanel& panel, const std::map<std::string, std::shared_ptr<const program::ArrayValues>>& values) {
    check_expectations(panel);
    std::map<std::string, HostTensor> expected;
    for (const CheckChoice& check : panel.checks) {
        if (!check.function.empty()) {
            expected[check.tensor] = python_reference(panel, check, values);
            continue;
        }
        if (check.reference.empty()) {
            expected[check.tensor] = from_file(check, *panel.find(check.tensor));
            continue;
        }
        std::map<std::string, HostTensor> inputs;
        ReferenceInputs by_role;
        for (const auto& [role, name] : check.inputs) {
            inputs[role] = to_host(*panel.find(name), *values.at(name));
            by_role[role] = &inputs[role];
        }
        try {
            expected[check.tensor] = reference_of(check.reference).compute(by_role, check.options);
        } catch (const InputError& error) {
            fail<InputError>("{}: {}", check.where, error.what());
        }
        if (static_cast<std::int64_t>(expected[check.tensor].values.size()) != panel.find(check.tensor)->elements())
            fail<InternalError>("{}: {} is not of the shape it says", check.where, check.reference);
    }
    return expected;
}

double standard_tolerance(const ProgramPanel& panel) {
    double allowed = 1e-5;
    for (const TensorChoice& tensor : panel.tensors) {
        if (!program::is_float(tensor.type)) continue;
        const double own = tensor.type == program::Type::f32    ? 1e-5
                           : tensor.type == program::Type::f16  ? 1e-3
                           : tensor.type == program::Type::bf16 ? 8e-3
                                                                : 6e-2;
        allowed = std::max(allowed, own);
    }
    return allowed;
}

report::VerdictResult judge(const ProgramPanel& panel, const std::map<std::string, HostTensor>& expected,
                            const std::map<std::string, Ref<program::Array>>& arrays) {
    report::VerdictResult verdict;
    verdict.mode = "full";
    verdict.pass = true;
    double nearest = -1;
    for (const CheckChoice& check : panel.checks) {
        const program::Array& array = *arrays.at(check.tensor);
        const bool exact = !program::is_float(array.type());
        const double allowed =
            exact ? 0.0 : check.tolerance.value_or(panel.tolerance.value_or(standard_tolerance(panel)));
        for (std::size_t copy = 0; copy < array.copies(); ++copy) {
            const Difference d = difference(expected.at(check.tensor), array, copy);
            double error = d.expected > 0 ? std::sqrt(d.squares / d.expected) : std::sqrt(d.squares);
            if (d.wrong > 0) error = std::numeric_limits<double>::quiet_NaN();
            const bool right = d.missing == 0 && error <= allowed;
            const std::string which =
                array.copies() > 1 ? fmt::format("copy {} of {}", copy, check.tensor) : check.tensor;
            verdict.rows_checked += static_cast<std::uint64_t>(array.elements());
            verdict.max_error = std::max(verdict.max_error, d.most);
            // Of several tensors the one nearest to its limit, or furthest beyond, is shown.
            const double share = std::isnan(error) ? std::numeric_limits<double>::infinity()
                                 : allowed > 0     ? error / allowed
                                                   : error;
            if (share > nearest) {
                nearest = share;
                verdict.relative_l2 = error;
                verdict.tolerance = allowed;
                verdict.units_of = which;
            }
            if (right || !verdict.why.empty()) continue;
            verdict.pass = false;
            verdict.why = d.missing > 0 ? fmt::format("{}: {} of {} elements were never stored", which, d.missing,
                                                      array.elements())
                          : d.wrong > 0 ? fmt::format("{}: {} of {} elements are no numbers, or infinite", which,
                                                      d.wrong, array.elements())
                                        : fmt::format("{}: error {:.3g} of {:.3g} allowed", which, error, allowed);
        }
    }
    return verdict;
}

}  // namespace tilemesh::workloads
