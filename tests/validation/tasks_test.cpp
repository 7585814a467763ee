// SPDX-License-Identifier: Apache-2.0
// Work in processes of its own: results in order, whatever happens to the others.
#include "sim/run/tasks.h"
#include "sim/base/error.h"

#include <catch2/catch.hpp>

#include <csignal>
#include <cstdlib>

using namespace tilemesh;
using namespace tilemesh::run;

TEST_CASE("results come in the order of the tasks, with any number of workers") {
    std::vector<Task> tasks;
    for (int i = 0; i < 12; ++i) {
        // Early tasks are the slow ones.
        tasks.push_back(
            {"", [i] { return std::to_string(i) + std::string(static_cast<std::size_t>(12 - i) << 16, 'x'); }});
    }
    for (const int workers : {1, 3, 20}) {
        const TasksOutcome outcome = run_tasks(tasks, workers, {});
        REQUIRE(outcome.results.size() == tasks.size());
        for (std::size_t i = 0; i < tasks.size(); ++i) {
            CHECK(outcome.results[i].failure.empty());
            CHECK(outcome.results[i].text == tasks[i].work());
        }
    }
}

TEST_CASE("a task that throws or dies says so, and the others do not notice") {
    const std::vector<Task> tasks = {
        {"fine", [] { return std::string("fine"); }},
        {"input", []() -> std::string { fail<InputError>("no such row"); }},
        {"internal", []() -> std::string { fail<InternalError>("two truths"); }},
        {"signal",
         []() -> std::string {
             std::raise(SIGKILL);
             return "";
         }},
        {"exit", []() -> std::string { std::_Exit(7); }},
        {"empty", [] { return std::string(); }},
    };
    std::size_t shown = 0;
    const auto results = run_tasks(tasks, 2, [&](const Progress& progress) {
                             ++shown;
                             CHECK(progress.entries == tasks.size());
                         }).results;
    CHECK(shown == tasks.size());
    CHECK(results[0].text == "fine");
    CHECK(results[1].failure == "no such row");
    CHECK_FALSE(results[1].internal);
    CHECK(results[2].failure == "two truths");
    CHECK(results[2].internal);
    CHECK_THAT(results[3].failure, Catch::Contains("signal 9"));
    CHECK(results[3].internal);
    CHECK_THAT(results[4].failure, Catch::Contains("status 7 and no result"));
    CHECK(results[4].internal);
    CHECK(results[5].failure.empty());
    CHECK(results[5].text.empty());
}
