// SPDX-License-Identifier: Apache-2.0
// A tensor in HBM: up to three dimensions, row-major, at an address of one PE's slice, its rows one after the other
// or in pages. Timing uses address, strides and pages; values, when computed, are either an immutable input or the
// boxes that stores have written.
#pragma once

#include "sim/base/shared_text.h"
#include "sim/tile/command.h"
#include "sim/tile/values.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tilemesh {

/// Fills a payload's data for one box of an input: payload.shape and payload.rows say which elements.
using InputValues = std::function<void(const std::array<std::int32_t, 3>& offset, Payload& payload)>;

/// Do two boxes of one tensor share an element?
bool overlap(const TensorBox& a, const TensorBox& b);

/// Rows in pages of `rows`, each anywhere in a pool; page i is at place places[i]. A place has that many rows of each
/// batch, one batch after the other.
struct Paging {
    std::int32_t rows = 1;
    std::vector<std::int32_t> places;
};

class Tensor {
public:
    /// A tensor at `address` (bytes) of the HBM slice of PE `home`.
    Tensor(SharedText name, int home, std::uint64_t address, Shape shape, Dtype dtype)
        : name_(std::move(name)), address_(address), shape_(shape), home_(home), dtype_(dtype) {}

    const std::string& name() const { return name_.text(); }
    int home() const { return home_; }
    std::uint64_t address() const { return address_; }
    const Shape& shape() const { return shape_; }
    Dtype dtype() const { return dtype_; }
    std::uint64_t bytes() const { return static_cast<std::uint64_t>(shape_.elements()) * bytes_per_element(dtype_); }

    /// Makes what was allocated, [places * batches, page rows, cols], the pool of a tensor of `shape` in pages.
    void set_pages(Shape shape, std::vector<std::int64_t> places);
    const Paging* paging() const {
        return content_ && !content_->paging.places.empty() ? &content_->paging : nullptr;
    }

    /// Makes this an input, which no kernel may store to.
    void set_given() { given_ = true; }
    bool is_given() const { return given_; }
    /// And `values` gives any box of it.
    void set_input(InputValues values) {
        given_ = true;
        content().input = std::move(values);
    }
    /// The rows (flat, sorted) that a sampled run computes; null: all.
    void set_rows(RowSet rows) {
        if (rows || content_) content().rows = std::move(rows);
    }
    /// Does the run compute any row of this box?
    bool computes(const TensorBox& box) const;

    /// The values of a box. Input boxes without a row sample are filled only when somebody looks.
    PayloadPtr read(const TensorBox& box);
    /// Keeps the payload as the content of the box.
    void write(const TensorBox& box, PayloadPtr values);
    /// Everything stored so far, for collecting results: called with (flat row, values of that row).
    void visit_rows(const std::function<void(std::int64_t, const float*)>& visit) const;

private:
    struct Written {
        Shape shape;
        std::int32_t row_stride;
        PayloadPtr values;
        TensorBox at(const std::array<std::int32_t, 3>& offset) const { return {nullptr, offset, shape, row_stride}; }
        bool is(const TensorBox& box) const {
            return shape.slots() == box.shape.slots() && row_stride == box.row_stride;
        }
    };
    struct PendingRead {
        TensorBox box;
        std::weak_ptr<Payload> payload;
    };
    PayloadPtr read_input(const TensorBox& box) const;
    void gather_input(const TensorBox& box, Payload& out) const;
    void gather(const TensorBox& box, Payload& out) const;

    /// What a tensor of which only the place matters never has: large machines have millions of those.
    struct Content {
        Paging paging;  // no places: rows follow each other
        InputValues input;
        RowSet rows;
        // Boxes by offset. Kernels store a tensor in boxes of one tiling: an equal box replaces, others are disjoint.
        std::map<std::array<std::int32_t, 3>, Written> written;
        std::vector<PendingRead> pending_reads;  // boxes handed out and not looked at yet
    };
    Content& content() {
        if (!content_) content_ = std::make_unique<Content>();
        return *content_;
    }

    SharedText name_;
    std::uint64_t address_;
    std::unique_ptr<Content> content_;
    Shape shape_;
    int home_;
    Dtype dtype_;
    bool given_ = false;
};

}  // namespace tilemesh
