// SPDX-License-Identifier: Apache-2.0
#include "sim/pe/dma.h"

#include "sim/noc/sim_time.h"
#include "sim/pe/processing_element.h"

#include <algorithm>

namespace tilemesh::pe {
namespace {

/// The box of a tensor as segments of its slice.
struct Segments {
    memory::Segment first;
    std::uint64_t count;
    std::uint64_t stride;
};

/// The box of a tensor in pages, page by page and batch by batch; what follows what came before joins it.
std::vector<Segments> pages_of(const TensorBox& box) {
    const Tensor& tensor = *box.tensor;
    const Paging& pages = *tensor.paging();
    const auto size = [](std::int32_t n) { return static_cast<std::uint64_t>(n); };
    const std::uint64_t width = bytes_per_element(tensor.dtype());
    const std::uint64_t row = size(tensor.shape().cols()) * width, part = size(pages.rows) * row;  // of one batch
    const std::uint64_t piece = size(box.shape.cols()) * width, stride = size(box.row_stride) * row;
    const bool whole_rows = piece == row && box.row_stride == 1;
    std::vector<Segments> parts;
    for (std::int32_t r = 0; r < box.shape.rows();) {
        const std::int32_t first = box.offset[1] + r * box.row_stride;
        const std::int32_t in_page = first % pages.rows;
        const std::int32_t rows = std::min(box.shape.rows() - r, (pages.rows - in_page - 1) / box.row_stride + 1);
        const std::uint64_t page =
            tensor.address() +
            size(pages.places[static_cast<std::size_t>(first / pages.rows)]) * size(tensor.shape().batch()) * part;
        const std::uint64_t begin =
            page + size(box.offset[0]) * part + size(in_page) * row + size(box.offset[2]) * width;
        if (whole_rows) {
            // The batches of a page are evenly spaced, and one run when the box has all of its rows.
            Segments segments{{begin, size(rows) * row}, size(box.shape.batch()), part};
            if (rows == pages.rows) segments = {{begin, size(box.shape.batch()) * part}, 1, 0};
            memory::Segment* const before = parts.empty() || parts.back().count > 1 ? nullptr : &parts.back().first;
            if (before && segments.count == 1 && before->address + before->bytes == begin) {
                before->bytes += segments.first.bytes;
            } else {
                parts.push_back(segments);
            }
        } else {
            for (std::int32_t b = 0; b < box.shape.batch(); ++b)
                parts.push_back({{begin + size(b) * part, piece}, size(rows), stride});
        }
        r += rows;
    }
    return parts;
}

/// Boxes whose rows follow each other in memory are one segment per batch; others one per row. A box over several
/// batches and part of the rows' columns, or of the rows, has two strides; its batches are booked as if evenly spaced
/// by the row stride.
Segments segments_of(const TensorBox& box) {
    const Tensor& tensor = *box.tensor;
    const std::uint64_t width = bytes_per_element(tensor.dtype());
    const auto cols = static_cast<std::uint64_t>(tensor.shape().cols()),
               rows = static_cast<std::uint64_t>(tensor.shape().rows());
    const std::uint64_t begin =
        tensor.address() +
        ((static_cast<std::uint64_t>(box.offset[0]) * rows + static_cast<std::uint64_t>(box.offset[1])) * cols +
         static_cast<std::uint64_t>(box.offset[2])) *
            width;
    const auto bc = static_cast<std::uint64_t>(box.shape.cols()), br = static_cast<std::uint64_t>(box.shape.rows()),
               bb = static_cast<std::uint64_t>(box.shape.batch());
    const auto step = static_cast<std::uint64_t>(box.row_stride);
    if (bc != cols || step != 1) return {{begin, bc * width}, bb * br, step * cols * width};
    if (br != rows) return {{begin, br * cols * width}, bb, rows * cols * width};
    return {{begin, bb * br * cols * width}, 1, 0};
}

}  // namespace

Dma::Dma(ProcessingElement& pe, bool write, int outstanding)
    : pe_(pe), write_(write), outstanding_(static_cast<std::size_t>(outstanding)) {}

std::size_t Dma::take_slot(Picoseconds now) {
    while (!open_.empty() && !transfers_[open_.front()].busy && transfers_[open_.front()].end <= now)
        finished_.push_back(open_.pop());
    if (finished_.empty()) {
        finished_.push_back(transfers_.size());
        transfers_.emplace_back();
    }
    const std::size_t slot = open_.push(finished_.back());
    finished_.pop_back();
    return slot;
}

noc::Stream& Dma::prepare(noc::Stream& stream, int from, int to, Bytes bytes, std::size_t slot, Picoseconds begin,
                          Picoseconds end) {
    stream = noc::Stream{};
    stream.route = &pe_.surroundings().network.route(from, to);
    stream.size = bytes;
    stream.available_from = begin;
    stream.available_until = end;
    stream.client = this;
    stream.tag = slot;
    stream.command = transfers_[slot].command.index;
    return stream;
}

void Dma::start(Command&& command, Picoseconds begin) {
    const std::size_t slot = take_slot(begin);
    Transfer& transfer = transfers_[slot];
    transfer.command = std::move(command);
    transfer.begin = begin;
    transfer.busy = true;
    const TensorBox& box = transfer.command.box;
    transfer.bytes = Bytes(static_cast<std::uint64_t>(box.shape.elements()) * bytes_per_element(box.tensor->dtype()));
    moved_ += transfer.bytes;
    const Picoseconds ready = begin + pe_.descriptor_time();
    const int home = box.tensor->home();
    if (home == pe_.number()) {
        ask_slice(slot, ready);
        return;
    }
    noc::Network& network = pe_.surroundings().network;
    if (write_) {
        network.inject(prepare(transfer.data, pe_.number(), home, transfer.bytes, slot, ready, ready),
                       noc::TrafficClass::write_data);
    } else {
        network.inject(prepare(transfer.request, pe_.number(), home, network.config().request, slot, ready, ready),
                       noc::TrafficClass::request);
    }
}

void Dma::ask_slice(std::size_t slot, Picoseconds arrival) {
    Transfer& transfer = transfers_[slot];
    const TensorBox& box = transfer.command.box;
    memory::Slice& slice = pe_.surroundings().slice(box.tensor->home());
    memory::Request request;
    request.arrival = arrival;
    request.source = pe_.number();
    request.write = write_;
    request.client = this;
    request.tag = slot;
    request.command = transfer.command.index;
    transfer.first_byte = Picoseconds::max();
    transfer.last_byte = Picoseconds();
    const auto ask = [&](const Segments& segments) {
        request.first = segments.first;
        request.segments = segments.count;
        request.stride = segments.stride;
        slice.request(request);
        request.arrival = request.arrival + pe_.descriptor_time();
        ++request.part;
    };
    if (!box.tensor->paging()) {
        transfer.parts_left = 1;
        return ask(segments_of(box));
    }
    const std::vector<Segments> pages = pages_of(box);
    transfer.parts_left = pages.size();
    for (const Segments& page : pages) ask(page);
}

void Dma::bytes_arrived(noc::Stream& stream, Bytes, Picoseconds when, bool last) {
    if (!last) return;
    Transfer& transfer = transfers_[stream.tag];
    // At the slice: a read's request or a write's data. At home: a read's data.
    if (&stream == &transfer.request || write_) {
        ask_slice(stream.tag, when);
    } else {
        finish(stream.tag, when);
    }
}

void Dma::memory_done(std::uint64_t tag, Picoseconds first_byte, Picoseconds last_byte) {
    Transfer& transfer = transfers_[tag];
    transfer.first_byte = std::min(transfer.first_byte, first_byte);
    transfer.last_byte = std::max(transfer.last_byte, last_byte);
    if (--transfer.parts_left > 0) return;
    last_byte = transfer.last_byte;
    // Of several requests the first may have its data before the last is made.
    first_byte = std::max(transfer.first_byte, simulated_now());
    const int home = transfer.command.box.tensor->home();
    noc::Network& network = pe_.surroundings().network;
    if (home == pe_.number()) {
        finish(tag, std::max(last_byte, transfer.begin + pe_.sram_port_time(transfer.bytes)));
    } else if (write_) {
        finish(tag, last_byte + network.head_latency(home, pe_.number()));
    } else {
        network.inject(prepare(transfer.data, home, pe_.number(), transfer.bytes, tag, first_byte, last_byte),
                       noc::TrafficClass::read_data);
    }
}

void Dma::finish(std::size_t slot, Picoseconds end) {
    Transfer& transfer = transfers_[slot];
    transfer.busy = false;
    transfer.end = end;
    pe_.transfer_done(transfer.command, transfer.begin, end, transfer.bytes);
}

}  // namespace tilemesh::pe
