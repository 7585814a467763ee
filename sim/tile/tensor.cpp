// SPDX-License-Identifier: Apache-2.0
#include "sim/tile/tensor.h"

#include "sim/base/error.h"

#include <algorithm>

namespace tilemesh {
namespace {

/// Do two evenly spaced sets of rows, `first + i * stride` for i < `count`, share one?
struct Rows {
    std::int32_t first, count, stride;
    std::int32_t end() const { return first + (count - 1) * stride + 1; }
    bool has(std::int32_t row) const { return row >= first && row < end() && (row - first) % stride == 0; }
};
bool meet(const Rows& a, const Rows& b) {
    if (a.end() <= b.first || b.end() <= a.first) return false;
    if (a.stride == b.stride) return (a.first - b.first) % a.stride == 0;
    const Rows &fewer = a.count <= b.count ? a : b, &more = a.count <= b.count ? b : a;
    for (std::int32_t i = 0; i < fewer.count; ++i)
        if (more.has(fewer.first + i * fewer.stride)) return true;
    return false;
}

/// Calls visit(row of box) for the sampled rows that fall into the box, until it says stop (returns false).
template <class Visit>
void rows_in_box(const std::vector<std::int32_t>& rows, const Shape& tensor, const TensorBox& box, Visit visit) {
    for (std::int32_t b = 0; b < box.shape.batch(); ++b) {
        const std::int32_t first = (box.offset[0] + b) * tensor.rows() + box.offset[1];
        auto it = std::lower_bound(rows.begin(), rows.end(), first);
        for (; it != rows.end() && *it < first + box.row_extent(); ++it)
            if ((*it - first) % box.row_stride == 0 && !visit(b * box.shape.rows() + (*it - first) / box.row_stride))
                return;
    }
}

}  // namespace

bool overlap(const TensorBox& a, const TensorBox& b) {
    for (const std::size_t i : {std::size_t{0}, std::size_t{2}}) {
        if (a.offset[i] + a.shape.slots()[i] <= b.offset[i] || b.offset[i] + b.shape.slots()[i] <= a.offset[i])
            return false;
    }
    return meet({a.offset[1], a.shape.rows(), a.row_stride}, {b.offset[1], b.shape.rows(), b.row_stride});
}

void Tensor::set_pages(Shape shape, std::vector<std::int64_t> places) {
    Paging& paging = content().paging;
    paging.rows = shape_.rows();
    for (const std::int64_t place : places) paging.places.push_back(to_index(place, "page"));
    shape_ = shape;
}

bool Tensor::computes(const TensorBox& box) const {
    if (!content_ || !content_->rows) return true;
    bool any = false;
    rows_in_box(*content_->rows, shape_, box, [&](std::int32_t) {
        any = true;
        return false;
    });
    return any;
}

PayloadPtr Tensor::read(const TensorBox& box) {
    Content& own = content();
    if (own.input) return read_input(box);
    const auto exact = own.written.find(box.offset);
    if (exact != own.written.end() && exact->second.is(box)) return exact->second.values;
    auto payload = std::make_shared<Payload>();
    payload->shape = box.shape;
    payload->source = [this, box](Payload& out) { gather(box, out); };
    std::erase_if(own.pending_reads, [](const PendingRead& r) { return r.payload.expired(); });
    own.pending_reads.push_back({box, payload});
    return payload;
}

PayloadPtr Tensor::read_input(const TensorBox& box) const {
    auto payload = std::make_shared<Payload>();
    payload->shape = box.shape;
    if (content_->rows) {
        auto rows = std::make_shared<std::vector<std::int32_t>>();
        rows_in_box(*content_->rows, shape_, box, [&](std::int32_t row) {
            rows->push_back(row);
            return true;
        });
        payload->rows = std::move(rows);
    }
    if (box.row_stride == 1) {
        payload->source = [this, offset = box.offset](Payload& out) { content_->input(offset, out); };
    } else {
        payload->source = [this, box](Payload& out) { gather_input(box, out); };
    }
    return payload;
}

void Tensor::gather_input(const TensorBox& box, Payload& out) const {
    const std::int32_t all = box.shape.batch() * box.shape.rows();
    const auto count = out.rows ? static_cast<std::int32_t>(out.rows->size()) : all;
    const auto cols = static_cast<std::size_t>(box.shape.cols());
    out.data.resize(static_cast<std::size_t>(count) * cols);
    Payload row;
    row.shape = Shape{1, 1, box.shape.cols()};
    for (std::int32_t i = 0; i < count; ++i) {
        const std::int32_t flat = out.rows ? (*out.rows)[static_cast<std::size_t>(i)] : i;
        content_->input({box.offset[0] + flat / box.shape.rows(),
                         box.offset[1] + flat % box.shape.rows() * box.row_stride, box.offset[2]},
                        row);
        std::copy_n(row.data.data(), cols, out.data.data() + static_cast<std::size_t>(i) * cols);
    }
}

void Tensor::gather(const TensorBox& box, Payload& out) const {
    const auto cols = static_cast<std::size_t>(box.shape.cols());
    out.data.assign(static_cast<std::size_t>(box.shape.elements()), 0.0F);
    std::int64_t covered = 0;
    for (const auto& [offset, written] : content_->written) {
        if (!overlap(written.at(offset), box)) continue;
        if (written.values->rows) {
            fail<KernelError>(
                "load of {} {} at [{}, {}, {}] cuts across boxes stored with another tiling, which runs "
                "with sampled values cannot follow: load the boxes as they were stored",
                name(), box.shape.text(), box.offset[0], box.offset[1], box.offset[2]);
        }
        const float* data = written.values->force();
        const Rows stored{offset[1], written.shape.rows(), written.row_stride};
        const std::int32_t last_col = std::min(offset[2] + written.shape.cols(), box.offset[2] + box.shape.cols());
        const std::int32_t first_col = std::max(offset[2], box.offset[2]);
        const std::int32_t last_batch =
            std::min(offset[0] + written.shape.batch(), box.offset[0] + box.shape.batch());
        // Rows of the box that lie between the first and the last stored row.
        const std::int32_t before = std::max(0, stored.first - box.offset[1]);
        const std::int32_t first_row = (before + box.row_stride - 1) / box.row_stride;
        const std::int32_t last_row =
            std::min(box.shape.rows(), (stored.end() - 1 - box.offset[1]) / box.row_stride + 1);
        for (std::int32_t b = std::max(offset[0], box.offset[0]); b < last_batch; ++b) {
            for (std::int32_t i = first_row; i < last_row; ++i) {
                const std::int32_t row = box.offset[1] + i * box.row_stride;
                if (!stored.has(row)) continue;
                const auto from =
                    (static_cast<std::size_t>(b - offset[0]) * static_cast<std::size_t>(written.shape.rows()) +
                     static_cast<std::size_t>((row - stored.first) / stored.stride)) *
                        static_cast<std::size_t>(written.shape.cols()) +
                    static_cast<std::size_t>(first_col - offset[2]);
                const auto to =
                    (static_cast<std::size_t>(b - box.offset[0]) * static_cast<std::size_t>(box.shape.rows()) +
                     static_cast<std::size_t>(i)) *
                        cols +
                    static_cast<std::size_t>(first_col - box.offset[2]);
                std::copy_n(data + from, last_col - first_col, out.data.data() + to);
                covered += last_col - first_col;
            }
        }
    }
    if (covered != box.shape.elements()) {
        fail<KernelError>("load of {} {} at [{}, {}, {}]: {} of {} elements were never stored", name(),
                          box.shape.text(), box.offset[0], box.offset[1], box.offset[2],
                          box.shape.elements() - covered, box.shape.elements());
    }
}

void Tensor::write(const TensorBox& box, PayloadPtr values) {
    Content& own = content();
    if (own.input) fail<KernelError>("store to {}: it is an input", name());
    const auto exact = own.written.find(box.offset);
    const bool replaces = exact != own.written.end() && exact->second.is(box);
    if (!replaces) {
        for (const auto& [offset, written] : own.written) {
            if (overlap(written.at(offset), box)) {
                fail<KernelError>(
                    "store to {} {} at [{}, {}, {}] cuts into the box {} stored at [{}, {}, {}]: store a "
                    "tensor in boxes of one tiling",
                    name(), box.shape.text(), box.offset[0], box.offset[1], box.offset[2], written.shape.text(),
                    offset[0], offset[1], offset[2]);
            }
        }
    } else {
        // Reads issued before this store must see the old content.
        for (const PendingRead& read : own.pending_reads) {
            if (!overlap(read.box, box)) continue;
            if (const PayloadPtr pending = read.payload.lock()) pending->force();
        }
    }
    own.written[box.offset] = Written{box.shape, box.row_stride, std::move(values)};
}

void Tensor::visit_rows(const std::function<void(std::int64_t, const float*)>& visit) const {
    struct Row {
        std::vector<float> values;
        std::size_t stored = 0;
    };
    std::map<std::int64_t, Row> pieced;  // rows stored as several boxes side by side
    const auto width = static_cast<std::size_t>(shape_.cols());
    if (!content_) return;
    for (const auto& entry : content_->written) {
        const std::array<std::int32_t, 3>& offset = entry.first;
        const Written& written = entry.second;
        const float* data = written.values->force();
        const auto cols = static_cast<std::size_t>(written.shape.cols());
        const auto report = [&](std::size_t position, std::int32_t in_box) {
            const std::int64_t b = offset[0] + in_box / written.shape.rows();
            const std::int64_t r = offset[1] + std::int64_t{in_box % written.shape.rows()} * written.row_stride;
            const std::int64_t flat = b * shape_.rows() + r;
            const float* values = data + position * cols;
            if (cols == width) return visit(flat, values);
            Row& row = pieced[flat];
            row.values.resize(width);
            row.stored += cols;
            std::copy_n(values, cols, row.values.begin() + offset[2]);
        };
        if (written.values->rows) {
            const auto& rows = *written.values->rows;
            for (std::size_t i = 0; i < rows.size(); ++i) report(i, rows[i]);
        } else {
            const auto rows =
                static_cast<std::size_t>(written.shape.batch()) * static_cast<std::size_t>(written.shape.rows());
            for (std::size_t i = 0; i < rows; ++i) report(i, static_cast<std::int32_t>(i));
        }
    }
    for (const auto& [flat, row] : pieced) {
        if (row.stored != width) {
            fail<KernelError>("row {} of {}: {} of {} elements were never stored", flat, name(), width - row.stored,
                              width);
        }
        visit(flat, row.values.data());
    }
}

}  // namespace tilemesh
