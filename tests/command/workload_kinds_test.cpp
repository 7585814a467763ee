// SPDX-License-Identifier: Apache-2.0
// Kernels of several workloads in one panel: each is read, prepared and run by its own, in the order of the panel.
#include "sim/run/workers.h"
#include "tests/command/example_panel.h"
#include "tests/command/made_up.h"

using namespace tilemesh;

namespace {

struct EchoPrepared : run::Prepared {
    explicit EchoPrepared(std::vector<std::size_t> numbers) : kernels(std::move(numbers)) {}
    std::vector<std::size_t> kernels;
};

/// Its kernels say what they were called and which of them were prepared.
class EchoWorkload : public run::Workload {
public:
    std::string describe() const override { return "echoes of " + problem; }
    void check(std::size_t) const override {}
    void check_inputs(const std::vector<std::size_t>&) const override {}
    std::shared_ptr<const run::Prepared> prepare(const std::vector<std::size_t>& kernels, int) const override {
        return std::make_shared<EchoPrepared>(kernels);
    }
    std::shared_ptr<const void> launch(std::size_t, const run::Prepared&, machine::Target&) const override {
        return nullptr;
    }
    run::EntryOutcome run(std::size_t number, const run::Prepared& prepared, run::Wanted) const override {
        run::EntryOutcome outcome;
        outcome.result = made_up_kernel(words[number]);
        const auto& numbers = dynamic_cast<const EchoPrepared&>(prepared).kernels;
        outcome.result.note = fmt::format("{} of {}", words[number], fmt::join(numbers, ","));
        return outcome;
    }

    std::string problem;
    std::vector<std::string> words;
};

/// {"echo": "word"}, and a panel's key "echoed".
class EchoKind : public run::WorkloadKind {
public:
    std::vector<run::KernelInfo> kernels() const override { return {}; }
    bool claims(const Json& kernel) const override { return kernel.is_object() && kernel.contains("echo"); }
    std::vector<run::Entry> read(JsonReader& panel, const run::Setup&,
                                 std::vector<JsonReader>& kernels) const override {
        const auto workload = std::make_shared<EchoWorkload>();
        workload->problem = panel.string("echoed");
        std::vector<run::Entry> entries;
        for (JsonReader& kernel : kernels) {
            workload->words.push_back(kernel.string("echo"));
            kernel.finish();
            entries.push_back({"echo", workload->words.back(), kernel.path(), {}, workload, entries.size()});
        }
        return entries;
    }
};

run::Workloads echo_alone() {
    static const EchoKind kind;
    return {&kind};
}

run::Workloads echo_and_fake() {
    run::Workloads both = echo_alone();
    both.push_back(fake_workloads().front());
    return both;
}

Json mixed_panel() {
    Json json = example_panel();
    json["kernels"] = Json::parse(R"(["good", {"echo": "a"}, "counts", {"echo": "b"}])");
    json["echoed"] = "walls";
    return json;
}

run::Panel read(const Json& json, const run::Workloads& workloads) {
    return run::read_panel(run::resolve_panel_object(json, "panel.json", ""), workloads);
}

/// Label and note of every kernel, as run.
std::vector<std::string> notes_of(const run::Panel& panel) {
    run::RunOptions options;
    options.workers = 2;
    const run::RunOutcome outcome = run::run_panels("test", {panel}, options);
    std::vector<std::string> notes;
    for (const auto& kernel : outcome.result.panels[0].kernels) notes.push_back(kernel.label + ": " + kernel.note);
    return notes;
}

}  // namespace

TEST_CASE("kernels of two workloads stand in the order of the panel, and each runs as itself") {
    run::Panel panel = read(mixed_panel(), echo_and_fake());
    run::check_panel(panel);
    CHECK_THAT(panel.describe(), Catch::StartsWith("causal attention") && Catch::EndsWith("; echoes of walls"));
    using Notes = std::vector<std::string>;
    CHECK(notes_of(panel) ==
          Notes{"good: inputs shared", "a: a of 0,1", "counts: prepared by 2 threads", "b: b of 0,1"});
    SECTION("also when --kernel has left out those before it") {
        panel.kernels.erase(panel.kernels.begin(), panel.kernels.begin() + 2);
        CHECK(notes_of(panel) == Notes{"counts: prepared by 2 threads", "b: b of 1"});
    }
    SECTION("also when one before it is not possible") {
        panel.kernels[1].not_possible = "it is late";
        CHECK(notes_of(panel) == Notes{"good: inputs shared", "a: ", "counts: prepared by 2 threads", "b: b of 1"});
    }
}

TEST_CASE("labels differ over all workloads, and what no workload claims or reads is refused") {
    Json twice = mixed_panel();
    twice["kernels"][3]["echo"] = "good";
    CHECK(input_error([&] { read(twice, echo_and_fake()); }) ==
          "panel.json: /kernels/3: good is here twice; give one of them a \"label\" of its own");
    Json alone = mixed_panel();
    CHECK(input_error([&] { read(alone, echo_alone()); }) ==
          "panel.json: /kernels/0: found an object, expected a kernel");
    Json unread = mixed_panel();
    unread["kernels"] = Json::array({"good"});
    CHECK_THAT(input_error([&] { read(unread, echo_and_fake()); }), Catch::Contains("/echoed: unknown key"));
}
