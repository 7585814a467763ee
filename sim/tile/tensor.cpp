// SPDX-License-Identifier: Apache-2.0
#include "sim/tile/tensor.h"

#include "sim/base/error.h"

#include <algorithm>

namespace tilemesh {
namespace {

bool overlap(const std::array<std::int32_t, 3>& a, const Shape& as, const std::array<std::int32_t, 3>& b,
             const Shape& bs) {
    for (int i = 0; i < 3; ++i) {
        const auto u = static_cast<std::size_t>(i);
        if (a[u] + as.slot(i) <= b[u] || b[u] + bs.slot(i) <= a[u]) return false;
    }
    return true;
}

/// Calls visit(row of box, row of tensor) for the sampled rows that fall into the box.
template <class Visit>
void rows_in_box(const std::vector<std::int32_t>& rows, const Shape& tensor, const TensorBox& box, Visit visit) {
    for (std::int32_t b = 0; b < box.shape.batch(); ++b) {
        const std::int32_t first = (box.offset[0] + b) * tensor.rows() + box.offset[1];
        auto it = std::lower_bound(rows.begin(), rows.end(), first);
        for (; it != rows.end() && *it < first + box.shape.rows(); ++it) {
            visit(b * box.shape.rows() + (*it - first), *it);
        }
    }
}

}  // namespace

bool Tensor::computes(const TensorBox& box) const {
    if (!rows_) return true;
    for (std::int32_t b = 0; b < box.shape.batch(); ++b) {
        const std::int32_t first = (box.offset[0] + b) * shape_.rows() + box.offset[1];
        const auto it = std::lower_bound(rows_->begin(), rows_->end(), first);
        if (it != rows_->end() && *it < first + box.shape.rows()) return true;
    }
    return false;
}

PayloadPtr Tensor::read(const TensorBox& box) {
    if (input_) return read_input(box);
    const auto exact = written_.find(box.offset);
    if (exact != written_.end() && exact->second.shape.slots() == box.shape.slots()) return exact->second.values;
    auto payload = std::make_shared<Payload>();
    payload->shape = box.shape;
    payload->source = [this, box](Payload& out) { gather(box, out); };
    std::erase_if(pending_reads_, [](const PendingRead& r) { return r.payload.expired(); });
    pending_reads_.push_back({box, payload});
    return payload;
}

PayloadPtr Tensor::read_input(const TensorBox& box) const {
    auto payload = std::make_shared<Payload>();
    payload->shape = box.shape;
    if (rows_) {
        auto rows = std::make_shared<std::vector<std::int32_t>>();
        rows_in_box(*rows_, shape_, box, [&](std::int32_t row, std::int32_t) { rows->push_back(row); });
        payload->rows = std::move(rows);
    }
    payload->source = [this, offset = box.offset](Payload& out) { input_(offset, out); };
    return payload;
}

void Tensor::gather(const TensorBox& box, Payload& out) const {
    const auto cols = static_cast<std::size_t>(box.shape.cols());
    out.data.assign(static_cast<std::size_t>(box.shape.elements()), 0.0F);
    std::int64_t covered = 0;
    for (const auto& [offset, written] : written_) {
        if (!overlap(offset, written.shape, box.offset, box.shape)) continue;
        if (written.values->rows) {
            fail<KernelError>(
                "load of {} {} at [{}, {}, {}] cuts across boxes stored with another tiling, which runs "
                "with sampled values cannot follow: load the boxes as they were stored",
                name_, box.shape.text(), box.offset[0], box.offset[1], box.offset[2]);
        }
        const float* data = written.values->force();
        std::array<std::int32_t, 3> lo{}, hi{};
        for (std::size_t i = 0; i < 3; ++i) {
            lo[i] = std::max(offset[i], box.offset[i]);
            hi[i] = std::min(offset[i] + written.shape.slots()[i], box.offset[i] + box.shape.slots()[i]);
        }
        for (std::int32_t b = lo[0]; b < hi[0]; ++b) {
            for (std::int32_t r = lo[1]; r < hi[1]; ++r) {
                const std::size_t from =
                    (static_cast<std::size_t>(b - offset[0]) * static_cast<std::size_t>(written.shape.rows()) +
                     static_cast<std::size_t>(r - offset[1])) *
                        static_cast<std::size_t>(written.shape.cols()) +
                    static_cast<std::size_t>(lo[2] - offset[2]);
                const std::size_t to =
                    (static_cast<std::size_t>(b - box.offset[0]) * static_cast<std::size_t>(box.shape.rows()) +
                     static_cast<std::size_t>(r - box.offset[1])) *
                        cols +
                    static_cast<std::size_t>(lo[2] - box.offset[2]);
                std::copy_n(data + from, hi[2] - lo[2], out.data.data() + to);
                covered += hi[2] - lo[2];
            }
        }
    }
    if (covered != box.shape.elements()) {
        fail<KernelError>("load of {} {} at [{}, {}, {}]: {} of {} elements were never stored", name_,
                          box.shape.text(), box.offset[0], box.offset[1], box.offset[2],
                          box.shape.elements() - covered, box.shape.elements());
    }
}

void Tensor::write(const TensorBox& box, PayloadPtr values) {
    if (input_) fail<KernelError>("store to {}: it is an input", name_);
    const auto exact = written_.find(box.offset);
    const bool replaces = exact != written_.end() && exact->second.shape.slots() == box.shape.slots();
    if (!replaces) {
        for (const auto& [offset, written] : written_) {
            if (overlap(offset, written.shape, box.offset, box.shape)) {
                fail<KernelError>(
                    "store to {} {} at [{}, {}, {}] cuts into the box {} stored at [{}, {}, {}]: store a "
                    "tensor in boxes of one tiling",
                    name_, box.shape.text(), box.offset[0], box.offset[1], box.offset[2], written.shape.text(),
                    offset[0], offset[1], offset[2]);
            }
        }
    } else {
        // Reads issued before this store must see the old content.
        for (const PendingRead& read : pending_reads_) {
            if (!overlap(read.box.offset, read.box.shape, box.offset, box.shape)) continue;
            if (const PayloadPtr pending = read.payload.lock()) pending->force();
        }
    }
    written_[box.offset] = Written{box.shape, std::move(values)};
}

void Tensor::visit_rows(const std::function<void(std::int64_t, const float*)>& visit) const {
    struct Row {
        std::vector<float> values;
        std::size_t stored = 0;
    };
    std::map<std::int64_t, Row> pieced;  // rows stored as several boxes side by side
    const auto width = static_cast<std::size_t>(shape_.cols());
    for (const auto& entry : written_) {
        const std::array<std::int32_t, 3>& offset = entry.first;
        const Written& written = entry.second;
        const float* data = written.values->force();
        const auto cols = static_cast<std::size_t>(written.shape.cols());
        const auto report = [&](std::size_t position, std::int32_t in_box) {
            const std::int64_t b = offset[0] + in_box / written.shape.rows();
            const std::int64_t r = offset[1] + in_box % written.shape.rows();
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
            fail<KernelError>("row {} of {}: {} of {} elements were never stored", flat, name_, width - row.stored,
                              width);
        }
        visit(flat, row.values.data());
    }
}

}  // namespace tilemesh
