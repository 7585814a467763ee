// SPDX-License-Identifier: Apache-2.0
// A result file that is found out to be impossible before the run starts, and that appears whole or not at all.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tilemesh::cli {

class OutputFile {
public:
    /// Proves that the file can be written, leaving no trace. "-" is standard output. InputError naming the option.
    OutputFile(std::filesystem::path file, const std::string& option);
    const std::filesystem::path& path() const { return file_; }
    /// Writes beside the file, then renames. InputError when the disk is full or the like.
    void write(const std::string& text) const;

private:
    void write_to(const std::filesystem::path& file, const std::string& text) const;
    std::filesystem::path file_;
    std::string option_;
    bool in_place_ = false;  // a device or a pipe: cannot be replaced by renaming
};

/// Nothing when `file` is empty. InputError when it is the input itself.
std::unique_ptr<OutputFile> open_output(const std::string& file, const char* option, const std::string& input);

/// Refuses two options that name one file, of which one result would be lost. Null: not given.
void check_apart(const std::vector<std::pair<const char*, const OutputFile*>>& files);

}  // namespace tilemesh::cli
