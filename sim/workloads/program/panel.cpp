// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/program/panel.h"

#include "sim/base/error.h"
#include "sim/workloads/program/arguments.h"
#include "sim/workloads/program/front_end.h"
#include "sim/workloads/program/references.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tilemesh::workloads {
namespace {

constexpr std::int64_t most_elements = std::int64_t{1} << 40;
constexpr std::int64_t most_instances = std::int64_t{1} << 24;
constexpr std::uint64_t most_pes = std::uint64_t{1} << 20;

/// What compilers for other machines are told; nothing on this one.
const std::vector<std::string> hints = {"num_warps",    "num_stages",           "num_ctas", "maxnreg",
                                        "waves_per_eu", "matrix_instr_nonkdim", "kpack",    "enable_fp_fusion"};

std::vector<std::int64_t> read_dims(const JsonReader& reader, std::uint64_t most) {
    if (!reader.is_array() || reader.value().empty()) reader.reject("a list of sizes");
    std::vector<std::int64_t> dims;
    std::int64_t product = 1;
    for (JsonReader& element : reader.elements()) {
        dims.push_back(static_cast<std::int64_t>(element.as_integer(1, most)));
        if (__builtin_mul_overflow(product, dims.back(), &product) || product > static_cast<std::int64_t>(most))
            reader.complain(fmt::format("more than {} elements", most));
    }
    return dims;
}

std::vector<int> read_pes(const JsonReader& reader) {
    if (!reader.is_array() || reader.value().empty()) reader.reject("a list of PE numbers");
    std::vector<int> pes;
    for (JsonReader& element : reader.elements()) pes.push_back(static_cast<int>(element.as_integer(0, most_pes)));
    return pes;
}

PlaceChoice read_place(JsonReader reader, std::size_t rank) {
    PlaceChoice place;
    if (reader.is_string()) {
        const std::string word = reader.as_word({"sharded", "replicated"});
        if (word == "replicated") place.how = PlaceChoice::How::replicate;
        return place;
    }
    if (!reader.is_object())
        reader.reject("\"sharded\", \"replicated\", or an object with shard, replicate or owner");
    const int given =
        (reader.has("shard") ? 1 : 0) + (reader.has("replicate") ? 1 : 0) + (reader.has("owner") ? 1 : 0);
    if (given != 1) reader.reject("one of shard, replicate and owner");
    if (const auto owner = reader.optional_member("owner")) {
        place.how = PlaceChoice::How::owner;
        place.owner = static_cast<int>(owner->as_integer(0, most_pes));
    } else {
        if (const auto axis = reader.optional_member("shard")) {
            place.axis = static_cast<int>(axis->as_integer(0, rank - 1));
            place.over = reader.choice("over", {"pe", "cube"}, place.over);
        } else {
            place.how = PlaceChoice::How::replicate;
            place.over = reader.member("replicate").as_choice<PlaceChoice::Over>({"pe", "cube"});
        }
        if (const auto list = reader.optional_member("on")) {
            if (reader.has("over") || place.over == PlaceChoice::Over::cube)
                list->complain("which PEs is said by this list, leave the others to it: no \"over\", no \"cube\"");
            place.list = read_pes(*list);
        }
    }
    reader.finish();
    return place;
}

/// One more number for elements of this type.
void read_element(const JsonReader& reader, program::Type type, ContentChoice& content) {
    if (program::is_float(type)) {
        content.numbers.push_back(reader.as_number(-1e300, 1e300));
    } else {
        content.integers.push_back(read_integer(reader, type));
    }
}

ContentChoice read_content(JsonReader reader, const TensorChoice& tensor) {
    using What = ContentChoice::What;
    ContentChoice content;
    if (reader.is_string()) {
        const std::string word = reader.as_word({"normal", "zeros", "ones", "unknown"});
        content.what = word == "normal" ? What::normal : word == "unknown" ? What::nothing : What::constant;
        content.numbers = {word == "ones" ? 1.0 : 0.0};
        content.integers = {word == "ones" ? 1 : 0};
        if (word == "normal" && !program::is_float(tensor.type))
            reader.reject("\"integers\" for a tensor of integers");
        return content;
    }
    if (reader.value().is_number()) {
        content.what = What::constant;
        read_element(reader, tensor.type, content);
        return content;
    }
    if (reader.is_array()) {
        content.what = What::list;
        for (const JsonReader& element : reader.elements()) read_element(element, tensor.type, content);
        const std::size_t count = content.numbers.size() + content.integers.size();
        if (static_cast<std::int64_t>(count) != tensor.elements())
            reader.complain(fmt::format("{} numbers for {} elements", count, tensor.elements()));
        return content;
    }
    if (!reader.is_object()) reader.reject("\"normal\", \"zeros\", \"ones\", a number, a list, or an object");
    if (const auto file = reader.optional_member("file")) {
        content.what = What::file;
        content.file = file->as_file();
        content.tensor = reader.string("tensor", tensor.name);
    } else {
        const bool whole = reader.has("integers");
        const JsonReader range = reader.member(whole ? "integers" : "uniform");
        if (!range.is_array() || range.value().size() != 2) range.reject("[low, high]");
        if (!whole && !program::is_float(tensor.type)) reader.reject("\"integers\" for a tensor of integers");
        content.what = whole ? What::integers : What::uniform;
        std::array<double, 2> ends{};
        for (std::size_t i = 0; i < 2; ++i) {
            const JsonReader end = range.elements()[i];
            ends[i] = end.as_number(-0x1p53, 0x1p53);
            if (!whole) continue;
            const program::Type type = program::is_float(tensor.type) ? program::Type::i64 : tensor.type;
            if (!program::integer_of(type, ends[i])) end.reject(program::range_of(type));
        }
        content.low = ends[0];
        content.high = ends[1];
        if (whole ? content.low > content.high : !(content.low < content.high))
            range.reject(whole ? "[low, high], low at most high" : "low below high");
    }
    reader.finish();
    return content;
}

TensorChoice read_tensor(const std::string& name, JsonReader reader) {
    TensorChoice tensor;
    tensor.name = name;
    tensor.where = reader.place();
    if (!reader.is_object()) reader.reject("a tensor: {\"shape\": [...], \"dtype\": ...}");
    tensor.shape = read_dims(reader.member("shape"), static_cast<std::uint64_t>(most_elements));
    if (const auto dtype = reader.optional_member("dtype")) tensor.type = read_type(*dtype);
    if (const auto values = reader.optional_member("values")) tensor.content = read_content(*values, tensor);
    if (const auto place = reader.optional_member("place")) tensor.place = read_place(*place, tensor.shape.size());
    reader.finish();
    return tensor;
}

LaunchChoice read_launch(JsonReader reader, const ProgramPanel& panel) {
    LaunchChoice launch;
    launch.where = reader.place();
    if (!reader.is_object()) reader.reject("a program: {\"file\", \"kernel\", \"grid\", \"arguments\"}");
    launch.file = reader.string("file");
    if (launch.file.empty()) reader.member("file").reject("the path of a .py file or of a tile program");
    launch.kernel = reader.string("kernel");
    if (const auto grid = reader.optional_member("grid")) {
        launch.grid = read_dims(*grid, static_cast<std::uint64_t>(most_instances));
        if (launch.grid.size() > 3) grid->reject("at most three sizes");
    }
    for (const bool constant : {false, true}) {
        auto list = reader.optional_member(constant ? "constants" : "arguments");
        if (!list) continue;
        if (!list->is_object()) list->reject("an object: values by the names of parameters");
        for (const auto& [name, value] : list->value().items()) {
            if (launch.arguments.count(name) != 0) list->complain(fmt::format("{} is given twice", printable(name)));
            launch.arguments[name] = read_argument(list->member(name), panel, constant);
        }
    }
    reader.finish();
    launch.program = load_program(launch.file, launch.kernel, launch.where);
    const program::Function& kernel = launch.program->kernel(launch.kernel);
    for (const std::string& hint : hints) {
        const bool known = std::any_of(kernel.parameters.begin(), kernel.parameters.end(),
                                       [&](const auto& parameter) { return parameter.name == hint; });
        if (!known) launch.arguments.erase(hint);
    }
    std::vector<std::string> names;
    for (const program::FunctionParameter& parameter : kernel.parameters) {
        names.push_back(parameter.name);
        if (launch.arguments.count(parameter.name) == 0 && !parameter.has_standard)
            reader.complain(fmt::format("{} has a parameter {} that neither arguments nor constants give",
                                        launch.kernel, parameter.name));
    }
    for (const auto& [name, argument] : launch.arguments)
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            const auto near = nearest_name(name, names);
            fail<InputError>("{}: {} has no parameter {}{}", argument.where, launch.kernel, printable(name),
                             near ? fmt::format(", did you mean {}?", *near) : "");
        }
    return launch;
}

DispatchChoice read_dispatch(JsonReader reader) {
    DispatchChoice dispatch;
    if (reader.is_string()) {
        dispatch.how = reader.as_choice<DispatchChoice::How>({"round_robin", "blocked"});
    } else if (reader.is_array()) {
        dispatch.how = DispatchChoice::How::list;
        dispatch.list = read_pes(reader);
    } else if (reader.is_object()) {
        dispatch.how = DispatchChoice::How::axis;
        dispatch.axis = static_cast<int>(reader.integer("axis", 0, 2));
        reader.finish();
    } else {
        reader.reject("\"round_robin\", \"blocked\", {\"axis\": i} or a list with the PE of each instance");
    }
    return dispatch;
}

ProgramChoice read_program(JsonReader reader, const ProgramPanel& panel) {
    ProgramChoice choice;
    choice.where = reader.place();
    JsonReader program = reader.member("program");
    if (program.is_array()) {
        if (program.value().empty()) program.reject("at least one program");
        for (const JsonReader& one : program.elements()) choice.launches.push_back(read_launch(one, panel));
    } else {
        choice.launches.push_back(read_launch(program, panel));
    }
    choice.label = choice.launches.back().kernel;
    if (const auto label = reader.optional_member("label")) choice.label = run::read_name(*label);
    if (const auto dispatch = reader.optional_member("dispatch")) choice.dispatch = read_dispatch(*dispatch);
    choice.directions = reader.choice("directions", {"pe", "cube"}, choice.directions);
    choice.programs_per_pe = static_cast<int>(reader.integer("programs_per_pe", 1, 8, 1));
    choice.max_instructions = reader.integer("max_instructions", 1, std::uint64_t{1} << 53, choice.max_instructions);
    reader.finish();
    return choice;
}

/// "reference.py:function", and arguments of the function beside it.
void read_function(const JsonReader& python, JsonReader& reader, const ProgramPanel& panel, CheckChoice& check) {
    const std::string text = python.as_string();
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == text.size())
        python.reject("a file and a function of it: \"reference.py:function\"");
    check.file = NamedFile(text.substr(0, colon));
    check.function = text.substr(colon + 1);
    Json arguments{{"tensors", Json::object()}, {"numbers", Json::object()}};
    for (const auto& [name, value] : reader.value().items()) {
        if (name == "python" || name == "tolerance") continue;
        const JsonReader argument = reader.member(name);
        if (!argument.value().is_string()) {
            if (!argument.value().is_boolean()) argument.as_number(-1e300, 1e300);
            arguments["numbers"][name] = value;
            continue;
        }
        if (!panel.find(argument.as_string()))
            argument.complain(fmt::format("there is no tensor {}", printable(argument.as_string())));
        arguments["tensors"][name] = value;
    }
    check.arguments = arguments.dump();
    reader.finish();
}

CheckChoice read_check(const std::string& name, JsonReader reader, const ProgramPanel& panel) {
    CheckChoice check;
    check.tensor = name;
    check.where = reader.place();
    const TensorChoice* const tensor = panel.find(name);
    if (!tensor) reader.complain(fmt::format("there is no tensor {}", printable(name)));
    if (!reader.is_object()) reader.reject("{\"file\": ...}, {\"reference\": ...} or {\"python\": ...}");
    if (const auto tolerance = reader.optional_member("tolerance"))
        check.tolerance = tolerance->as_number(1e-12, 1.0);
    if (reader.has("file")) {
        check.file = reader.member("file").as_file();
        check.stored = reader.string("tensor", name);
        reader.finish();
        return check;
    }
    if (const auto python = reader.optional_member("python")) {
        read_function(*python, reader, panel, check);
        return check;
    }
    check.reference = reader.word("reference", reference_names());
    const ReferenceInfo& info = reference_of(check.reference);
    for (const std::string_view role : info.inputs) {
        const bool optional = role.ends_with("?");
        const std::string key(role.substr(0, role.size() - (optional ? 1 : 0)));
        const auto input = reader.optional_member(key);
        if (!input && optional) continue;
        const std::string input_name = input ? input->as_string() : key;
        if (!panel.find(input_name))
            reader.complain(fmt::format("{} needs the tensor {} as {}", check.reference, printable(input_name), key));
        check.inputs[key] = input_name;
    }
    for (const std::string_view option : info.options) {
        const auto given = reader.optional_member(option);
        if (!given) continue;
        const bool truth = given->value().is_boolean();
        check.options[std::string(option)] = truth ? (given->as_bool() ? 1.0 : 0.0) : given->as_number(-1e300, 1e300);
    }
    reader.finish();
    return check;
}

}  // namespace

std::int64_t TensorChoice::elements() const {
    std::int64_t product = 1;
    for (const std::int64_t dim : shape) product *= dim;
    return product;
}

std::int64_t LaunchChoice::instances() const {
    std::int64_t product = 1;
    for (const std::int64_t dim : grid) product *= dim;
    return product;
}

const TensorChoice* ProgramPanel::find(const std::string& name) const {
    const auto found =
        std::find_if(tensors.begin(), tensors.end(), [&](const TensorChoice& tensor) { return tensor.name == name; });
    return found == tensors.end() ? nullptr : &*found;
}

ProgramPanel read_program_panel(JsonReader& panel, const run::Setup& setup, std::vector<JsonReader>& kernels) {
    ProgramPanel read{setup, {}, {}, {}};
    if (read.values.mode == ValueMode::sampled) read.values.mode = ValueMode::full;
    JsonReader tensors = panel.member("tensors");
    if (!tensors.is_object()) tensors.reject("an object: tensors by name");
    for (const auto& [name, value] : tensors.value().items())
        read.tensors.push_back(read_tensor(name, tensors.member(name)));
    for (const JsonReader& kernel : kernels) read.programs.push_back(read_program(kernel, read));
    if (auto check = panel.optional_member("check")) {
        if (!check->is_object()) check->reject("an object: what tensors should hold, by name");
        for (const auto& [name, value] : check->value().items())
            read.checks.push_back(read_check(name, check->member(name), read));
    }
    return read;
}

}  // namespace tilemesh::workloads
