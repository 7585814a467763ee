# SPDX-License-Identifier: Apache-2.0
"""The tables: operations of tile programs with their arguments (as in sim/program/README.md), and which of them each name
of the tile language means. Nothing else knows names of tl one by one, but for the few that need more than a table (calls.py)."""

# Every operation with its arguments; those with "=" may be left out.
OPERATIONS = """
add a b | sub a b | mul a b | truediv a b | floordiv a b | mod a b | pow a b | neg a | minimum a b | maximum a b
clamp x min max | fma x y z | abs x | cdiv a b | fdiv a b
and a b | or a b | xor a b | shl a b | shr a b | invert a | lt a b | le a b | gt a b | ge a b | eq a b | ne a b
logical_and a b | logical_or a b | logical_not a
is_known x | decides_and x | decides_or x | and_then a b | or_else a b | not x | is a b | contains tuple x
exp x | exp2 x | log x | log2 x | sqrt x | rsqrt x | sin x | cos x | erf x | floor x | ceil x | tanh x | sigmoid x
where condition x y | cast x dtype bitcast=false | as_pointer x dtype | const x | int x | float x | bool x
item tuple i | length x | attribute x name | method x name | is_a x what
program_id axis | num_programs axis
arange start end | zeros shape dtype=f32 | full shape value dtype | zeros_like x
expand_dims x axis | broadcast_to x shape | broadcast a b | trans x dims=none | permute x dims | reshape x shape | ravel x
join a b | split x | cat a b
sum x axis=none keep_dims=false dtype=none
max x axis=none return_indices=false return_indices_tie_break_left=true keep_dims=false
min x axis=none return_indices=false return_indices_tie_break_left=true keep_dims=false
argmax x axis tie_break_left=true keep_dims=false | argmin x axis tie_break_left=true keep_dims=false
cumsum x axis=0 reverse=false | softmax x dim=none keep_dims=false ieee_rounding=false
dot a b acc=none input_precision=none allow_tf32=none max_num_imprecise_acc=none out_dtype=f32
load pointer mask=none other=none boundary_check=() padding_option="" cache_modifier="" eviction_policy="" volatile=false shape=none dtype=none network=none
store pointer value mask=none boundary_check=() cache_modifier="" eviction_policy="" network=none
atomic_add pointer val mask=none sem=none scope=none | atomic_max pointer val mask=none sem=none scope=none
atomic_min pointer val mask=none sem=none scope=none | atomic_and pointer val mask=none sem=none scope=none
atomic_or pointer val mask=none sem=none scope=none | atomic_xor pointer val mask=none sem=none scope=none
atomic_xchg pointer val mask=none sem=none scope=none | atomic_cas pointer cmp val sem=none scope=none
descriptor_load desc offsets network=none | descriptor_store desc offsets value network=none
make_block_ptr base shape strides offsets block_shape order | advance base offsets
make_tensor_descriptor base shape strides block_shape padding_option="zero"
send dir=none src=none to=none network=none | multicast src to=none network=none | recv dir=none shape=none dtype=none source=none | wait x | barrier
static_assert condition message="" | device_assert condition message="" | assume x | debug_barrier | phase name number=none
multiple_of x values | max_contiguous x values | max_constancy x values
"""

# A name of tl, the operation that it is, and its parameters: "theirs>ours" where the names differ, "*" gathers what is left
# into a tuple, "-" is for parameters that say nothing about the result. Names without a line of parameters here are those
# of the operation.
NAMES = """
abs abs x | fabs abs x | add add x>a y>b -sanitize_overflow | sub sub x>a y>b -sanitize_overflow | mul mul x>a y>b -sanitize_overflow
minimum minimum x>a y>b propagate_nan | maximum maximum x>a y>b propagate_nan | fmin minimum x>a y>b | fmax maximum x>a y>b
add_rn add x>a y>b | sub_rn sub x>a y>b | mul_rn mul x>a y>b | fma_rn fma x y z
clamp clamp x min max propagate_nan | fma fma x y z
cdiv cdiv x>a div>b | fdiv fdiv x>a y>b -ieee_rounding | div_rn truediv x>a y>b | pow pow x>a y>b | fast_dividef truediv x>a y>b
logical_and logical_and input>a other>b | logical_or logical_or input>a other>b
exp exp x | exp2 exp2 x | log log x | log2 log2 x | sqrt sqrt x | sqrt_rn sqrt x | rsqrt rsqrt x | rsqrt_rn rsqrt x | sin sin x | cos cos x
erf erf x | fast_erf erf x | fast_tanh tanh x | floor floor x | ceil ceil x | tanh tanh x | sigmoid sigmoid x | fast_expf exp x | fast_exp2f exp2 x
fast_logf log x | fast_log2f log2 x | fast_sinf sin x | fast_cosf cos x | fast_tanhf tanh x | fast_powf pow x>a y>b
where where condition x y | cast cast input>x dtype fp_downcast_rounding bitcast
program_id program_id axis | num_programs num_programs axis | arange arange start end
zeros zeros shape dtype | full full shape value dtype | zeros_like zeros_like input>x
expand_dims expand_dims input>x axis | unsqueeze expand_dims x dim>axis | broadcast_to broadcast_to input>x *shape | broadcast broadcast input>a other>b
trans trans input>x *dims | permute permute input>x *dims | reshape reshape input>x *shape -can_reorder | view reshape input>x *shape
ravel ravel x -can_reorder | join join a b | split split a>x | cat cat input>a other>b -can_reorder
sum sum input>x axis keep_dims dtype
max max input>x axis return_indices return_indices_tie_break_left keep_dims
min min input>x axis return_indices return_indices_tie_break_left keep_dims
argmax argmax input>x axis tie_break_left keep_dims | argmin argmin input>x axis tie_break_left keep_dims
cumsum cumsum input>x axis reverse | softmax softmax x dim keep_dims ieee_rounding
dot dot input>a other>b acc input_precision allow_tf32 max_num_imprecise_acc out_dtype
load load pointer mask other boundary_check padding_option cache_modifier eviction_policy volatile shape dtype network
store store pointer value mask boundary_check cache_modifier eviction_policy network
atomic_add atomic_add pointer val mask sem scope | atomic_max atomic_max pointer val mask sem scope
atomic_min atomic_min pointer val mask sem scope | atomic_and atomic_and pointer val mask sem scope
atomic_or atomic_or pointer val mask sem scope | atomic_xor atomic_xor pointer val mask sem scope
atomic_xchg atomic_xchg pointer val mask sem scope | atomic_cas atomic_cas pointer cmp val sem scope
_experimental_descriptor_load descriptor_load desc_pointer>desc offsets -shape -dtype
_experimental_descriptor_store descriptor_store desc_pointer>desc value offsets
load_tensor_descriptor descriptor_load desc offsets network | store_tensor_descriptor descriptor_store desc offsets value network
make_block_ptr make_block_ptr base shape strides offsets block_shape order | advance advance base offsets
make_tensor_descriptor make_tensor_descriptor base shape strides block_shape padding_option
_experimental_make_tensor_descriptor make_tensor_descriptor base shape strides block_shape padding_option
send send dir src to network | multicast multicast src to network | recv recv dir shape dtype source | wait wait x | barrier barrier
static_assert static_assert cond>condition msg>message | device_assert device_assert cond>condition msg>message -mask
assume assume cond>x | debug_barrier debug_barrier | gdc_wait debug_barrier | gdc_launch_dependents debug_barrier | phase phase name number
multiple_of multiple_of input>x values | max_contiguous max_contiguous input>x values | max_constancy max_constancy input>x values
"""

DTYPES = {
    "float8e5": "f8e5m2", "float8e4nv": "f8e4m3", "float16": "f16", "bfloat16": "bf16", "float32": "f32", "int1": "i1",
    "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64", "uint8": "u8", "uint16": "u16", "uint32": "u32", "uint64": "u64",
}
TORCH_DTYPES = {
    "float8_e5m2": "f8e5m2", "float8_e4m3fn": "f8e4m3", "half": "f16", "float": "f32", "bool": "i1", "short": "i16", "int": "i32",
    "long": "i64", **{name: ours for name, ours in DTYPES.items() if not name.startswith("float8") and name != "int1"},
}
# What a string means as a dtype: our words, Triton's, and the usual short ones.
DTYPE_WORDS = {**DTYPES, **{ours: ours for ours in DTYPES.values()}, "fp16": "f16", "fp32": "f32", "float8e4m3": "f8e4m3"}

ATTRIBUTES = ("shape", "dtype", "type", "element_ty", "T", "value", "numel", "primitive_bitwidth", "name", "strides", "block_shape",
              "base")  # fmt: skip
QUESTIONS = ("is_fp8", "is_fp8e4nv", "is_fp8e5", "is_fp16", "is_bf16", "is_fp32", "is_fp64", "is_int", "is_int1", "is_bool", "is_int8",
             "is_int32", "is_int64", "is_int_signed", "is_int_unsigned", "is_floating", "is_ptr", "is_block")  # fmt: skip
KINDS = {"tensor": "tensor", "pointer_type": "pointer", "tensor_descriptor": "tensor_descriptor", "constexpr": "constexpr",
         "tensor_descriptor_base": "tensor_descriptor", "tuple": "tuple"}  # fmt: skip

# Written in Python, from other names, and where.
LIBRARY = {
    "library.py": "clamp_nan dot_scaled get_int_dtype interleave isnan maximum_nan minimum_nan next_power_of_2 part_of reduce squeeze swizzle2d _log2 _promote_reduction_input",
    "library_math.py": """acos acosh asin asinh atan atan2 atanh cbrt copysign cosh exp10 expm1 fmod hypot isfinited isinf log10 log1p rint round
                       signbit sinh tan trunc""",
    "library_bits.py": "brev byte_perm clz ffs hadd mul24 mulhi popc rhadd sad uhadd umul24 urhadd",
    "library_floats.py": """fdim float2int_rd float2int_rn float2int_ru float2int_rz float2ll_rd float2ll_rn float2ll_ru float2ll_rz float2uint_rd
                         float2uint_rn float2uint_ru float2uint_rz float_as_int float_as_uint ilogb int2float_rn int_as_float ldexp llround logb
                         nextafter rcp_rn remainder saturatef uint_as_float""",
    "library_special.py": "cyl_bessel_i0 erfc erfcinv erfcx erfinv lgamma normcdf normcdfinv rcbrt rhypot sinpi cospi tgamma",
    "library_descriptors.py": "descriptor_gather descriptor_scatter descriptor_atomic_add descriptor_atomic_max descriptor_atomic_min descriptor_atomic_and descriptor_atomic_or descriptor_atomic_xor",
    "library_order.py": "associative_scan bitonic_merge cumprod cumsum_either flip gather histogram reduce_or sort topk xor_sum",
    "library_inductor.py": """inductor_any inductor_bucketize_binary_search inductor_div_floor_integer inductor_is_floating inductor_max2 inductor_max_with_index inductor_maximum
                           inductor_maximum_with_index inductor_minimum_with_index inductor_randint64
                           inductor_min2 inductor_min_with_index inductor_minimum inductor_online_softmax_combine
                           inductor_online_softmax_reduce inductor_prod inductor_promote_to_tensor inductor_remainder_integer
                           inductor_sort_with_index inductor_welford inductor_welford_combine inductor_welford_reduce""",
    "library_random.py": "pair_uniform_to_normal philox philox_impl rand rand4x randint randint4x randn randn4x umulhi uint_to_uniform_float",
}
IN_LIBRARY = {name: file for file, names in LIBRARY.items() for name in names.split()}
SAME_AS = {"nearbyint": "rint", "finitef": "isfinited", "isfinite": "isfinited", "llrint": "float2ll_rn", "fast_tanf": "tan",
           "scalbn": "ldexp", "uint2float_rn": "int2float_rn", "ll2float_rn": "int2float_rn", "ull2float_rn": "int2float_rn",
           "fast_exp10f": "exp10", "fast_log10f": "log10"}  # fmt: skip
# Names of tl that calls.py or statements.py know by themselves.
SPECIAL = ("constexpr", "range", "static_range", "static_print", "device_print", "tensor", "tuple", "tensor_descriptor",
           "tensor_descriptor_base", "pointer_type", "dtype", "PropagateNan", "to_tensor", "float64", "map_elementwise")  # fmt: skip
PARTS_OF_TL = ("math", "extra", "standard", "core", "libdevice", "cuda", "hip", "intel", "xpu", "semantic", "musa", "cpu")


class Parameter:
    """One of an operation's arguments or of a name's parameters."""

    __slots__ = ("name", "target", "gathers", "default")

    def __init__(self, text):
        text, has_default, default = text.partition("=")
        self.gathers = text.startswith("*")
        name, _, target = text.lstrip("*").partition(">")
        self.name = name.lstrip("-")
        self.target = None if name.startswith("-") else target or name
        self.default = default if has_default else None


def _table(text):
    entries = (entry.split() for line in text.strip().splitlines() for entry in line.split(" | "))
    return {words[0]: words[1:] for words in entries}


_OPERATIONS, _NAMES = _table(OPERATIONS), _table(NAMES)


def names():
    """Every name of tl that can be used."""
    return [*_NAMES, *IN_LIBRARY, *SPECIAL, *DTYPES]


def has_name(name):
    return name in _NAMES or name in IN_LIBRARY or name in SPECIAL


def is_in_table(name):
    return name in _NAMES


def meaning(name):
    """The operation of a name, and its parameters."""
    words = _NAMES[name]
    return words[0], [Parameter(word) for word in words[1:]]


def parameters(operation):
    return [Parameter(word) for word in _OPERATIONS[operation]]
