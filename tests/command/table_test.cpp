// SPDX-License-Identifier: Apache-2.0
// Does the terminal show what the reader needs, in the layout that was reviewed? The whole text of the table is kept
// in golden/; after a deliberate change of layout, run this test with TILEMESH_APPROVE=1 and review the difference.
#include "sim/report/table.h"
#include "sim/report/text_table.h"
#include "tests/command/made_up.h"

#include <catch2/catch.hpp>

#include <fmt/core.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

using namespace tilemesh;

namespace {

void check_golden(const std::string& name, const std::string& text) {
    const std::string file = TILEMESH_GOLDEN "/" + name;
    if (std::getenv("TILEMESH_APPROVE") != nullptr) std::ofstream(file) << text;
    std::ifstream stream(file);
    std::stringstream golden;
    golden << stream.rdbuf();
    CHECK(golden.str() == text);
}

std::string without_codes(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\033') {
            i = text.find('m', i);
        } else {
            out += text[i];
        }
    }
    return out;
}

report::PanelResult only(std::vector<report::KernelResult> kernels) {
    report::PanelResult panel;
    panel.name = "p";
    panel.kernels = std::move(kernels);
    return panel;
}

}  // namespace

TEST_CASE("the table of a panel is the reviewed text") {
    check_golden("panel_table.txt", report::panel_text(made_up_run().panels[0], false));
}

TEST_CASE("the closing table of a milestone is the reviewed text") {
    check_golden("run_table.txt", report::run_text(made_up_run(), false));
}

TEST_CASE("colour changes nothing but colour") {
    const auto panel = made_up_run().panels[0];
    const std::string coloured = report::panel_text(panel, true);
    CHECK(coloured != report::panel_text(panel, false));
    CHECK(without_codes(coloured) == report::panel_text(panel, false));
}

TEST_CASE("a line of a headline-sized result fits 140 columns") {
    auto kernel = made_up_kernel("ring_kv_bidirectional");
    kernel.time = from_nanoseconds(2.5e9);  // 2.5 s: the 128K prefill
    kernel.machine_bound.time = kernel.schedule_bound.time = from_nanoseconds(2.2e9);
    kernel.bound = "imbalance";  // the longest word
    report::summarise(kernel);
    std::istringstream lines(report::panel_text(only({kernel}), false));
    std::string line;
    for (int i = 0; i < 4; ++i) {  // title, two headings, one row; the sentence below may wrap
        REQUIRE(std::getline(lines, line));
        CHECK(line.size() <= 140);
    }
}

TEST_CASE("the fastest kernel is the fastest wherever it stands, the first of equals") {
    auto fast = made_up_kernel("fast"), slow = made_up_kernel("slow"), equal = made_up_kernel("equal");
    slow.time = fast.time * 2;
    CHECK(report::fastest(only({slow, fast, equal}))->label == "fast");
    CHECK(report::fastest(only({fast, slow}))->label == "fast");
}

TEST_CASE("a kernel with a wrong answer is not the fastest, however fast it was") {
    auto wrong = made_up_kernel("wrong"), right = made_up_kernel("right");
    wrong.time = from_nanoseconds(900);
    wrong.verdict.pass = false;
    CHECK(report::fastest(only({wrong, right}))->label == "right");
    CHECK_THAT(report::conclusion(only({wrong, right})), Catch::StartsWith("right took"));
    CHECK_THAT(report::conclusion(only({wrong, right})), Catch::Contains("Wrong answer from wrong."));
    CHECK(report::conclusion(only({wrong})) == "no kernel finished with a right answer. Wrong answer from wrong.");
}

TEST_CASE("the sentence compares the two fastest and says what bounds the winner") {
    auto fast = made_up_kernel("fast"), slow = made_up_kernel("slow"), slowest = made_up_kernel("slowest");
    slow.time = fast.time * 2;
    slowest.time = fast.time * 3;
    const std::string sentence = report::conclusion(only({slowest, slow, fast}));
    CHECK_THAT(sentence, Catch::StartsWith("fast is fastest: 2.00x as fast as slow; link-bound"));
    CHECK_THAT(sentence, Catch::Contains("11.1% above its schedule bound"));  // 1000 / 900
    CHECK_THAT(sentence, Catch::Contains("25.0% above the machine bound (matrix)"));
}

TEST_CASE("far from its bound a kernel waits, unless an engine or a link hardly does") {
    auto kernel = made_up_kernel("k");
    kernel.schedule_bound.time = from_nanoseconds(500);
    kernel.bound = "latency";
    report::summarise(kernel);
    CHECK_THAT(report::conclusion(only({kernel})),
               Catch::Contains("; waiting for latencies most of the time, 2.0x its schedule"));
    kernel.bound = "issue";
    CHECK_THAT(report::conclusion(only({kernel})),
               Catch::Contains("; issue-bound most of the time, 2.0x its schedule"));
    kernel.components[0].busy = from_nanoseconds(900);
    CHECK_THAT(report::conclusion(only({kernel})),
               Catch::Contains("; matrix-bound (at work for 90% of the time, on more than the bound counts), 2.0x"));
    kernel.bound = "vector";
    CHECK_THAT(
        report::conclusion(only({kernel})),
        Catch::Contains("; vector-bound (matrix at work for 90% of the time, on more than the bound counts), 2.0x"));
}

TEST_CASE("the sentence has the word of the table's line; without an account, what the nearest bound names") {
    auto kernel = made_up_kernel("k");  // 1000 ns, bound by a link
    kernel.schedule_bound.time = from_nanoseconds(800);
    report::summarise(kernel);
    CHECK_THAT(report::conclusion(only({kernel})), Catch::Contains("; link-bound, 25.0% above"));
    kernel.bound = "latency";
    CHECK_THAT(report::conclusion(only({kernel})), Catch::Contains("; waiting for latencies, 25.0% above"));
    kernel.schedule_bound.time = from_nanoseconds(799);
    kernel.bound = "SRAM";
    report::summarise(kernel);
    CHECK_THAT(report::conclusion(only({kernel})),
               Catch::Contains("; waiting for the SRAM, its room or its port, most of the time, 25.2% above"));
}

TEST_CASE("a kernel whose busiest rank has a tenth more than the winner's is named, one below that is not") {
    auto even = made_up_kernel("even"), uneven = made_up_kernel("uneven");
    uneven.time = even.time * 2;
    uneven.work_imbalance = 1.09;
    CHECK_THAT(report::conclusion(only({even, uneven})), !Catch::Contains("balanced"));
    uneven.work_imbalance = 1.1;
    CHECK_THAT(report::conclusion(only({even, uneven})),
               Catch::Contains("; even is balanced, unlike uneven (1.10x the mean work on its busiest rank)"));
}

TEST_CASE("a distance is shown in percent up to nine times, as a ratio from ten") {
    CHECK(report::above(8.99) == "+899.0%");
    CHECK(report::above(9.0) == "10.0x");
}

TEST_CASE("times of all layers are told of right answers only") {
    auto right = made_up_kernel("right"), wrong = made_up_kernel("wrong");
    wrong.verdict.pass = false;
    auto panel = only({wrong, right});
    panel.layers = 80;
    CHECK_THAT(report::panel_text(panel, false), Catch::Contains("x80 layers: right 80 us\n"));
}

TEST_CASE("cycles are never shown without a verdict, also when values were not computed") {
    auto kernel = made_up_kernel("k");
    kernel.verdict = {};
    const std::string text = report::panel_text(only({kernel}), false);
    CHECK_THAT(text, Catch::Contains("1,000"));
    CHECK_THAT(text, Catch::Contains("values not computed"));
    CHECK_THAT(report::conclusion(only({kernel})), Catch::Contains("values not computed"));
    CHECK_THAT(report::run_text({"r", "1", {only({kernel})}, 1.0, 1}, false), Catch::Contains("values not computed"));
}

TEST_CASE("a long diagnosis is cut in the table and says that the rest is in the JSON") {
    auto kernel = made_up_kernel("k");
    kernel.status = report::Status::failed;
    kernel.error = "what happened";
    for (int i = 1; i < 12; ++i) kernel.error += fmt::format("\n  tile {}", i);
    CHECK_THAT(report::panel_text(only({kernel}), false), Catch::Contains("tile 11\nno kernel"));
    kernel.error += "\n  tile 12\n  tile 13";
    const std::string text = report::panel_text(only({kernel}), false);
    CHECK_THAT(text, Catch::Contains("tile 11\n  ... and 2 more lines"));
    CHECK_THAT(text, !Catch::Contains("tile 12"));
}

TEST_CASE("columns line up and no line ends in a space") {
    report::TextTable table({{"", "name", report::TextTable::Align::left}, {"", "number"}});
    table.add_row({{"a"}, {"1"}});
    table.add_row({{"much longer"}, {"22"}});
    CHECK(table.text(false) ==
          "name         number\n"
          "a                 1\n"
          "much longer      22\n");
}
