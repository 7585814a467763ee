// SPDX-License-Identifier: Apache-2.0
// The command processor: issue, tile lifetimes, waiting. How queued commands come to run is in execution.cpp, what is
// said of a PE that waits for ever in diagnosis.cpp.
#include "sim/pe/processing_element.h"

#include "sim/base/error.h"
#include "sim/noc/sim_time.h"

#include <algorithm>

namespace tilemesh::pe {
namespace {

constexpr std::size_t kStackBytes = std::size_t{256} * 1024;  // of the kernel's text

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
      issue_time_(config.clock.time_for(config.issue_cycles)),
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
      sram_(config.sram) {
    if (config.launch.costs()) launches_ = component(surroundings, name(), "launch", "launch");
    for (const noc::Topology::LinkEnd& end : surroundings.network.topology().link_ends(number)) {
        const EngineKind kind = end.out ? EngineKind::send : EngineKind::receive;
        engine_by_link_.emplace_back(end.link, &add_message_engine(kind, end.peer));
    }
    SC_THREAD(run);
    set_stack_size(kStackBytes);
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

void ProcessingElement::launch(KernelText text, tl::ProgramInfo info) {
    text_ = std::move(text);
    info_ = std::move(info);
}

void ProcessingElement::run() {
    if (!text_) return;
    stack_.begin(kStackBytes);
    try {
        {
            tl::Context context(*this, info_);
            text_(context);
        }
        block(Wait::drain, [this] { return open_commands_ == 0; });
        local_ = std::max(local_, last_end_);
        finished_ = true;
        if (sram_.held().value() != 0) {
            fail<InternalError>("{}: {} bytes of SRAM are still held after the kernel has ended", name(),
                                sram_.held().value());
        }
    } catch (const ShapeError& error) {
        stack_.unwound();
        surroundings_.stop(std::make_exception_ptr(KernelError(
            fmt::format("kernel {}, {}, before command {}: {}", info_.kernel, name(), commands_, error.what()))));
    } catch (const std::exception&) {
        stack_.unwound();
        surroundings_.stop(std::current_exception());
    }
}

template <class Ready>
void ProcessingElement::block(Wait reason, Ready ready) {
    while (!ready()) {
        wait_ = reason;
        if (waited_until_ != Picoseconds::max()) {
            const Picoseconds now = simulated_now();
            const Picoseconds until = std::exchange(waited_until_, Picoseconds::max());
            sc_core::wait(until > now ? to_sc_time(until - now) : sc_core::SC_ZERO_TIME, resume_);
        } else {
            sc_core::wait(resume_);
        }
        stack_.resume();
        local_ = std::max(local_, simulated_now());
    }
    wait_ = Wait::nothing;
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
    if (command.peer < 0 || command.peer >= surroundings_.pes()) {
        fail<KernelError>("kernel {}, {}, command {} ({}): PE {} does not exist, the machine has {}", info_.kernel,
                          name(), command.index, name_of(command.op), command.peer, surroundings_.pes());
    }
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

TileRecord* ProcessingElement::issue(Command& command, const Shape& shape, Dtype dtype) {
    Engine& engine = engine_for(command);
    ++commands_;
    local_ += issue_time_;
    take_queue_slot(engine);
    const bool makes_tile = command.op != Opcode::store && command.op != Opcode::send;
    if (makes_tile) command.output = take_tile(command, shape, dtype);
    for (int i = 0; i < command.operand_count; ++i) ++command.operands[static_cast<std::size_t>(i)]->readers;
    TileRecord* output = command.output;
    ++open_commands_;
    if (!engine.shared()) {
        const Picoseconds operands = engine.idle() ? operands_ready(command, engine.bit()) : TileRecord::unknown;
        if (operands != TileRecord::unknown) {
            engine.note_direct();
            run_local(engine, command, std::max(operands, local_));
            return output;
        }
    } else if (command.op == Opcode::send) {
        surroundings_.channel(number_, command.peer).announce_send(command.message, command.dtype, command.index);
    } else if (command.op == Opcode::receive) {
        surroundings_.channel(command.peer, number_).announce_receive(command.message, command.dtype, command.index);
    } else {
        (command.op == Opcode::load ? open_loads_ : open_stores_).push_back({command.box, command.index});
    }
    engine.push(std::move(command), local_);
    runnable_ |= std::uint64_t{1} << engine.bit();
    settle();
    return output;
}

void ProcessingElement::take_queue_slot(Engine& engine) {
    if (!engine.slot_known()) {
        waited_engine_ = &engine;
        block(Wait::queue, [&engine] { return engine.slot_known(); });
    }
    local_ = engine.slot_free_at(local_);
}

void ProcessingElement::take_room(Bytes bytes) {
    if (bytes > sram_.capacity()) sram_exhausted(bytes);
    waited_bytes_ = bytes;
    block(Wait::sram, [this, bytes] {
        // Tiles that still have unknown readers can be freed at any time from now on, but not before.
        const Picoseconds settled = zombies_ == 0 ? Picoseconds::max() : simulated_now();
        const Sram::Answer answer = sram_.take(bytes, local_, settled);
        if (answer.granted) {
            local_ = answer.when;
            return true;
        }
        if (answer.when == Picoseconds::max() && zombies_ == 0) sram_exhausted(bytes);
        waited_until_ = answer.when;
        return false;
    });
    waited_until_ = Picoseconds::max();
}

TileRecord* ProcessingElement::take_tile(const Command& command, const Shape& shape, Dtype dtype) {
    const Bytes bytes(static_cast<std::uint64_t>(shape.elements()) * bytes_per_element(dtype));
    take_room(bytes);
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
    tile.bytes = bytes;
    tile.ready = TileRecord::unknown;
    tile.last_use = Picoseconds();
    tile.released = Picoseconds();
    tile.shape = shape;
    tile.owner = this;
    if (surroundings_.recorder) surroundings_.recorder->sram_level(matrix_.id(), local_, sram_.used());
    return &tile;
}

void ProcessingElement::unreferenced(TileRecord& record) {
    record.released = local_;
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

void ProcessingElement::wait_until_ready(TileRecord& record) {
    waited_tile_ = &record;
    block(Wait::tile, [&record] { return record.is_ready_known(); });
    local_ = std::max(local_, record.ready);
}

void ProcessingElement::begin_launch(const LaunchedWork& work) {
    const LaunchConfig& launch = config_.launch;
    if (!launch.costs()) return;
    block(Wait::engines, [this] { return matrix_.idle() && vector_.idle(); });
    const Picoseconds begin = std::max(local_, computed_);
    local_ = begin + launch.start_of(work);
    if (surroundings_.recorder) {
        Activity start;
        start.component = launches_;
        start.begin = start.wanted = begin;
        start.end = local_;
        start.command = commands_;
        start.what = "launch";
        surroundings_.recorder->activity(start);
    }
    if (work.kind == LaunchedWork::Kind::exchange) {
        copied_ = local_ + surroundings_.network.config().link.rate.time_for(work.bytes);
        return;
    }
    // As long as the units copy too, they compute with what is left of them.
    if (copied_ > local_) {
        const double shared = static_cast<double>((copied_ - local_).value());
        local_ += Picoseconds(static_cast<std::uint64_t>(shared * launch.copy_share));
        copied_ = Picoseconds();
    }
    units_at_work_ = share_at_work(work.blocks, launch.units, launch.blocks_per_unit);
}

void ProcessingElement::barrier() {
    block(Wait::drain, [this] { return open_commands_ == 0; });
    local_ = std::max(local_, last_end_);
    surroundings_.arrive_at_barrier(*this, local_);
    wait_ = Wait::barrier;
    while (surroundings_.barrier_opens(*this) == Picoseconds::max()) {
        sc_core::wait(surroundings_.barrier_event());
        stack_.resume();
    }
    wait_ = Wait::nothing;
    local_ = std::max(local_, surroundings_.barrier_opens(*this));
}

}  // namespace tilemesh::pe
