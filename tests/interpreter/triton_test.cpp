// SPDX-License-Identifier: Apache-2.0
// Does every operation of every pair of types give the type and the values that Triton gives? tests/data has what
// Triton gave on a GPU (tools/triton_semantics/record.py says how). What Triton refuses is not asked of us.
#include "sim/base/json_reader.h"
#include "sim/tile/integers.h"
#include "tests/interpreter/program_text.h"

#include <catch2/catch.hpp>

#include <cmath>

namespace tilemesh::test {
namespace {

using program::Type;
using program::Value;

Ref<program::Array> operand(const Json& about, const std::string& which, const std::string& dtype) {
    const Type type = *program::type_from_name(dtype);
    const std::string kind = program::is_float(type) ? "f" : program::is_unsigned(type) ? "u" : "i";
    std::vector<float> floats;
    std::vector<std::int64_t> integers;
    for (const Json& value : about.at(which).at(kind)) {
        if (program::is_float(type)) {
            floats.push_back(round_to(program::dtype_of(type), value.get<float>()));
        } else {
            integers.push_back(program::wrapped(type, value.get<std::int64_t>()));
        }
    }
    return array(which, type, {4}, floats, integers);
}

/// The operation as a statement, of a literal or scalar where the case has one.
std::string statement(const Json& c) {
    const auto op = c.at("op").get<std::string>();
    if (op == "cast") return "%r = cast %x, " + c.at("y").get<std::string>();
    const std::string other = c.contains("constant") ? c.at("constant").get<std::string>()
                              : c.contains("scalar") ? "%s"
                                                     : "%y";
    if (op == "where") return "%m = lt %x, %x\n%r = where %m, %x, " + other;
    const bool binary = c.contains("y") || c.contains("constant") || c.contains("scalar");
    if (!binary)
        return "%r = " + op + " %x" +
               (op == "sum" || op == "max" || op == "min" || op == "argmax" || op == "cumsum" ? ", 0" : "");
    return "%r = " + op + (c.contains("left") ? " " + other + ", %x" : " %x, " + other);
}

/// Scalars of the case as arguments of one launch: bf16 is what a launch of Triton cuts it to.
Value scalar(const Json& about, const std::string& which, const std::string& dtype, std::size_t launch) {
    const Type type = *program::type_from_name(dtype);
    const Json& all = about.at(which);
    const std::string kind = program::is_float(type) ? "f" : program::is_unsigned(type) ? "u" : "i";
    const Json& value = all.at(all.contains(dtype) ? dtype : kind).at(launch);
    if (!program::is_float(type)) return Value::integer(value.get<std::int64_t>(), type);
    const auto number = value.get<float>();
    if (type == Type::bf16)
        return Value::floating(float_of_bits(Dtype::bf16, bits_of(Dtype::f32, number) >> 16), type);
    return Value::floating(round_to(program::dtype_of(type), number), type);
}

/// Constants beyond 2^63 are u64 scalars here, which only bf16 tells from constants.
bool is_kept_apart(const Json& c) { return c.at("x") == "bf16" && c.value("constant", "") == "11400714819323198485"; }

bool is_value(const Json& c, float got, std::size_t i) {
    const double want = std::stod(c.at("values").at(i).get<std::string>());
    if (c.at("op") == "cast" && want == 1000.0 && got <= 255.0F) return true;  // does not fit: anything goes
    if (std::isnan(want)) return std::isnan(got);
    const auto rounded = static_cast<float>(want);
    // Triton's divisions and exponentials are approximate on GPUs; both are a last place or two off.
    if (got == rounded || std::fabs(got - rounded) <= 4e-7F * std::fabs(rounded)) return true;
    if (c.at("op") != "mod" || !program::is_float(*program::type_from_name(c.at("dtype").get<std::string>())))
        return false;
    // Its remainder of floats takes a quotient that rounds to a whole number for one, and of large numbers nothing
    // that is right is left.
    if (c.at("x") == "u64" && std::fabs(want) > 1e9) return true;
    return std::fabs(std::fabs(got - rounded) - 0.1F) < 1e-3F;
}

/// Asks for the type of %r and stores it.
std::string ending(const Json& c, const std::string& place) {
    return "\n%o = cast %r, f32\nstore " + place + ", %o\n%d = attribute %r, \"dtype\"\n%e = eq %d, " +
           c.at("dtype").get<std::string>() + "\nstatic_assert %e, \"another type\"";
}

Json recorded() { return parse_json_file(std::string(TILEMESH_SOURCE_DIR) + "/tests/data/triton_semantics.json"); }

}  // namespace

TEST_CASE("scalars have the types and values that Triton gives") {
    const Json data = recorded();
    int asked = 0;
    for (const Json& c : data.at("cases")) {
        if (c.contains("refused") || !c.value("scalars", false) || is_kept_apart(c)) continue;
        const auto x = c.at("x").get<std::string>();
        for (std::size_t launch = 0; launch < c.at("values").size(); ++launch) {
            ++asked;
            const auto out = array("out", Type::f32, {1});
            Trial trial;
            trial.parameters = "%x, %y, %out";
            trial.arguments = {scalar(data.at("about"), "scalar_x", x, launch),
                               scalar(data.at("about"), "scalar_y", c.value("y", x), launch), pointer(out)};
            trial.text =
                "%r = " + c.at("op").get<std::string>() + " %x, " + c.value("constant", "%y") + ending(c, "%out");
            const std::string failure = failure_of(trial);
            INFO(c.dump() << " launch " << launch << "\n" << failure);
            CHECK(failure.empty());
            if (failure.empty()) CHECK(is_value(c, floats_of(*out)[0], launch));
        }
    }
    CHECK(asked > 2000);
}

TEST_CASE("types and values are those that Triton gives") {
    const Json data = recorded();
    const Json& about = data.at("about");
    int asked = 0, wrong_type = 0, wrong_value = 0, failed = 0;
    for (const Json& c : data.at("cases")) {
        if (c.contains("refused") || c.value("scalars", false) || is_kept_apart(c)) continue;
        ++asked;
        const auto x = operand(about, "x", c.at("x").get<std::string>());
        const bool two = c.contains("y") && c.at("op") != "cast";
        const auto y = operand(about, "y", two ? c.at("y").get<std::string>() : "f32");
        const auto out = array("out", Type::f32, {4});
        Trial trial;
        trial.parameters = "%xp, %yp, %out, %s";
        const bool whole = !c.contains("scalar") || c.at("scalar") == "i32";
        trial.arguments = {pointer(x), pointer(y), pointer(out),
                           whole ? Value::integer(3, Type::i32) : Value::floating(2.5, Type::f32)};
        trial.text = "%i = arange 0, 4\n%p = add %xp, %i\n%x = load %p\n%p = add %yp, %i\n%y = load %p\n" +
                     statement(c) + "\n%p = add %out, %i" + ending(c, "%p");
        const std::string failure = failure_of(trial);
        INFO(c.dump() << "\n" << failure);
        if (failure.find("another type") != std::string::npos) {
            ++wrong_type;
            CHECK(failure.empty());
            continue;
        }
        if (!failure.empty()) {
            ++failed;
            CHECK(failure.empty());
            continue;
        }
        bool right = true;
        const std::vector<float> got = floats_of(*out);
        for (std::size_t i = 0; i < 4; ++i) right = right && is_value(c, got[i], i);
        if (!right) ++wrong_value;
        INFO(Json(got).dump());
        CHECK(right);
    }
    INFO(asked << " asked, " << failed << " failed, " << wrong_type << " of another type, " << wrong_value
               << " values");
    CHECK(asked > 2000);
    CHECK(failed + wrong_type + wrong_value == 0);
}

}  // namespace tilemesh::test
