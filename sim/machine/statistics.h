// SPDX-License-Identifier: Apache-2.0
// The recorder that every run has: per component, how long it was busy, how much it moved or computed, how long its
// work waited.
#pragma once

#include "sim/base/recorder.h"

#include <vector>

namespace tilemesh::machine {

struct Totals {
    Picoseconds busy;
    Picoseconds queued;  // sum over activities of the time between wanted and begun
    Picoseconds first_begin = Picoseconds::max(), last_end;
    Bytes bytes;
    std::uint64_t work = 0;
    std::uint64_t activities = 0;
    bool operator==(const Totals&) const = default;
};

class Statistics final : public Recorder {
public:
    void activity(const Activity& a) override {
        if (a.component >= totals_.size()) totals_.resize(a.component + 1U);
        Totals& totals = totals_[a.component];
        totals.busy += a.end - a.begin;
        totals.queued += a.begin - a.wanted;
        if (a.begin < totals.first_begin) totals.first_begin = a.begin;
        if (a.end > totals.last_end) totals.last_end = a.end;
        totals.bytes += a.bytes;
        totals.work += a.work;
        ++totals.activities;
    }
    bool follows_packets() const override { return false; }
    void carried(const Carried& link) override {
        if (link.component >= totals_.size()) totals_.resize(link.component + 1U);
        totals_[link.component] = {link.busy,  link.queued, link.first_begin, link.last_end,
                                   link.bytes, 0,           link.activities};
    }
    const std::vector<Totals>& totals() const { return totals_; }

private:
    std::vector<Totals> totals_;
};

/// Passes everything on to two recorders: the statistics and another.
class BothRecorders final : public Recorder {
public:
    BothRecorders(Recorder& first, Recorder& second) : first_(first), second_(second) {}
    void activity(const Activity& a) override {
        first_.activity(a);
        second_.activity(a);
    }
    bool follows_packets() const override { return first_.follows_packets() || second_.follows_packets(); }
    void carried(const Carried& link) override {
        first_.carried(link);
        second_.carried(link);
    }
    void sram_level(ComponentId component, Picoseconds when, Bytes level) override {
        first_.sram_level(component, when, level);
        second_.sram_level(component, when, level);
    }
    Asker* asker() override { return second_.asker(); }
    Recorder& without_asker() override { return first_; }

private:
    Recorder& first_;
    Recorder& second_;
};

}  // namespace tilemesh::machine
