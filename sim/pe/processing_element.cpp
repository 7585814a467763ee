// SPDX-License-Identifier: Apache-2.0
// The parts of a PE, the tiles in its SRAM, launches. How queued commands come to run is in execution.cpp, what is
// said of a PE that waits for ever in diagnosis.cpp.
#include "sim/pe/processing_element.h"

#include "sim/base/error.h"
#include "sim/noc/sim_time.h"

#include <algorithm>

namespace tilemesh::pe {
namespace {

ComponentId component(Surroundings& surroundings, std::string_view pe, std::string_view engine,
                      std::string_view kind) {
    return surroundings.new_component(fmt::format("{}.{}", pe, engine), kind);
}

}  // namespace

ProcessingElement::ProcessingElement(sc_core::sc_module_name module_name, int number, const PeConfig& config,
                                     Surroundings& surroundings)
    : sc_module(module_name),
      number_(number),
      config_(config),
      surroundings_(surroundings),
      descriptor_time_(config.clock.time_for(config.dma.descriptor_cycles)),
      sram_port_(Rate::gbytes_per_s(config.dma.bytes_per_cycle * config.clock.ghz())),
      matrix_("matrix", *this, EngineKind::matrix, 0, config.queue_depth,
              component(surroundings, name(), "matrix", "matrix")),
      vector_("vector", *this, EngineKind::vector, 1, config.queue_depth,
              component(surroundings, name(), "vector", "vector")),
      load_("dma_load", *this, EngineKind::dma_load, 2, config.queue_depth,
            component(surroundings, name(), "dma_load", "dma_load")),
      store_("dma_store", *this, EngineKind::dma_store, 3, config.queue_depth,
             component(surroundings, name(), "dma_store", "dma_store")),
      engines_{&matrix_, &vector_, &load_, &store_},
      loads_(*this, false, config.dma.outstanding),
      stores_(*this, true, config.dma.outstanding),
      sram_(config.sram),
      processor_("processor", *this, config, surroundings) {
    if (config.launch.costs()) launches_ = component(surroundings, name(), "launch", "launch");
    for (const noc::Topology::LinkEnd& end : surroundings.network.topology().link_ends(number)) {
        const EngineKind kind = end.out ? EngineKind::send : EngineKind::receive;
        engine_by_link_.emplace_back(end.link, &add_message_engine(kind, end.peer));
    }
}

Engine& ProcessingElement::add_message_engine(EngineKind kind, int peer) {
    const bool sends = kind == EngineKind::send;
    const noc::Topology& topology = surroundings_.network.topology();
    std::string engine_name = sends ? "send" : "receive";
    if (peer != number_) {  // the port's engines serve every peer
        std::string peer_name = topology.pe_name(peer);
        if (peer / topology.pes_per_cube() == number_ / topology.pes_per_cube()) {
            peer_name = peer_name.substr(peer_name.find('.') + 1);
        }
        std::replace(peer_name.begin(), peer_name.end(), '.', '_');
        engine_name += (sends ? "_to_" : "_from_") + peer_name;
    }
    message_engines_.push_back(std::make_unique<Engine>(
        engine_name.c_str(), *this, kind, static_cast<int>(engines_.size()), config_.queue_depth,
        component(surroundings_, name(), engine_name, sends ? "send" : "receive")));
    engines_.push_back(message_engines_.back().get());
    return *message_engines_.back();
}

Engine& ProcessingElement::engine_at(int link) {
    const auto found = std::find_if(engine_by_link_.begin(), engine_by_link_.end(),
                                    [=](const auto& end) { return end.first == link; });
    return *found->second;
}

Engine& ProcessingElement::engine_for(const Command& command) {
    switch (engine_of(command.op)) {
        case EngineKind::matrix:
            return matrix_;
        case EngineKind::vector:
            return vector_;
        case EngineKind::dma_load:
            return load_;
        case EngineKind::dma_store:
            return store_;
        default:
            break;
    }
    const bool sends = command.op == Opcode::send;
    auto& by_peer = sends ? send_to_ : receive_from_;
    if (by_peer.empty()) by_peer.resize(static_cast<std::size_t>(surroundings_.pes()), nullptr);
    Engine*& engine = by_peer[static_cast<std::size_t>(command.peer)];
    if (!engine) {
        const noc::Route& route = sends ? surroundings_.network.route(number_, command.peer)
                                        : surroundings_.network.route(command.peer, number_);
        engine = &engine_at(static_cast<int>(sends ? route.front().link : route.back().link));
    }
    return *engine;
}

Sram::Answer ProcessingElement::ask_for_room(Bytes bytes, Picoseconds now) {
    // Tiles that still have unknown readers can be freed at any time from now on, but not before.
    return sram_.take(bytes, now, zombies_ == 0 ? Picoseconds::max() : simulated_now());
}

TileRecord* ProcessingElement::make_tile(const Command& command, const Shape& shape, Dtype dtype, Executor& owner) {
    if (free_records_.empty()) {
        records_.emplace_back();
        free_records_.push_back(&records_.back());
    }
    TileRecord& tile = *free_records_.back();
    free_records_.pop_back();
    tile.handles = 1;
    tile.readers = 0;
    tile.waiting_engines = 0;
    tile.dtype = dtype;
    tile.made_by = command.op;
    tile.live = true;
    tile.command = command.index;
    tile.bytes = Bytes(static_cast<std::uint64_t>(shape.elements()) * bytes_per_element(dtype));
    tile.ready = TileRecord::unknown;
    tile.last_use = Picoseconds();
    tile.released = Picoseconds();
    tile.shape = shape;
    tile.owner = &owner;
    return &tile;
}

void ProcessingElement::record_sram(Picoseconds now) {
    if (surroundings_.recorder) surroundings_.recorder->sram_level(matrix_.id(), now, sram_.used());
}

void ProcessingElement::unreferenced(TileRecord& record, Picoseconds now) {
    record.released = now;
    if (record.readers != 0 || !record.is_ready_known()) {
        ++zombies_;
        return;
    }
    free_if_unused(record);
}

void ProcessingElement::free_if_unused(TileRecord& record) {
    sram_.give_back(record.bytes, std::max({record.released, record.last_use, record.ready}));
    record.values.reset();
    record.live = false;
    free_records_.push_back(&record);
}

void ProcessingElement::check_nothing_held() const {
    if (sram_.held().value() == 0) return;
    fail<InternalError>("{}: {} bytes of SRAM are still held after the kernel has ended", name(),
                        sram_.held().value());
}

Picoseconds ProcessingElement::begin_launch(const LaunchedWork& work, Picoseconds now, std::uint64_t command) {
    const LaunchConfig& launch = config_.launch;
    const Picoseconds begin = std::max(now, computed_);
    Picoseconds ready = begin + launch.start_of(work);
    if (surroundings_.recorder) {
        Activity start;
        start.component = launches_;
        start.begin = start.wanted = begin;
        start.end = ready;
        start.command = command;
        start.what = "launch";
        surroundings_.recorder->activity(start);
    }
    if (work.kind == LaunchedWork::Kind::exchange) {
        copied_ = ready + surroundings_.network.config().link.rate.time_for(work.bytes);
        return ready;
    }
    // As long as the units copy too, they compute with what is left of them.
    if (copied_ > ready) {
        const double shared = static_cast<double>((copied_ - ready).value());
        ready += Picoseconds(static_cast<std::uint64_t>(shared * launch.copy_share));
        copied_ = Picoseconds();
    }
    units_at_work_ = share_at_work(work.blocks, launch.units, launch.blocks_per_unit);
    return ready;
}

}  // namespace tilemesh::pe
