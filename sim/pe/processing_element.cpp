// SPDX-License-Identifier: Apache-2.0
// The parts of a PE, the tiles in its SRAM, launches. How queued commands come to run is in execution.cpp, what is
// said of a PE that waits for ever in diagnosis.cpp.
#include "sim/pe/processing_element.h"

#include "sim/base/error.h"
#include "sim/base/longest_run.h"
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
                                     Surroundings& surroundings, int processors)
    : sc_module(module_name),
      number_(number),
      shared_(processors > 1),
      config_(config),
      surroundings_(surroundings),
      most_cycles_(1.5 * config.clock.cycles_in(longest_run)),
      descriptor_time_(config.clock.time_for(config.dma.descriptor_cycles)),
      sram_port_(Rate::gbytes_per_s(config.dma.bytes_per_cycle * config.clock.ghz())),
      matrix_(component(surroundings, name(), "matrix", "matrix")),
      vector_(component(surroundings, name(), "vector", "vector")),
      load_(component(surroundings, name(), "dma_load", "dma_load")),
      store_(component(surroundings, name(), "dma_store", "dma_store")),
      loads_(*this, false, config.dma.outstanding),
      stores_(*this, true, config.dma.outstanding),
      sram_(config.sram) {
    add_processors(processors);
    if (config.launch.costs()) launches_ = component(surroundings, name(), "launch", "launch");
    for (const noc::Topology::LinkEnd& end : surroundings.network.topology().link_ends(number)) {
        const EngineKind kind = end.out ? EngineKind::send : EngineKind::receive;
        engine_by_link_.emplace_back(end.link, &add_message_engine(kind, end));
    }
}

ProcessingElement::Queues::Queues(ProcessingElement& pe, const std::string& suffix, int first_bit)
    : matrix(("matrix" + suffix).c_str(), pe, EngineKind::matrix, first_bit, pe.config_.queue_depth, pe.matrix_),
      vector(("vector" + suffix).c_str(), pe, EngineKind::vector, first_bit + 1, pe.config_.queue_depth, pe.vector_),
      load(("dma_load" + suffix).c_str(), pe, EngineKind::dma_load, first_bit + 2, pe.config_.queue_depth, pe.load_),
      store(("dma_store" + suffix).c_str(), pe, EngineKind::dma_store, first_bit + 3, pe.config_.queue_depth,
            pe.store_) {}

void ProcessingElement::add_processors(int count) {
    if (count > 1)
        for (const char* what : {"matrix_unit", "vector_unit", "load_unit", "store_unit"})
            units_.push_back(std::make_unique<Unit>(what, *this));
    for (int i = 0; i < count; ++i) {
        const std::string suffix = i == 0 ? "" : fmt::format("_{}", i);
        const int bit = static_cast<int>(engines_.size());
        Queues& queues = queues_.emplace_back(*this, suffix, bit);
        for (Engine* engine : {&queues.matrix, &queues.vector, &queues.load, &queues.store}) {
            engines_.push_back(engine);
            if (units_.empty()) continue;
            engine->unit = units_[static_cast<std::size_t>(engine->bit() - bit)].get();
            engine->unit->add(*engine);
        }
        processors_.emplace_back(("processor" + suffix).c_str(), *this, i, config_, surroundings_);
    }
}

bool ProcessingElement::others_run(const CommandProcessor& processor) const {
    return std::any_of(processors_.begin(), processors_.end(), [&](const CommandProcessor& other) {
        return &other != &processor && other.launched() && !other.finished();
    });
}

bool ProcessingElement::arithmetic_idle() const {
    return std::all_of(queues_.begin(), queues_.end(),
                       [](const Queues& queues) { return queues.matrix.idle() && queues.vector.idle(); });
}

Engine& ProcessingElement::add_message_engine(EngineKind kind, const noc::Topology::LinkEnd& end) {
    const bool sends = kind == EngineKind::send;
    const int peer = end.peer;
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
    engine_name += topology.suffix(topology.links()[static_cast<std::size_t>(end.link)].network);
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
    Queues& queues = queues_[command.processor];
    switch (engine_of(command.op)) {
        case EngineKind::matrix:
            return queues.matrix;
        case EngineKind::vector:
            return queues.vector;
        case EngineKind::dma_load:
            return queues.load;
        case EngineKind::dma_store:
            return queues.store;
        default:
            break;
    }
    // Receives wait where messages come in that leave the network to the machine.
    noc::Network& network = surroundings_.network;
    const bool sends = is_send(command.op);
    const int from = sends ? number_ : command.peer, to = sends ? command.peer : number_;
    const int number = network.choice(from, to, command.network);
    auto& by_peer = sends ? send_to_ : receive_from_;
    const int key = command.peer * network.topology().networks() + number;
    auto known = std::lower_bound(by_peer.begin(), by_peer.end(), key,
                                  [](const auto& one, int wanted) { return one.first < wanted; });
    if (known == by_peer.end() || known->first != key) {
        const noc::Route& route = network.route(from, to, number);
        known = by_peer.insert(known,
                               {key, &engine_at(static_cast<int>(sends ? route.front().link : route.back().link))});
    }
    return *known->second;
}

Sram::Answer ProcessingElement::ask_for_room(Bytes bytes, Picoseconds now) {
    // Tiles that still have unknown readers, or that another's kernel holds, can be freed at any time from now on,
    // but not before.
    const Picoseconds settled = zombies_ == 0 && !shared() ? Picoseconds::max() : simulated_now();
    Recorder* const recorder = surroundings_.sram_recorder;
    if (!recorder) return sram_.take(bytes, now, settled);
    return sram_.take(bytes, now, settled,
                      [&](Picoseconds when) { recorder->sram_level(matrix_, when, sram_.used()); });
}

TileRecord* ProcessingElement::make_tile(const Command& command, const Shape& shape, Dtype dtype, Executor& owner) {
    if (free_records_.empty()) {
        const auto number = static_cast<std::uint32_t>(records_.size());
        records_.emplace_back().number = number;
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
    if (surroundings_.sram_recorder) surroundings_.sram_recorder->sram_level(matrix_, now, sram_.used());
}

void ProcessingElement::unreferenced(TileRecord& record, Picoseconds now) {
    record.released = now;
    if (record.readers != 0 || !record.is_ready_known()) {
        ++zombies_;
        return;
    }
    free_if_unused(record);
    if (shared())
        for (CommandProcessor& processor : processors_) processor.resume_if_ready();
}

void ProcessingElement::free_if_unused(TileRecord& record) {
    const Picoseconds free = std::max({record.released, record.last_use, record.ready});
    sram_.give_back(record.bytes, free);
    if (surroundings_.follower) surroundings_.follower->freed(number_, record, free);
    record.values.reset();
    record.live = false;
    free_records_.push_back(&record);
}

void ProcessingElement::check_nothing_held() const {
    const bool all_done = std::all_of(processors_.begin(), processors_.end(), [](const CommandProcessor& processor) {
        return !processor.launched() || processor.finished();
    });
    if (!all_done || sram_.held().value() == 0) return;
    fail<InternalError>("{}: {} bytes of SRAM are still held after the kernel has ended", name(),
                        sram_.held().value());
}

void ProcessingElement::pass_over(Picoseconds length) {
    for (Picoseconds& free : free_passing_) free += length;
}

void ProcessingElement::end_passing() {
    queues_[0].matrix.free_at = free_passing_[0];
    queues_[0].vector.free_at = free_passing_[1];
}

Picoseconds ProcessingElement::begin_launch(const LaunchedWork& work, Picoseconds now, std::uint64_t command) {
    const LaunchConfig& launch = config_.launch;
    const Picoseconds begin = std::max(now, computed_);
    Picoseconds ready = begin + launch.start_of(work);
    if (surroundings_.engine_recorder) {
        Activity start;
        start.component = launches_;
        start.begin = start.wanted = begin;
        start.end = ready;
        start.command = command;
        start.what = "launch";
        surroundings_.engine_recorder->activity(start);
        if (surroundings_.asker) surroundings_.asker->activity(start);
    }
    if (work.kind == LaunchedWork::Kind::exchange) {
        copied_ = ready + surroundings_.network.config().link.rate_for(work.bytes).time_for(work.bytes);
        return ready;
    }
    // As long as the units copy too, they compute with what is left of them.
    if (copied_ > ready) {
        const double shared = static_cast<double>((copied_ - ready).value());
        ready += Picoseconds(static_cast<std::uint64_t>(shared * launch.copy_share));
        copied_ = Picoseconds();
    }
    units_at_work_ = launch.pace_of(work, config_.core_rates(work));
    return ready;
}

}  // namespace tilemesh::pe
