// SPDX-License-Identifier: Apache-2.0
#include "sim/search/store.h"

#include "sim/base/error.h"
#include "sim/report/result_json.h"
#include "sim/run/version.h"
#include "sim/search/content.h"
#include "sim/search/hash.h"

#include <fmt/format.h>

#include <unistd.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <system_error>

namespace tilemesh::search {
namespace {

using Sorted = nlohmann::json;

/// 8192.0 and 8e3 are how somebody may write 8192; to a kernel 2 is an integer and 2.0 is none.
void write_numbers_alike(Sorted& json) {
    if (json.is_object()) {
        for (auto part = json.begin(); part != json.end(); ++part)
            if (part.key() != "arguments" && part.key() != "constants") write_numbers_alike(*part);
    } else if (json.is_array()) {
        for (Sorted& element : json) write_numbers_alike(element);
    } else if (json.is_number_float()) {
        const double value = json.get<double>();
        if (value == std::floor(value) && std::abs(value) < 9e15) json = static_cast<std::int64_t>(value);
    }
    if (json.is_number_unsigned() && json.get<std::uint64_t>() < (std::uint64_t{1} << 62))
        json = static_cast<std::int64_t>(json.get<std::uint64_t>());
}

}  // namespace

std::string key_of(const Json& panel) {
    Sorted json = panel;
    for (const char* key : {"name", "description"}) json.erase(key);
    write_numbers_alike(json);
    put_content_for_files(json);
    Hash hash;
    hash.add(run::model_version());
    hash.add(json.dump(-1, ' ', false, Sorted::error_handler_t::replace));
    return hash.digits();
}

std::string digest_of(const Json& record) {
    Hash hash;
    hash.add(record.dump(-1, ' ', false, Json::error_handler_t::replace));
    return hash.digits();
}

Store::Store(std::filesystem::path directory) : directory_(std::move(directory)) {
    std::error_code error;
    for (const char* part : {"points", "writing"}) {
        std::filesystem::create_directories(directory_ / part, error);
        if (error)
            fail<InputError>("--into {}: cannot be written: {}", printable(directory_.string()), error.message());
    }
}

Store Store::to_read(std::filesystem::path directory) {
    std::error_code ignored;
    const auto status = std::filesystem::status(directory, ignored);
    if (std::filesystem::exists(status) && !std::filesystem::is_directory(status))
        fail<InputError>("--into {}: is no directory", printable(directory.string()));
    Store store;
    store.directory_ = std::move(directory);
    return store;
}

bool Store::is_there() const {
    std::error_code ignored;
    return std::filesystem::is_directory(directory_ / "points", ignored);
}

std::optional<Json> Store::read(const std::string& key) const {
    if (!has(key)) return {};
    return parse_json_file(file_of(key));
}

void Store::write(const std::string& key, const Json& point) const {
    const std::filesystem::path file = file_of(key);
    char host[256] = "";
    ::gethostname(host, sizeof host - 1);
    const std::filesystem::path part = directory_ / "writing" / fmt::format("{}.{}.{}", key, host, ::getpid());
    std::error_code error;
    std::filesystem::create_directories(file.parent_path(), error);
    {
        std::ofstream stream(part, std::ios::binary);
        stream << report::pretty(point) << '\n';
        stream.flush();
        if (!stream) {
            const std::string why = std::strerror(errno);
            std::filesystem::remove(part, error);
            fail<InputError>("{}: cannot be written: {}", printable(part.string()), why);
        }
    }
    std::filesystem::rename(part, file, error);
    if (error) fail<InputError>("{}: cannot be written: {}", printable(file.string()), error.message());
}

std::set<std::string> Store::keys() const {
    std::set<std::string> keys;
    for (const auto& folder : std::filesystem::directory_iterator(directory_ / "points"))
        for (const auto& file : std::filesystem::directory_iterator(folder.path()))
            if (file.path().extension() == ".json") keys.insert(file.path().stem().string());
    return keys;
}

}  // namespace tilemesh::search
