// SPDX-License-Identifier: Apache-2.0
// Where the time of a run went: every picosecond of every engine, link and slice in exactly one class. An engine
// works on a command, or its command processor has not issued the next one (and the processor's own time says why),
// or the next one waits for its operands. A recorder, so the run is the same picoseconds with and without it.
#pragma once

#include "sim/base/recorder.h"
#include "sim/report/result.h"
#include "sim/tile/command.h"

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace tilemesh::insight {

/// What is no command of the language and no stall.
enum class OtherClass : std::uint8_t { fill, credits, turns, before, done, moving, blocked };
inline constexpr std::array<std::string_view, 7> other_classes = {
    "fill and padding", "credits", "turns on the link", "before the first command", "done", "moving", "blocked"};

/// The number of a class: commands by opcode, then stalls, then the others.
using ClassNumber = std::uint8_t;
constexpr ClassNumber class_of(Opcode op) { return static_cast<ClassNumber>(op); }
constexpr ClassNumber class_of(Stall stall) {
    return static_cast<ClassNumber>(opcode_count + static_cast<int>(stall));
}
constexpr ClassNumber class_of(OtherClass other) {
    return static_cast<ClassNumber>(opcode_count + static_cast<int>(stalls) + static_cast<int>(other));
}
/// "dot", "operand from HBM", "credits". Links and slices are "moving" where their account has payload and overhead.
std::string_view class_name(ClassNumber number);

/// Hears of everything that goes into an account's books, of each component in order of time.
class Spending {
public:
    virtual ~Spending() = default;
    virtual void spent(ComponentId component, ClassNumber what, Picoseconds from, Picoseconds until) = 0;
};

class Account final : public Asker {
public:
    /// `listener` outlives the account; null: nobody wants to know when.
    explicit Account(Spending* listener = nullptr) : listener_(listener) {}

    void activity(const Activity& activity) override;
    bool follows_packets() const override { return listener_ != nullptr; }
    void carried(const Carried& link) override;
    void explained(const Activity& activity, const Reasons& reasons) override;
    void begins(ComponentId pe, std::uint8_t processor) override { processor_of(pe, processor); }
    void queued(ComponentId engine, ComponentId pe, std::uint8_t processor, Picoseconds when) override;
    void stalled(ComponentId pe, std::uint8_t processor, Stall stall, Picoseconds from, Picoseconds until) override;
    void ended(ComponentId pe, std::uint8_t processor, Picoseconds when) override;

    /// Closes the books of a run that took `time` and writes each component's classes into it; they sum up to `time`.
    /// Components without any activity and without a part in the run get none. Adds the command processors.
    void close(Picoseconds time, std::vector<report::ComponentResult>& components);

private:
    struct Interval {
        Picoseconds from, until;
        Stall stall;
    };
    /// When a command processor was stalled, as far back as somebody may still ask. Otherwise it issued.
    struct Processor {
        static constexpr std::size_t few = 32;  // of all processors together they stay in near memory
        std::vector<Interval> history;
        std::size_t kept = 0;     // the first interval that has not been forgotten
        std::size_t limit = few;  // of intervals; then it is looked what can be forgotten
        Picoseconds end;          // of the last interval, or of everything
        std::array<Picoseconds, stalls> total{};
    };
    struct Pe {
        std::vector<Processor> processors;
        std::vector<ComponentId> engines;
    };
    /// What a packet needs comes first and lies together: there are thousands of links.
    struct alignas(64) Book {
        Picoseconds until;             // what is before this is in the books
        Picoseconds working, blocked;  // of links and slices
        std::int64_t pe = -1;          // of an engine
        std::uint32_t pending = 0;     // issued, not yet told about
        bool begun = false;            // a command was issued
        std::uint8_t processor = 0;    // that issued the last one
        Picoseconds before, fill, credits, turns;
        std::array<Picoseconds, stalls> stall{};
        std::array<Picoseconds, opcode_count> busy{};
    };
    /// Made when it is first asked for.
    template <class T>
    static T& numbered(std::vector<T>& all, std::size_t number) {
        if (number >= all.size()) [[unlikely]]
            make_room(all, number);
        return all[number];
    }
    template <class T>
    [[gnu::noinline]] static void make_room(std::vector<T>& all, std::size_t number) {
        all.resize(number + 1U);
    }
    Book& book(ComponentId component) { return numbered(books_, component); }
    Pe& pe_of(ComponentId pe) { return numbered(pes_, pe); }
    Processor& processor_of(ComponentId pe, std::uint8_t number) { return numbered(pe_of(pe).processors, number); }
    /// The engine had nothing to do until `to`: what its processor did meanwhile.
    void not_issued(ComponentId engine, Book& book, const Processor& processor, Picoseconds to);
    void tell(ComponentId component, ClassNumber what, Picoseconds from, Picoseconds until) {
        if (listener_ && from < until) listener_->spent(component, what, from, until);
    }
    void tell_work(const Activity& activity, const Reasons& reasons);
    void begin(Book& book, ComponentId engine, ComponentId pe, std::uint8_t processor, Picoseconds issued);
    void forget(Pe& pe, Processor& processor);

    Spending* listener_;
    std::vector<Book> books_;  // by component
    std::vector<Pe> pes_;      // by component: of the matrix engine
};

/// "waiting for HBM".
std::string_view name_of(Stall stall);

}  // namespace tilemesh::insight
