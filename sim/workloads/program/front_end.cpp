// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/program/front_end.h"

#include "sim/base/error.h"
#include "sim/base/names.h"
#include "sim/base/shared_files.h"
#include "sim/workloads/program/python_process.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

namespace tilemesh::workloads {
namespace {

std::string front_end(const std::string& file, std::vector<std::string> words) {
    words.insert(words.begin(),
                 {"-S", "-E", "-B", (shared_folder("python") / "tilemesh" / "lower.py").string(), file});
    return run_python(std::move(words), file);
}

bool is_python(const std::string& file) { return std::filesystem::path(file).extension() == ".py"; }

std::string content_of(const std::string& file, const std::string& where) {
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    if (error || !std::filesystem::is_regular_file(file))
        fail<InputError>("{}: {} cannot be read: {}", where, printable(file),
                         error ? error.message() : "it is no regular file");
    if (size > longest_output)
        fail<InputError>("{}: {} has {} bytes, expected at most {}", where, file, size, longest_output);
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    if (!stream) fail<InputError>("{}: {} cannot be read", where, printable(file));
    return std::move(text).str();
}

}  // namespace

std::shared_ptr<const program::Program> load_program(const std::string& file, const std::string& kernel,
                                                     const std::string& where) {
    // Panels run one kernel in many ways.
    static std::map<std::pair<std::string, std::string>, std::shared_ptr<const program::Program>> known;
    auto& program = known[{file, kernel}];
    if (program) return program;
    std::string text = content_of(file, where);
    if (is_python(file)) text = front_end(file, {kernel});
    program = std::make_shared<const program::Program>(program::read_program(text, file));
    return program;
}

Json tuned_constants(const std::string& file, const std::string& kernel) {
    return is_python(file) ? Json::parse(front_end(file, {kernel, "--configurations"})) : Json();
}

}  // namespace tilemesh::workloads
