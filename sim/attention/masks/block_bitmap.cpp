// SPDX-License-Identifier: Apache-2.0
// {"kind": "block_bitmap"}: any block-sparse mask, read from a safetensors file: a tensor U8 of one value per block
// of block_queries x block_keys (0: hidden, 1: visible, b: visible where element mask number b - 2 is 1), rows by
// query position, from 0 on (queries before see nothing), and optionally a tensor "elements" of those element masks.
// With several users each may have its own tensors ("0.blocks", "1.blocks"), or all have the same ("blocks").
#include "sim/attention/masks/block_grid.h"
#include "sim/attention/masks/reading.h"
#include "sim/base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace tilemesh::attention {
namespace {

constexpr std::uint64_t most_blocks = std::uint64_t{1} << 28;  // of a grid; each takes 17 bytes of memory
constexpr std::uint64_t longest_block = std::uint64_t{1} << 27;

struct UserGrid {
    std::shared_ptr<const BlockGrid> grid;
    std::string source;  // for errors
};

class BlockBitmap final : public Mask {
public:
    BlockBitmap(std::vector<UserGrid> users, std::int64_t block_queries, std::int64_t block_keys)
        : users_(std::move(users)), block_queries_(block_queries), block_keys_(block_keys) {}

    std::string name() const override { return fmt::format("bitmap of {} x {} blocks", block_queries_, block_keys_); }
    bool sees(Viewer viewer, std::int64_t query_position, std::int64_t key_position) const override {
        return of(viewer).sees(query_position, key_position);
    }
    Visible block(Viewer viewer, Range queries, Range keys) const override {
        if (queries.empty() || keys.empty()) return Visible::none;
        const std::uint64_t seen = of(viewer).visible(queries, keys);
        if (seen == 0) return Visible::none;
        return seen == static_cast<std::uint64_t>(queries.size()) * static_cast<std::uint64_t>(keys.size())
                   ? Visible::all
                   : Visible::some;
    }
    std::uint64_t visible_pairs(Viewer viewer, Range queries, Range keys) const override {
        return of(viewer).visible(queries, keys);
    }
    int compare_operations() const override { return 2; }  // spread the block's value, "and" it with its pattern

    std::optional<std::string> refuses(std::span<const User> users) const override {
        for (std::size_t i = 0; i < users.size(); ++i) {
            const std::int64_t positions = std::max<std::int64_t>(users[i].query_positions().end, 0);
            const std::int64_t keys = users[i].keys;
            const std::int64_t rows = (positions + block_queries_ - 1) / block_queries_;
            const std::int64_t cols = (keys + block_keys_ - 1) / block_keys_;
            const UserGrid& user = users_.at(i);
            if (user.grid->rows() != rows || user.grid->cols() != cols)
                return fmt::format(
                    "{}: found shape [{}, {}], expected [{}, {}]: blocks of {} x {} for {} query positions and {} "
                    "keys "
                    "of user {}",
                    user.source, user.grid->rows(), user.grid->cols(), rows, cols, block_queries_, block_keys_,
                    positions, keys, i);
        }
        return {};
    }

private:
    const BlockGrid& of(Viewer viewer) const { return *users_[static_cast<std::size_t>(viewer.user)].grid; }

    std::vector<UserGrid> users_;
    std::int64_t block_queries_, block_keys_;
};

/// Reads the tensors of one mask, each once however many users have it.
class BitmapReader {
public:
    BitmapReader(const MaskTensors& tensors, std::int64_t block_queries, std::int64_t block_keys,
                 std::optional<std::string> elements)
        : tensors_(tensors), block_queries_(block_queries), block_keys_(block_keys), elements_(std::move(elements)) {}

    UserGrid grid(std::size_t user, const std::string& tensor) {
        const std::string name = tensors_.own_or_shared_name(user, tensor);
        const std::string elements = elements_ ? tensors_.own_or_shared_name(user, *elements_) : "";
        std::shared_ptr<const BlockGrid>& grid = grids_[{name, elements}];
        if (!grid) grid = read_grid(name, elements);
        return {grid, tensors_.shown(name)};
    }

private:
    std::shared_ptr<const BlockGrid> read_grid(const std::string& name, const std::string& elements) {
        const StoredTensor& stored = tensors_.file().find(name);
        if (stored.shape.size() != 2)
            fail<InputError>("{}: found shape {}, expected [blocks of queries, blocks of keys]", tensors_.shown(name),
                             text_of_shape(stored.shape));
        if (stored.end - stored.begin > most_blocks)
            fail<InputError>("{}: found {} bytes of blocks, expected at most {}", tensors_.shown(name),
                             stored.end - stored.begin, most_blocks);
        std::vector<std::uint8_t> blocks = tensors_.file().read_bytes(name);
        std::shared_ptr<const Patterns>& masks = patterns_[elements];
        if (!masks) masks = read_patterns(elements);
        const std::size_t known = masks->sums.size() + 2;
        const auto bad = std::find_if(blocks.begin(), blocks.end(), [&](std::uint8_t b) { return b >= known; });
        if (bad != blocks.end()) {
            const auto at = static_cast<std::uint64_t>(bad - blocks.begin());
            fail<InputError>("{}[{}, {}]: found {}, expected 0 to {}: there are {} element masks",
                             tensors_.shown(name), at / stored.shape[1], at % stored.shape[1], *bad, known - 1,
                             masks->sums.size());
        }
        return std::make_shared<BlockGrid>(static_cast<std::int64_t>(stored.shape[0]),
                                           static_cast<std::int64_t>(stored.shape[1]), std::move(blocks), masks);
    }

    std::shared_ptr<const Patterns> read_patterns(const std::string& name) const {
        if (!elements_) return std::make_shared<Patterns>(block_queries_, block_keys_, std::vector<std::uint8_t>());
        const StoredTensor& stored = tensors_.file().find(name);
        const auto queries = static_cast<std::uint64_t>(block_queries_),
                   keys = static_cast<std::uint64_t>(block_keys_);
        if (stored.shape.size() != 3 || stored.shape[1] != queries || stored.shape[2] != keys)
            fail<InputError>("{}: found shape {}, expected [patterns, {}, {}]", tensors_.shown(name),
                             text_of_shape(stored.shape), queries, keys);
        if (stored.shape[0] > 254)
            fail<InputError>("{}: found {} patterns, expected at most 254", tensors_.shown(name), stored.shape[0]);
        std::vector<std::uint8_t> values = tensors_.file().read_bytes(name);
        const auto bad = std::find_if(values.begin(), values.end(), [](std::uint8_t value) { return value > 1; });
        if (bad != values.end())
            fail<InputError>("{}: found {} at element {}, expected 0 or 1", tensors_.shown(name), *bad,
                             bad - values.begin());
        return std::make_shared<Patterns>(block_queries_, block_keys_, std::move(values));
    }

    const MaskTensors& tensors_;
    std::int64_t block_queries_, block_keys_;
    std::optional<std::string> elements_;
    std::map<std::pair<std::string, std::string>, std::shared_ptr<const BlockGrid>> grids_;  // by both tensors
    std::map<std::string, std::shared_ptr<const Patterns>> patterns_;
};

}  // namespace

std::shared_ptr<const Mask> read_block_bitmap(JsonReader& reader, const MaskReading& reading) {
    const auto block_queries = static_cast<std::int64_t>(reader.integer("block_queries", 1, longest_block));
    const auto block_keys = static_cast<std::int64_t>(reader.integer("block_keys", 1, longest_block));
    const std::string tensor = reader.string("tensor", "blocks");
    std::optional<std::string> elements;
    if (const auto member = reader.optional_member("elements")) elements = member->as_string();
    const auto file = reader.optional_member("file");
    if (file && file->as_string().empty()) file->reject("the path of a safetensors file");
    const MaskTensors tensors = file ? MaskTensors(file->as_file(), reading) : MaskTensors(reader, reading, "file");
    BitmapReader bitmap(tensors, block_queries, block_keys, elements);
    std::vector<UserGrid> users;
    for (std::size_t user = 0; user < reading.users.size(); ++user) users.push_back(bitmap.grid(user, tensor));
    return std::make_shared<BlockBitmap>(std::move(users), block_queries, block_keys);
}

}  // namespace tilemesh::attention
