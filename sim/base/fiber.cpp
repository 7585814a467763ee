// SPDX-License-Identifier: Apache-2.0
#include "sim/base/fiber.h"

#include "sim/base/instruction_sets.h"

#include <sys/mman.h>
#include <cstdint>
#include <new>

#ifdef TILEMESH_ADDRESS_SANITIZED
#include <sanitizer/common_interface_defs.h>
#endif

namespace tilemesh {
namespace {

#ifdef TILEMESH_ADDRESS_SANITIZED
void leaving(void** frames, const void* stack, std::size_t bytes) {
    __sanitizer_start_switch_fiber(frames, stack, bytes);
}
void arrived(void* frames, const void** stack, std::size_t* bytes) {
    __sanitizer_finish_switch_fiber(frames, stack, bytes);
}
#else
void leaving(void**, const void*, std::size_t) {}
void arrived(void*, const void**, std::size_t*) {}
#endif

void* map_stack(std::size_t bytes) {
    void* memory =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    return memory;
}

}  // namespace

void Fiber::Unmap::operator()(void* memory) const { munmap(memory, bytes); }

Fiber::Fiber(std::size_t stack_bytes, std::function<void()> body)
    : body_(std::move(body)), stack_(map_stack(stack_bytes), Unmap{stack_bytes}) {
    getcontext(&own_);
    own_.uc_stack.ss_sp = stack_.get();
    own_.uc_stack.ss_size = stack_bytes;
    own_.uc_link = nullptr;
    // makecontext passes ints, as it always has.
    const auto address = reinterpret_cast<std::uintptr_t>(this);
    makecontext(&own_, reinterpret_cast<void (*)()>(&Fiber::begin), 2, static_cast<unsigned>(address >> 32U),
                static_cast<unsigned>(address & 0xffff'ffffU));
}

Fiber::~Fiber() {
    abandoned_ = true;
    if (started_ && !ended_) resume();
}

void Fiber::begin(unsigned high, unsigned low) {
    reinterpret_cast<Fiber*>((std::uintptr_t{high} << 32U) | low)->run();
}

void Fiber::run() {
    arrived(nullptr, &caller_stack_, &caller_bytes_);
    try {
        body_();
    } catch (const Abandoned&) {  // everything of the body's is gone, which was the purpose
    }
    ended_ = true;
    leaving(nullptr, caller_stack_, caller_bytes_);  // this stack's frames are needed no more
    setcontext(&caller_);
}

void Fiber::resume() {
    started_ = true;
    leaving(&caller_frames_, own_.uc_stack.ss_sp, own_.uc_stack.ss_size);
    swapcontext(&caller_, &own_);
    arrived(caller_frames_, nullptr, nullptr);
}

void Fiber::pause() {
    leaving(&own_frames_, caller_stack_, caller_bytes_);
    swapcontext(&own_, &caller_);
    arrived(own_frames_, &caller_stack_, &caller_bytes_);
    if (abandoned_) throw Abandoned();
}

}  // namespace tilemesh
