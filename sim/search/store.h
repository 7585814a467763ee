// SPDX-License-Identifier: Apache-2.0
// A directory of results that is its own database: a file for each point, named by what the point is. Several
// processes, of one machine or of many with a shared disk, may work on one directory: a file appears whole, by
// renaming, and two that write the same point write the same bytes.
//
//     DIR/points/3f/3f2a...json    a point: its panel, how to repeat it, its result
//     DIR/writing/                 files that are not whole yet
#pragma once

#include "sim/base/json_reader.h"

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tilemesh::search {

/// What a result depends on, in 32 hexadecimal digits: the resolved panel (whatever the order of its keys, its name
/// or the way in which a number is written), the content of the files that it names, and the model
/// (run::model_version). InputError for a file that cannot be read.
std::string key_of(const Json& panel);

/// Of what is in a file, in as many digits: tells when somebody has changed it. No protection from who means to.
std::string digest_of(const Json& record);

class Store {
public:
    /// Makes the directory. InputError where there can be none.
    explicit Store(std::filesystem::path directory);
    /// To look at only: makes nothing, and where nothing is there is no point. InputError for what is no directory.
    static Store to_read(std::filesystem::path directory);

    /// Whether somebody has made it.
    bool is_there() const;

    bool has(const std::string& key) const {
        std::error_code ignored;
        return std::filesystem::exists(file_of(key), ignored);
    }
    /// Nothing when the point is not there. InputError for a file that cannot be read or is no JSON; what else is in
    /// it is not looked at (search::known does).
    std::optional<Json> read(const std::string& key) const;
    /// InputError when the disk is full or the like.
    void write(const std::string& key, const Json& point) const;
    /// The keys of all points, sorted.
    std::set<std::string> keys() const;
    const std::filesystem::path& directory() const { return directory_; }

    std::filesystem::path file_of(const std::string& key) const {
        return directory_ / "points" / key.substr(0, 2) / (key + ".json");
    }

private:
    Store() = default;
    std::filesystem::path directory_;
};

}  // namespace tilemesh::search
