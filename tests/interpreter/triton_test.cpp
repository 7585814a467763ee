// SPDX-License-Identifier: Apache-2.0
// Does every operation of every pair of types give the type and the values that Triton gives? tests/data has what
// Triton gave on a GPU (tools/triton_semantics/record.py says how). What Triton refuses is not asked of us.
#include "sim/base/json_reader.h"
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

}  // namespace

TEST_CASE("types and values are those that Triton gives") {
    const Json data = parse_json_file(std::string(TILEMESH_SOURCE_DIR) + "/tests/data/triton_semantics.json");
    const Json& about = data.at("about");
    int asked = 0, wrong_type = 0, wrong_value = 0, failed = 0;
    for (const Json& c : data.at("cases")) {
        if (c.contains("refused")) continue;
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
        trial.text =
            "%i = arange 0, 4\n%p = add %xp, %i\n%x = load %p\n%p = add %yp, %i\n%y = load %p\n" + statement(c) +
            "\n%o = cast %r, f32\n%p = add %out, %i\nstore %p, %o\n%d = attribute %r, \"dtype\"\n%e = eq %d, " +
            c.at("dtype").get<std::string>() + "\nstatic_assert %e, \"another type\"";
        const std::string failure = failure_of(trial);
        INFO(c.dump() << "\n" << failure);
        if (failure.find("another type") != std::string::npos) {
            ++wrong_type;
            CHECK(failure.empty());
            continue;
        }
        if (failure.find("u64 beyond 2^63") != std::string::npos) continue;  // an error, not another value
        if (!failure.empty()) {
            ++failed;
            CHECK(failure.empty());
            continue;
        }
        bool right = true;
        const std::vector<float> got = floats_of(*out);
        for (std::size_t i = 0; i < 4; ++i) {
            const double want = std::stod(c.at("values")[i].get<std::string>());
            if (c.at("op") == "cast" && want == 1000.0 && got[i] <= 255.0F) continue;  // does not fit: anything goes
            if (std::isnan(want)) {
                right = right && std::isnan(got[i]);
                continue;
            }
            const auto rounded = static_cast<float>(want);
            // Triton's divisions and exponentials are approximate on GPUs; both are a last place or two off.
            const bool same = got[i] == rounded || std::fabs(got[i] - rounded) <= 4e-7F * std::fabs(rounded);
            // Its remainder of floats takes a quotient that rounds to a whole number for one.
            const bool wraps = c.at("op") == "mod" && std::fabs(std::fabs(got[i] - rounded) - 0.1F) < 1e-3F;
            right = right && (same || wraps);
        }
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
