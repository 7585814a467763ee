// SPDX-License-Identifier: Apache-2.0
// Things by item, for tables of millions of rows: one array, found by a hash.
#pragma once

#include "sim/attention/schedule.h"
#include "sim/base/error.h"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace tilemesh::attention {

/// Goes through its entries in the order in which items came. A new one moves the others.
template <class T>
class ItemMap {
public:
    using Entry = std::pair<Item, T>;

    /// As it is made by default if it is new.
    T& operator[](const Item& item) {
        if (2 * (entries_.size() + 1) > places_.size()) grow();
        std::uint32_t& place = places_[place_of(item)];
        if (place == nothing) {
            place = static_cast<std::uint32_t>(entries_.size());
            entries_.emplace_back(item, T());
        }
        return entries_[place].second;
    }
    /// Null: there is none.
    const T* find(const Item& item) const {
        if (entries_.empty()) return nullptr;
        const std::uint32_t place = places_[place_of(item)];
        return place == nothing ? nullptr : &entries_[place].second;
    }
    T* find(const Item& item) { return const_cast<T*>(std::as_const(*this).find(item)); }

    bool contains(const Item& item) const { return find(item) != nullptr; }
    /// Of an item that is there.
    const T& at(const Item& item) const {
        const T* const found = find(item);
        if (!found) fail<InternalError>("no {} here", name_of(item));
        return *found;
    }

    std::size_t size() const { return entries_.size(); }
    auto begin() { return entries_.begin(); }
    auto end() { return entries_.end(); }
    auto begin() const { return entries_.begin(); }
    auto end() const { return entries_.end(); }

private:
    static constexpr std::uint32_t nothing = ~std::uint32_t{0};

    static std::size_t hash_of(const Item& item) {
        std::uint64_t hash = static_cast<std::uint64_t>(item.kind);
        for (const std::int32_t part : {item.user, item.id, item.copy, item.head_part}) {
            hash = (hash ^ static_cast<std::uint32_t>(part)) * 0x9e3779b97f4a7c15ULL;
            hash ^= hash >> 32;
        }
        return hash;
    }
    std::size_t place_of(const Item& item) const {
        std::size_t place = hash_of(item) & (places_.size() - 1);
        while (places_[place] != nothing && entries_[places_[place]].first != item)
            place = (place + 1) & (places_.size() - 1);
        return place;
    }
    void grow() {
        places_.assign(places_.empty() ? 8 : 2 * places_.size(), nothing);
        for (std::uint32_t i = 0; i < entries_.size(); ++i) places_[place_of(entries_[i].first)] = i;
    }

    std::vector<Entry> entries_;
    std::vector<std::uint32_t> places_;  // a power of two of them, at most half of them taken
};

}  // namespace tilemesh::attention
