// SPDX-License-Identifier: Apache-2.0
// Probing and writing output files.
#include "tools/cli/output_file.h"

#include "sim/base/error.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace tilemesh::cli {
namespace {

namespace fs = std::filesystem;

fs::path beside(const fs::path& file) { return fs::path(file.string() + ".part" + std::to_string(::getpid())); }

using Stream = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

Stream open(const fs::path& shown, const fs::path& file, const std::string& option) {
    Stream stream(std::fopen(file.c_str(), "wb"), std::fclose);
    if (!stream) fail<InputError>("{} {}: cannot be written: {}", option, shown.string(), std::strerror(errno));
    return stream;
}

}  // namespace

OutputFile::OutputFile(fs::path file, const std::string& option) : file_(std::move(file)), option_(option) {
    if (file_ == "-") return;
    std::error_code ignored;
    const auto status = fs::status(file_, ignored);
    if (file_.empty() || fs::is_directory(status))
        fail<InputError>("{} {}: is a directory, expected a file", option_, file_.string());
    in_place_ = fs::exists(status) && !fs::is_regular_file(status);
    if (in_place_) return;
    if (fs::exists(status) && ::access(file_.c_str(), W_OK) != 0)
        fail<InputError>("{} {}: cannot be written: {}", option_, file_.string(), std::strerror(errno));
    open(file_, beside(file_), option_);
    fs::remove(beside(file_), ignored);
}

void OutputFile::write(const std::string& text) const {
    if (file_ == "-") {
        std::fwrite(text.data(), 1, text.size(), stdout);
        return;
    }
    if (in_place_) return write_to(file_, text);
    try {
        write_to(beside(file_), text);
        fs::rename(beside(file_), file_);
    } catch (const std::exception&) {
        std::error_code ignored;
        fs::remove(beside(file_), ignored);
        throw;
    }
}

void OutputFile::write_to(const fs::path& file, const std::string& text) const {
    Stream stream = open(file_, file, option_);
    const bool wrote = std::fwrite(text.data(), 1, text.size(), stream.get()) == text.size();
    if (!wrote || std::fflush(stream.get()) != 0)
        fail<InputError>("{} {}: cannot be written: {}", option_, file_.string(), std::strerror(errno));
}

std::unique_ptr<OutputFile> open_output(const std::string& file, const char* option, const std::string& input) {
    if (file.empty()) return nullptr;
    std::error_code ignored;
    if (std::filesystem::equivalent(file, input, ignored))
        fail<InputError>("{} {}: is the input itself, expected another file", option, file);
    return std::make_unique<OutputFile>(file, option);
}

void check_apart(const std::vector<std::pair<const char*, const OutputFile*>>& files) {
    const auto place = [](const OutputFile& file) {
        std::error_code ignored;
        const fs::path found = fs::weakly_canonical(fs::absolute(file.path()), ignored);
        return found.empty() ? fs::absolute(file.path()) : found;
    };
    for (std::size_t i = 0; i < files.size(); ++i)
        for (std::size_t j = i + 1; j < files.size(); ++j)
            if (files[i].second && files[j].second && place(*files[i].second) == place(*files[j].second))
                fail<InputError>("{} and {} name the same file, {}", files[i].first, files[j].first,
                                 files[i].second->path().string());
}

}  // namespace tilemesh::cli
