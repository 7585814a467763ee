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
    const Segments segments = segments_of(transfer.command.box);
    memory::Request request;
    request.arrival = arrival;
    request.source = pe_.number();
    request.write = write_;
    request.first = segments.first;
    request.segments = segments.count;
    request.stride = segments.stride;
    request.client = this;
    request.tag = slot;
    request.command = transfer.command.index;
    pe_.surroundings().slice(transfer.command.box.tensor->home()).request(request);
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
