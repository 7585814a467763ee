// SPDX-License-Identifier: Apache-2.0
// The operations of tile programs and their parameters: the one list that the reader, the interpreter and README.md's
// tests go by.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace tilemesh::program {

// X(enumerator, name, parameters)
#define TILEMESH_OPERATIONS(X)                                                                                 \
    X(add, "add", "a, b")                                                                                      \
    X(sub, "sub", "a, b")                                                                                      \
    X(mul, "mul", "a, b")                                                                                      \
    X(truediv, "truediv", "a, b")                                                                              \
    X(floordiv, "floordiv", "a, b")                                                                            \
    X(mod, "mod", "a, b")                                                                                      \
    X(pow, "pow", "a, b")                                                                                      \
    X(neg, "neg", "a")                                                                                         \
    X(minimum, "minimum", "a, b")                                                                              \
    X(maximum, "maximum", "a, b")                                                                              \
    X(clamp, "clamp", "x, min, max")                                                                           \
    X(fma, "fma", "x, y, z")                                                                                   \
    X(abs, "abs", "x")                                                                                         \
    X(cdiv, "cdiv", "a, b")                                                                                    \
    X(fdiv, "fdiv", "a, b")                                                                                    \
    X(and_, "and", "a, b")                                                                                     \
    X(or_, "or", "a, b")                                                                                       \
    X(xor_, "xor", "a, b")                                                                                     \
    X(shl, "shl", "a, b")                                                                                      \
    X(shr, "shr", "a, b")                                                                                      \
    X(invert, "invert", "a")                                                                                   \
    X(lt, "lt", "a, b")                                                                                        \
    X(le, "le", "a, b")                                                                                        \
    X(gt, "gt", "a, b")                                                                                        \
    X(ge, "ge", "a, b")                                                                                        \
    X(eq, "eq", "a, b")                                                                                        \
    X(ne, "ne", "a, b")                                                                                        \
    X(logical_and, "logical_and", "a, b")                                                                      \
    X(logical_or, "logical_or", "a, b")                                                                        \
    X(logical_not, "logical_not", "a")                                                                         \
    X(is_known, "is_known", "x")                                                                               \
    X(decides_and, "decides_and", "x")                                                                         \
    X(decides_or, "decides_or", "x")                                                                           \
    X(and_then, "and_then", "a, b")                                                                            \
    X(or_else, "or_else", "a, b")                                                                              \
    X(not_, "not", "x")                                                                                        \
    X(is, "is", "a, b")                                                                                        \
    X(contains, "contains", "tuple, x")                                                                        \
    X(exp, "exp", "x")                                                                                         \
    X(exp2, "exp2", "x")                                                                                       \
    X(log, "log", "x")                                                                                         \
    X(log2, "log2", "x")                                                                                       \
    X(sqrt, "sqrt", "x")                                                                                       \
    X(rsqrt, "rsqrt", "x")                                                                                     \
    X(sin, "sin", "x")                                                                                         \
    X(cos, "cos", "x")                                                                                         \
    X(erf, "erf", "x")                                                                                         \
    X(floor, "floor", "x")                                                                                     \
    X(ceil, "ceil", "x")                                                                                       \
    X(tanh, "tanh", "x")                                                                                       \
    X(sigmoid, "sigmoid", "x")                                                                                 \
    X(where, "where", "condition, x, y")                                                                       \
    X(cast, "cast", "x, dtype, bitcast=false")                                                                 \
    X(as_pointer, "as_pointer", "x, dtype")                                                                    \
    X(const_, "const", "x")                                                                                    \
    X(int_, "int", "x")                                                                                        \
    X(float_, "float", "x")                                                                                    \
    X(bool_, "bool", "x")                                                                                      \
    X(item, "item", "tuple, i")                                                                                \
    X(length, "length", "x")                                                                                   \
    X(attribute, "attribute", "x, name")                                                                       \
    X(method, "method", "x, name")                                                                             \
    X(is_a, "is_a", "x, what")                                                                                 \
    X(program_id, "program_id", "axis")                                                                        \
    X(num_programs, "num_programs", "axis")                                                                    \
    X(arange, "arange", "start, end")                                                                          \
    X(zeros, "zeros", "shape, dtype=f32")                                                                      \
    X(full, "full", "shape, value, dtype")                                                                     \
    X(zeros_like, "zeros_like", "x")                                                                           \
    X(expand_dims, "expand_dims", "x, axis")                                                                   \
    X(broadcast_to, "broadcast_to", "x, shape")                                                                \
    X(broadcast, "broadcast", "a, b")                                                                          \
    X(trans, "trans", "x, dims=none")                                                                          \
    X(permute, "permute", "x, dims")                                                                           \
    X(reshape, "reshape", "x, shape")                                                                          \
    X(ravel, "ravel", "x")                                                                                     \
    X(join, "join", "a, b")                                                                                    \
    X(split, "split", "x")                                                                                     \
    X(cat, "cat", "a, b")                                                                                      \
    X(sum, "sum", "x, axis=none, keep_dims=false, dtype=none")                                                 \
    X(max, "max", "x, axis=none, return_indices=false, return_indices_tie_break_left=true, keep_dims=false")   \
    X(min, "min", "x, axis=none, return_indices=false, return_indices_tie_break_left=true, keep_dims=false")   \
    X(argmax, "argmax", "x, axis, tie_break_left=true, keep_dims=false")                                       \
    X(argmin, "argmin", "x, axis, tie_break_left=true, keep_dims=false")                                       \
    X(cumsum, "cumsum", "x, axis=0, reverse=false")                                                            \
    X(softmax, "softmax", "x, dim=none, keep_dims=false, ieee_rounding=false")                                 \
    X(dot, "dot",                                                                                              \
      "a, b, acc=none, input_precision=none, allow_tf32=none, max_num_imprecise_acc=none, out_dtype=f32")      \
    X(load, "load",                                                                                            \
      "pointer, mask=none, other=none, boundary_check=(), padding_option=\"\", cache_modifier=\"\", "          \
      "eviction_policy=\"\", volatile=false, shape=none, dtype=none, network=none")                            \
    X(store, "store",                                                                                          \
      "pointer, value, mask=none, boundary_check=(), cache_modifier=\"\", eviction_policy=\"\", network=none") \
    X(atomic_add, "atomic_add", "pointer, val, mask=none, sem=none, scope=none")                               \
    X(atomic_cas, "atomic_cas", "pointer, cmp, val, sem=none, scope=none")                                     \
    X(atomic_max, "atomic_max", "pointer, val, mask=none, sem=none, scope=none")                               \
    X(atomic_min, "atomic_min", "pointer, val, mask=none, sem=none, scope=none")                               \
    X(atomic_and, "atomic_and", "pointer, val, mask=none, sem=none, scope=none")                               \
    X(atomic_or, "atomic_or", "pointer, val, mask=none, sem=none, scope=none")                                 \
    X(atomic_xor, "atomic_xor", "pointer, val, mask=none, sem=none, scope=none")                               \
    X(atomic_xchg, "atomic_xchg", "pointer, val, mask=none, sem=none, scope=none")                             \
    X(descriptor_load, "descriptor_load", "desc, offsets, network=none")                                       \
    X(descriptor_store, "descriptor_store", "desc, offsets, value, network=none")                              \
    X(make_block_ptr, "make_block_ptr", "base, shape, strides, offsets, block_shape, order")                   \
    X(advance, "advance", "base, offsets")                                                                     \
    X(make_tensor_descriptor, "make_tensor_descriptor",                                                        \
      "base, shape, strides, block_shape, padding_option=\"zero\"")                                            \
    X(send, "send", "dir=none, src=none, to=none, network=none")                                               \
    X(multicast, "multicast", "src, to=none, network=none")                                                    \
    X(recv, "recv", "dir=none, shape=none, dtype=none, source=none")                                           \
    X(wait, "wait", "x")                                                                                       \
    X(barrier, "barrier", "")                                                                                  \
    X(static_assert_, "static_assert", "condition, message=\"\"")                                              \
    X(device_assert, "device_assert", "condition, message=\"\"")                                               \
    X(static_print, "static_print", "...")                                                                     \
    X(device_print, "device_print", "...")                                                                     \
    X(assume, "assume", "x")                                                                                   \
    X(multiple_of, "multiple_of", "x, values")                                                                 \
    X(max_contiguous, "max_contiguous", "x, values")                                                           \
    X(max_constancy, "max_constancy", "x, values")                                                             \
    X(debug_barrier, "debug_barrier", "")                                                                      \
    X(phase, "phase", "name, number=none")                                                                     \
    X(call, "call", "...")                                                                                     \
    /* what statements become; no names in the text */                                                         \
    X(tuple, "", "...")                                                                                        \
    X(copy, "", "x")                                                                                           \
    X(unpack, "", "x")                                                                                         \
    X(jump, "", "")                                                                                            \
    X(branch, "", "condition")                                                                                 \
    X(begin_for, "", "begin, end, step")                                                                       \
    X(next_for, "", "")                                                                                        \
    X(return_, "", "...")

enum class Op : std::uint8_t {
#define TILEMESH_ENUMERATOR(enumerator, name, parameters) enumerator,
    TILEMESH_OPERATIONS(TILEMESH_ENUMERATOR)
#undef TILEMESH_ENUMERATOR
};

struct Parameter {
    std::string_view name;
    std::string_view standard;  // the literal it has when not given; empty: it must be given
};

struct Operation {
    Op op;
    std::string_view name;
    std::string_view signature;  // as README.md has it
    std::vector<Parameter> parameters;
    bool variadic = false;
};

/// Those with names, in the order of README.md.
std::span<const Operation> operations();
/// Null when there is none of that name.
const Operation* find_operation(std::string_view name);
std::string_view name_of(Op op);

}  // namespace tilemesh::program
