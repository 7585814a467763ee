// SPDX-License-Identifier: Apache-2.0
#include "sim/search/content.h"

#include "sim/base/error.h"
#include "sim/base/names.h"
#include "sim/search/hash.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string_view>
#include <system_error>
#include <vector>

namespace tilemesh::search {
namespace {

namespace fs = std::filesystem;

constexpr int most_packages = 8;  // within each other
/// Whatever lies beside a file under such a name, no kernel means it.
constexpr std::string_view never_beside[] = {"triton", "torch", "numpy", "math", "os", "packaging"};

bool is_file(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
}

std::string text_of(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(stream), {}};
    if (!stream.good() && !stream.eof())
        fail<InputError>("{}: cannot be read: {}", printable(file.string()), std::strerror(errno));
    return text;
}

/// A dotted name; its letters may be of any language.
std::string word_at(std::string_view text, std::size_t& at) {
    at = std::min(text.find_first_not_of(" \t(", at), text.size());
    const std::size_t begin = at;
    const auto is_of_name = [](unsigned char sign) {
        return std::isalnum(sign) || sign == '.' || sign == '_' || sign > 127;
    };
    while (at < text.size() && is_of_name(static_cast<unsigned char>(text[at]))) ++at;
    return std::string(text.substr(begin, at - begin));
}

/// Modules that Python source may import: "a.b", and "..a" relative to its folder.
std::vector<std::string> imports_of(std::string source) {
    for (std::size_t at = 0; (at = source.find("\\\n", at)) != std::string::npos;) source.replace(at, 2, "  ");
    std::vector<std::string> modules;
    for (std::size_t begin = 0; begin < source.size();) {
        const std::size_t end = std::min(source.find_first_of("\r\n;:", begin), source.size());
        const std::string_view part = std::string_view(source).substr(begin, end - begin);
        begin = end + 1;
        std::size_t at = 0;
        const std::string word = word_at(part, at);
        if (word == "from") modules.push_back(word_at(part, at));
        while (word == "import" && at < part.size()) {
            modules.push_back(word_at(part, at));
            at = std::min(part.find(',', at), part.size() - 1) + 1;
        }
    }
    return modules;
}

/// A file of Python and those that it imports, what they import, and so on: all files where a name may be found.
class PythonFiles {
public:
    explicit PythonFiles(const fs::path& file) : first_(fs::absolute(file).lexically_normal()) { add(first_); }
    /// By their places beside the first, whatever that is called.
    std::string digits() const {
        std::map<std::string, const std::string*> by_place;
        for (const auto& [path, text] : texts_)
            by_place[path == first_ ? "" : path.lexically_relative(first_.parent_path()).string()] = &text;
        Hash hash;
        for (const auto& [place, text] : by_place) {
            hash.add(place);
            hash.add(*text);
        }
        return hash.digits();
    }

private:
    void add(const fs::path& file) {
        const fs::path path = fs::absolute(file).lexically_normal();
        if (!is_file(path) || texts_.count(path) != 0) return;
        const std::string& text = texts_[path] = text_of(path);
        for (const std::string& module : imports_of(text)) add_module(path.parent_path(), module);
    }

    void add_module(fs::path folder, const std::string& module) {
        const std::size_t dots = std::min(module.find_first_not_of('.'), module.size());
        const std::string name = module.substr(dots, module.find('.', dots) - dots);
        for (std::size_t up = 1; up < dots; ++up) folder = folder.parent_path();
        if (dots > 0) return add_named(folder, name);
        if (name.empty() ||
            std::find(std::begin(never_beside), std::end(never_beside), name) != std::end(never_beside))
            return;
        for (int i = 0; i < most_packages; ++i) {
            add_named(folder, name);
            if (!is_file(folder / "__init__.py")) return;
            folder = folder.parent_path();
        }
    }

    /// A module, and all of a package; without a name, of the folder.
    void add_named(const fs::path& folder, const std::string& name) {
        if (!name.empty()) add(folder / (name + ".py"));
        std::error_code error;
        for (fs::recursive_directory_iterator at(folder / name, error), end; !error && at != end; at.increment(error))
            if (at->path().extension() == ".py") add(at->path());
    }

    fs::path first_;
    std::map<fs::path, std::string> texts_;
};

std::string content_of(const std::string& file) {
    const fs::path path = file;
    if (path.extension() == ".py") return "content " + PythonFiles(path).digits();
    Hash hash;
    hash.add(text_of(path));
    return "content " + hash.digits();
}

/// `of_tensors`: its keys are what somebody calls tensors.
void put_content_for_files(nlohmann::json& panel, bool of_tensors) {
    for (auto part = panel.begin(); part != panel.end(); ++part) {
        const std::string key = panel.is_object() && !of_tensors ? part.key() : "";
        if (key == "arguments" || key == "constants") continue;  // what a kernel is given has names of its own
        if (part->is_structured()) put_content_for_files(*part, key == "tensors" || key == "check");
        if (!part->is_string()) continue;
        const std::string text = part->get<std::string>();
        const std::size_t end = key == "python" ? text.rfind(':') : text.size();
        const bool names_one = key == "file" || key == "tensors" || text.find_first_of("./") != std::string::npos;
        if (end < text.size() && is_file(text.substr(0, end)))  // a function of it
            *part = content_of(text.substr(0, end)) + text.substr(end);
        else if (names_one && is_file(text))
            *part = content_of(text);
    }
}

}  // namespace

void put_content_for_files(nlohmann::json& panel) { put_content_for_files(panel, false); }

}  // namespace tilemesh::search
