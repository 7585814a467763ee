// SPDX-License-Identifier: Apache-2.0
#include "sim/insight/account.h"

#include "sim/base/error.h"

#include <algorithm>

namespace tilemesh::insight {
namespace {

using Classes = std::vector<report::ClassTime>;

void add(Classes& classes, std::string_view name, Picoseconds time) {
    if (time.value() > 0) classes.push_back({std::string(name), time});
}

void check_sum(const report::ComponentResult& part, Picoseconds time) {
    Picoseconds sum;
    for (const report::ClassTime& one : part.account) {
        // Times are unsigned: a part below zero would come out right in the sum.
        if (one.time > time)
            fail<InternalError>("the account of {} has {} ps of {} in a run of {} ps", part.path, one.time.value(),
                                one.name, time.value());
        sum += one.time;
    }
    if (sum != time)
        fail<InternalError>("the account of {} has {} ps of a run of {} ps", part.path, sum.value(), time.value());
}

/// A link moves bytes at its rate; what it is held longer is overhead.
void account_for_mover(report::ComponentResult& part, Picoseconds time, Picoseconds working, Picoseconds blocked) {
    // Work on some of a slice's lanes may lie before what has been told of others, in time that was taken to be
    // blocked.
    if (working <= time) blocked = std::min(blocked, time - working);
    const double ns = part.peak_per_ns > 0 ? static_cast<double>(part.bytes.value()) / part.peak_per_ns : 0.0;
    const Picoseconds payload = std::min(working, Picoseconds(static_cast<std::uint64_t>(ns * 1000.0 + 0.5)));
    add(part.account, "payload", payload);
    add(part.account, "overhead", working - payload);
    add(part.account, "blocked", blocked);
    add(part.account, "idle", time - working - blocked);
}

}  // namespace

std::string_view name_of(Stall stall) {
    static constexpr std::array<std::string_view, stalls> names = {"issue",
                                                                   "queue matrix",
                                                                   "queue vector",
                                                                   "queue load",
                                                                   "queue store",
                                                                   "queue send",
                                                                   "queue receive",
                                                                   "SRAM room",
                                                                   "barrier",
                                                                   "launch",
                                                                   "drain",
                                                                   "operand from HBM",
                                                                   "operand from a neighbour",
                                                                   "operand from matrix",
                                                                   "operand from vector",
                                                                   "order",
                                                                   "sharing"};
    return names[static_cast<std::size_t>(stall)];
}

std::string_view class_name(ClassNumber number) {
    int rest = number;
    if (rest < opcode_count) return tilemesh::name_of(static_cast<Opcode>(rest));
    rest -= opcode_count;
    if (rest < static_cast<int>(stalls)) return name_of(static_cast<Stall>(rest));
    return other_classes[static_cast<std::size_t>(rest) - stalls];
}

void Account::activity(const Activity& activity) {
    Book& mover = book(activity.component);
    if (activity.begin > mover.until) {
        const Picoseconds since = blocked_since(activity.begin, activity.wanted, mover.until);
        mover.blocked += activity.begin - since;
        tell(activity.component, class_of(OtherClass::blocked), since, activity.begin);
        mover.until = activity.begin;
    }
    // A slice works on several things side by side, each told of as if all lanes did: one after the other they take
    // as long as they do together, so that no time is counted twice.
    const Picoseconds length = activity.end - activity.begin;
    mover.working += length;
    tell(activity.component, class_of(OtherClass::moving), mover.until, mover.until + length);
    mover.until += length;
}

void Account::carried(const Carried& link) {
    Book& mover = book(link.component);
    mover.working = link.busy;
    mover.blocked = link.blocked;
    mover.until = link.last_end;
}

void Account::stalled(ComponentId pe, std::uint8_t number, Stall stall, Picoseconds from, Picoseconds until) {
    Processor& processor = processor_of(pe, number);
    processor.total[static_cast<std::size_t>(stall)] += until - from;
    processor.end = until;
    std::vector<Interval>& history = processor.history;
    if (!history.empty() && history.back().stall == stall && history.back().until == from) {
        history.back().until = until;
        return;
    }
    history.push_back({from, until, stall});
    if (history.size() - processor.kept > processor.limit) forget(pe_of(pe), processor);
}

void Account::ended(ComponentId pe, std::uint8_t number, Picoseconds when) { processor_of(pe, number).end = when; }

void Account::not_issued(ComponentId engine, Book& book, const Processor& processor, Picoseconds to) {
    if (to <= book.until) return;
    if (!book.begun) {
        book.before += to - book.until;
        tell(engine, class_of(OtherClass::before), book.until, to);
        book.until = to;
        return;
    }
    // The last stalls are asked about, so they are looked for from the end.
    const auto kept = processor.history.begin() + static_cast<std::ptrdiff_t>(processor.kept);
    auto interval = processor.history.end();
    while (interval != kept && (interval - 1)->until > book.until) --interval;
    Picoseconds issuing = to - book.until, told = book.until;
    for (; interval != processor.history.end() && interval->from < to; ++interval) {
        const Picoseconds from = std::max(book.until, interval->from), until = std::min(to, interval->until);
        book.stall[static_cast<std::size_t>(interval->stall)] += until - from;
        issuing -= until - from;
        if (!listener_) continue;
        tell(engine, class_of(Stall::issue), told, from);
        tell(engine, class_of(interval->stall), from, until);
        told = until;
    }
    tell(engine, class_of(Stall::issue), told, to);
    book.stall[static_cast<std::size_t>(Stall::issue)] += issuing;
    book.until = to;
}

void Account::forget(Pe& pe, Processor& processor) {
    Picoseconds needed = processor.end;
    // Of several processors the one that issues next says why an idle engine had nothing to do.
    const bool alone = pe.processors.size() == 1;
    for (const ComponentId engine : pe.engines) {
        Book& book = books_[engine];
        if (alone && book.pending == 0) not_issued(engine, book, processor, processor.end);
        needed = std::min(needed, book.until);
    }
    std::vector<Interval>& history = processor.history;
    while (processor.kept + 1 < history.size() && history[processor.kept].until <= needed) ++processor.kept;
    if (processor.kept > history.size() / 2) {
        history.erase(history.begin(), history.begin() + static_cast<std::ptrdiff_t>(processor.kept));
        processor.kept = 0;
    }
    processor.limit = std::max<std::size_t>(Processor::few, 2 * (history.size() - processor.kept));
}

void Account::begin(Book& book, ComponentId engine, ComponentId pe, std::uint8_t processor, Picoseconds issued) {
    if (book.pe < 0) {
        book.pe = pe;
        pe_of(pe).engines.push_back(engine);
    }
    not_issued(engine, book, processor_of(pe, processor), issued);
    book.begun = true;
    book.processor = processor;
}

void Account::queued(ComponentId engine, ComponentId pe, std::uint8_t processor, Picoseconds when) {
    Book& book = this->book(engine);
    if (book.pending++ == 0) begin(book, engine, pe, processor, when);
}

void Account::explained(const Activity& activity, const Reasons& reasons) {
    Book& book = this->book(activity.component);
    if (book.pending == 0) {
        begin(book, activity.component, reasons.pe, reasons.processor, reasons.issued);
    } else {
        --book.pending;
        if (reasons.issued > book.until)
            not_issued(activity.component, book, processor_of(reasons.pe, reasons.processor),
                       std::min(reasons.issued, activity.begin));
    }
    if (reasons.operands > book.until && activity.begin > book.until) {
        const Picoseconds there = std::min(reasons.operands, activity.begin);
        book.stall[static_cast<std::size_t>(reasons.operand)] += there - book.until;
        tell(activity.component, class_of(reasons.operand), book.until, there);
        book.until = there;
    }
    if (activity.begin > book.until) {
        const Opcode op = static_cast<Opcode>(reasons.command);
        const bool moves = op == Opcode::load || op == Opcode::store;
        const Stall stall = moves ? Stall::order : Stall::sharing;
        book.stall[static_cast<std::size_t>(stall)] += activity.begin - book.until;
        tell(activity.component, class_of(stall), book.until, activity.begin);
    }
    Picoseconds length = activity.end - activity.begin;
    if (listener_) tell_work(activity, reasons);
    switch (engine_of(static_cast<Opcode>(reasons.command))) {
        case EngineKind::matrix:
            book.fill += length - reasons.useful;
            length = reasons.useful;
            break;
        case EngineKind::send:
            book.credits += reasons.credits;
            book.turns += length - reasons.credits - reasons.moving;
            length = reasons.moving;
            break;
        default:
            break;
    }
    book.busy[reasons.command] += length;
    book.until = std::max(book.until, activity.end);
}

/// How long each part took is known, not when: work first.
void Account::tell_work(const Activity& activity, const Reasons& reasons) {
    const Opcode op = static_cast<Opcode>(reasons.command);
    Picoseconds at = activity.begin;
    const auto next = [&](ClassNumber what, Picoseconds length) {
        tell(activity.component, what, at, at + length);
        at += length;
    };
    if (engine_of(op) == EngineKind::matrix) {
        next(class_of(op), reasons.useful);
        next(class_of(OtherClass::fill), activity.end - at);
    } else if (engine_of(op) == EngineKind::send) {
        next(class_of(op), reasons.moving);
        next(class_of(OtherClass::credits), reasons.credits);
        next(class_of(OtherClass::turns), activity.end - at);
    } else {
        next(class_of(op), activity.end - at);
    }
}

void Account::close(Picoseconds time, std::vector<report::ComponentResult>& components) {
    books_.resize(components.size());
    std::vector<report::ComponentResult> processors;
    for (std::size_t i = 0; i < components.size(); ++i) {
        report::ComponentResult& part = components[i];
        Book& book = books_[i];
        if (book.pe < 0) {
            if (book.until == Picoseconds() && part.activities == 0) continue;
            account_for_mover(part, time, book.working, book.blocked);
            check_sum(part, time);
            continue;
        }
        const Processor& last = processor_of(static_cast<ComponentId>(book.pe), book.processor);
        not_issued(static_cast<ComponentId>(i), book, last, std::max(book.until, std::min(last.end, time)));
        for (int op = 0; op < opcode_count; ++op)
            add(part.account, tilemesh::name_of(static_cast<Opcode>(op)), book.busy[static_cast<std::size_t>(op)]);
        add(part.account, class_name(class_of(OtherClass::fill)), book.fill);
        add(part.account, class_name(class_of(OtherClass::credits)), book.credits);
        add(part.account, class_name(class_of(OtherClass::turns)), book.turns);
        for (std::size_t stall = 0; stall < stalls; ++stall)
            add(part.account, name_of(static_cast<Stall>(stall)), book.stall[stall]);
        add(part.account, class_name(class_of(OtherClass::before)), book.before);
        add(part.account, class_name(class_of(OtherClass::done)), time - book.until);
        tell(static_cast<ComponentId>(i), class_of(OtherClass::done), book.until, time);
        check_sum(part, time);
    }
    for (std::size_t i = 0; i < pes_.size(); ++i) {
        for (std::size_t number = 0; number < pes_[i].processors.size(); ++number) {
            const Processor& processor = pes_[i].processors[number];
            report::ComponentResult part;
            part.path = components[i].path.substr(0, components[i].path.rfind('.')) + ".processor" +
                        (number == 0 ? "" : "_" + std::to_string(number));
            part.kind = "processor";
            Picoseconds issuing = processor.end;
            for (const Picoseconds total : processor.total) issuing -= total;
            add(part.account, name_of(Stall::issue), issuing);
            for (std::size_t stall = 0; stall < stalls; ++stall)
                add(part.account, name_of(static_cast<Stall>(stall)), processor.total[stall]);
            add(part.account, "done", time - processor.end);
            check_sum(part, time);
            processors.push_back(std::move(part));
        }
    }
    components.insert(components.end(), processors.begin(), processors.end());
}

}  // namespace tilemesh::insight
