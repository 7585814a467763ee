// SPDX-License-Identifier: Apache-2.0
// The list of mask kinds, and how a panel combines them.
#include "sim/attention/masks/kinds.h"

#include <fmt/format.h>

namespace tilemesh::attention {

using Reading = std::shared_ptr<const Mask>(JsonReader&, const MaskReading&);
Reading read_full, read_causal, read_block_causal, read_sliding_window, read_segments, read_sparse_strided,
    read_sparse_fixed, read_dilated, read_block_bitmap, read_key_bias, read_alibi, read_pair_bias;

namespace {

constexpr MaskKind kinds[] = {
    {"full", read_full},
    {"causal", read_causal},
    {"block_causal", read_block_causal},
    {"sliding_window", read_sliding_window},
    {"segments", read_segments},
    {"sparse_strided", read_sparse_strided},
    {"sparse_fixed", read_sparse_fixed},
    {"dilated", read_dilated},
    {"block_bitmap", read_block_bitmap},
    {"key_bias", read_key_bias},
    {"alibi", read_alibi},
    {"pair_bias", read_pair_bias},
};

// An "and" of "and"s says nothing a flat one does not; the limit keeps a hostile file from exhausting the stack.
constexpr int deepest_nesting = 8;
// Of those that have numbers or tensors of their own, which take memory.
constexpr int most_with_numbers = 16;

bool has_numbers(std::string_view kind) {
    return kind == "segments" || kind == "block_bitmap" || kind == "key_bias" || kind == "alibi" ||
           kind == "pair_bias";
}

std::shared_ptr<const Mask> read_nested(JsonReader& reader, const MaskReading& reading, int depth,
                                        int& with_numbers) {
    if (!reader.is_object()) reader.reject("a mask such as {\"kind\": \"causal\"}");
    std::shared_ptr<const Mask> mask;
    if (auto list = reader.optional_member("all_of")) {
        if (reader.has("kind")) reader.complain("found both \"kind\" and \"all_of\", expected one of them");
        if (depth == deepest_nesting) reader.complain("all_of is nested too deeply, expected a flat list");
        if (!list->is_array() || list->value().empty()) list->reject("a non-empty array of masks");
        std::vector<std::shared_ptr<const Mask>> parts;
        for (JsonReader& part : list->elements())
            parts.push_back(read_nested(part, reading, depth + 1, with_numbers));
        mask = all_of(std::move(parts));
    } else {
        std::vector<std::string> names;
        for (const MaskKind& kind : kinds) names.emplace_back(kind.name);
        const std::string wanted = reader.word("kind", names);
        if (has_numbers(wanted) && ++with_numbers > most_with_numbers)
            reader.complain(
                fmt::format("found mask number {} of those that have numbers or tensors, expected at most {}",
                            with_numbers, most_with_numbers));
        for (const MaskKind& kind : kinds) {
            if (kind.name == wanted) mask = kind.read(reader, reading);
        }
    }
    reader.finish();
    return mask;
}

}  // namespace

std::span<const MaskKind> mask_kinds() { return kinds; }

std::shared_ptr<const Mask> read_mask(JsonReader reader, const MaskReading& reading) {
    int with_numbers = 0;
    return read_nested(reader, reading, 0, with_numbers);
}

}  // namespace tilemesh::attention
