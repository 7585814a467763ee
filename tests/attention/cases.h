// SPDX-License-Identifier: Apache-2.0
// What the attention tests share: problems from JSON text, masks stranger than the shipped ones, temporary files.
#pragma once

#include "sim/attention/inputs.h"
#include "sim/attention/problem.h"
#include "sim/base/error.h"

#include <unistd.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <string>

namespace tilemesh::attention {

inline Problem problem_from(const std::string& text) {
    const Json json = Json::parse(text);
    return read_problem(JsonReader(json, "panel.json", "/problem"));
}

/// The one line a user would see, or nothing when `action` does not throw an InputError.
template <class Action>
std::string input_error(const Action& action) {
    try {
        action();
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

/// Sees a key when (3 query + key) is a multiple of 4, and nothing at all from every fifth query: no block is simple.
class Sprinkled : public Mask {
public:
    std::string name() const override { return "sprinkled"; }
    bool sees(Viewer, std::int64_t query, std::int64_t key) const override {
        return query % 5 != 0 && (3 * query + key) % 4 == 0;
    }
    Visible block(Viewer viewer, Range queries, Range keys) const override {
        const std::uint64_t pairs = visible_pairs(viewer, queries, keys);
        if (pairs == 0) return Visible::none;
        return pairs == static_cast<std::uint64_t>(queries.size() * keys.size()) ? Visible::all : Visible::some;
    }
    std::uint64_t visible_pairs(Viewer viewer, Range queries, Range keys) const override {
        std::uint64_t pairs = 0;
        for (std::int64_t query = queries.begin; query < queries.end; ++query) {
            for (std::int64_t key = keys.begin; key < keys.end; ++key) pairs += sees(viewer, query, key) ? 1 : 0;
        }
        return pairs;
    }
    int compare_operations() const override { return 2; }
};

/// Sees the last `window` keys before and at its position, and all later ones: with causal, a sliding window.
class NotLongAgo final : public Sprinkled {
public:
    explicit NotLongAgo(std::int64_t window) : window_(window) {}
    std::string name() const override { return "not long ago"; }
    bool sees(Viewer, std::int64_t query, std::int64_t key) const override { return query - key < window_; }
    Visible block(Viewer, Range queries, Range keys) const override {  // in constant time, for full-sized blocks
        if (queries.empty() || keys.empty() || queries.begin - (keys.end - 1) >= window_) return Visible::none;
        return queries.end - 1 - keys.begin < window_ ? Visible::all : Visible::some;
    }
    std::uint64_t visible_pairs(Viewer viewer, Range queries, Range keys) const override {
        return Mask::visible_pairs(viewer, queries, keys);  // by halving, as every mask that knows no better
    }

private:
    std::int64_t window_;
};

/// Another key in every fourth for each query head.
class HeadByHead final : public Sprinkled {
public:
    std::string name() const override { return "head by head"; }
    bool sees(Viewer viewer, std::int64_t, std::int64_t key) const override { return (key + viewer.head) % 4 == 0; }
    std::uint64_t visible_pairs(Viewer viewer, Range queries, Range keys) const override {  // of queries all alike
        return static_cast<std::uint64_t>(queries.size()) * Sprinkled::visible_pairs(viewer, {0, 1}, keys);
    }
    bool varies_by_head() const override { return true; }
};

/// Hides nothing; a bias that grows with the key.
class Biased final : public Sprinkled {
public:
    std::string name() const override { return "biased"; }
    bool sees(Viewer, std::int64_t, std::int64_t) const override { return true; }
    int compare_operations() const override { return 0; }
    bool has_key_bias() const override { return true; }
    float key_bias(int, std::int64_t key) const override { return 0.25F * static_cast<float>(key % 11) - 1.0F; }
};

/// Sees the keys of one parity.
class EverySecondKey final : public Sprinkled {
public:
    explicit EverySecondKey(std::int64_t parity) : parity_(parity) {}
    std::string name() const override { return "every second key"; }
    bool sees(Viewer, std::int64_t, std::int64_t key) const override { return key % 2 == parity_; }

private:
    std::int64_t parity_;
};

/// A path for one test's file, removed when the test ends.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& name)
        : path_(std::filesystem::temp_directory_path() /
                ("tilemesh_attention_" + std::to_string(getpid()) + "_" + name)) {}
    ~TemporaryFile() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace tilemesh::attention
