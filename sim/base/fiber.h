// SPDX-License-Identifier: Apache-2.0
// A function on a stack of its own, that stops in the middle and goes on later: what runs a kernel's text where no
// SystemC does. One thread; whoever resumes a fiber goes on when it pauses or ends.
#pragma once

#include <ucontext.h>
#include <cstddef>
#include <functional>
#include <memory>

namespace tilemesh {

class Fiber {
public:
    /// `body` catches what it throws, but lets Abandoned pass.
    Fiber(std::size_t stack_bytes, std::function<void()> body);
    /// Unwinds a body that has not ended: its pause() throws Abandoned.
    ~Fiber();
    Fiber(const Fiber&) = delete;
    Fiber& operator=(const Fiber&) = delete;

    /// Thrown into a body that will never go on; of no type that a kernel would catch.
    struct Abandoned {};

    /// Runs the body until it pauses or ends.
    void resume();
    /// In the body: back to who resumed it.
    void pause();
    bool ended() const { return ended_; }

private:
    static void begin(unsigned high, unsigned low);
    void run();

    struct Unmap {
        std::size_t bytes;
        void operator()(void* memory) const;
    };
    std::function<void()> body_;
    std::unique_ptr<void, Unmap> stack_;
    ucontext_t own_{}, caller_{};
    bool started_ = false, ended_ = false, abandoned_ = false;
    // What AddressSanitizer keeps of either side.
    void *own_frames_ = nullptr, *caller_frames_ = nullptr;
    const void* caller_stack_ = nullptr;
    std::size_t caller_bytes_ = 0;
};

}  // namespace tilemesh
