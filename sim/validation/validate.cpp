// SPDX-License-Identifier: Apache-2.0
// Choosing, running, collecting. A case's comparisons travel from its process as JSON.
#include "sim/validation/validate.h"

#include "sim/base/error.h"
#include "sim/run/tasks.h"
#include "sim/validation/result_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

namespace tilemesh::validation {
namespace {

struct ChosenCase {
    Case one;
    std::string file;
};
struct Chosen {
    std::vector<ChosenCase> cases;
    std::vector<LeftOut> left_out;
    std::map<std::string, std::vector<std::string>> files;  // by suite
};

std::set<std::string> chosen_suites(const std::vector<Family>& families, const std::vector<std::string>& wanted) {
    std::set<std::string> chosen;
    std::vector<std::string> known;
    for (const Family& family : families) {
        known.push_back(family.name);
        for (const Suite& suite : family.suites) {
            if (suite.name != family.name) known.push_back(suite.name);
            const auto names = [&](const std::string& name) { return name == family.name || name == suite.name; };
            if (wanted.empty() || std::any_of(wanted.begin(), wanted.end(), names)) chosen.insert(suite.name);
        }
    }
    for (const std::string& name : wanted) {
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        const auto meant = nearest_name(name, known);
        fail<InputError>("there is no suite {}, expected one of {}{}", name, list_of_names(known),
                         meant ? fmt::format("; did you mean {}?", *meant) : "");
    }
    return chosen;
}

void count_left_out(std::vector<LeftOut>& all, const std::string& file, const std::string& reason) {
    const auto same = [&](const LeftOut& one) { return one.file == file && one.reason == reason; };
    const auto found = std::find_if(all.begin(), all.end(), same);
    if (found == all.end()) {
        all.push_back({file, reason, 1});
    } else {
        ++found->rows;
    }
}

/// Adds the cases of one file that feed a chosen suite.
void add_cases(Chosen& all, const Family& family, const Json& json, const std::string& file,
               const Surroundings& surroundings, const std::set<std::string>& suites, bool quick) {
    for (Case& one : family.read(JsonReader(json, file), surroundings)) {
        std::erase_if(one.suites, [&](const std::string& suite) { return !suites.contains(suite); });
        if (one.suites.empty() || (quick && !one.quick)) continue;
        if (!one.measure) {
            count_left_out(all.left_out, file, one.left_out);
            continue;
        }
        for (const std::string& suite : one.suites) {
            auto& files = all.files[suite];
            if (std::find(files.begin(), files.end(), file) == files.end()) files.push_back(file);
        }
        all.cases.push_back({std::move(one), file});
    }
}

/// The cases of a file of any form; false when no family knows its form.
bool add_file(Chosen& all, const std::vector<Family>& families, const Surroundings& surroundings, const Json& json,
              const std::string& file, const std::set<std::string>& suites, bool quick) {
    bool recognised = false;
    for (const Family& family : families) {
        if (!family.recognises(json)) continue;
        recognised = true;
        add_cases(all, family, json, file, surroundings, suites, quick);
    }
    return recognised;
}

void require_cases(const Chosen& all) {
    if (!all.cases.empty()) return;
    const std::string why = all.left_out.empty() ? "" : fmt::format(" ({})", all.left_out.front().reason);
    fail<InputError>("there is nothing to compare: no row of the files feeds the suites asked for{}", why);
}

Chosen choose(const std::vector<Family>& families, const Surroundings& surroundings,
              const ValidationOptions& options) {
    const std::set<std::string> suites = chosen_suites(families, options.suites);
    Chosen all;
    for (const auto& path : options.files) {
        const Json json = parse_json_file(path);
        if (add_file(all, families, surroundings, json, path.string(), suites, options.quick)) continue;
        std::vector<std::string> forms;
        for (const Family& family : families) forms.push_back(fmt::format("{} ({})", family.name, family.form));
        fail<InputError>("{}: is no reference data of a known form, expected one of: {}", path.string(),
                         fmt::format("{}", fmt::join(forms, "; ")));
    }
    if (options.files.empty()) {
        for (const Family& family : families) {
            const bool wanted = std::any_of(family.suites.begin(), family.suites.end(),
                                            [&](const Suite& suite) { return suites.contains(suite.name); });
            if (!wanted) continue;
            for (const std::string& name : family.files) {
                const auto path = surroundings.configs / "validation" / name;
                add_cases(all, family, parse_json_file(path), path.string(), surroundings, suites, options.quick);
            }
        }
    }
    require_cases(all);
    return all;
}

/// What one case brought; a failure stands in every suite that the case feeds.
std::vector<Comparison> comparisons_of(const Case& one, const run::TaskResult& result) {
    std::vector<Comparison> comparisons;
    if (result.failure.empty()) return comparisons_from_json(Json::parse(result.text));
    for (const std::string& suite : one.suites) {
        Comparison failed;
        failed.suite = suite;
        failed.name = one.name;
        failed.failure = result.failure;
        comparisons.push_back(std::move(failed));
    }
    return comparisons;
}

}  // namespace

bool SuiteResult::passes() const {
    const bool failed = std::any_of(comparisons.begin(), comparisons.end(),
                                    [](const Comparison& comparison) { return !comparison.failure.empty(); });
    return !failed && std::all_of(conditions.begin(), conditions.end(),
                                  [](const ConditionResult& condition) { return condition.finding.holds; });
}

bool ValidationResult::passes() const {
    return std::all_of(suites.begin(), suites.end(), [](const SuiteResult& suite) { return suite.passes(); });
}

SuiteResult judged(Suite suite, std::vector<std::string> files, std::vector<Comparison> comparisons) {
    SuiteResult result{std::move(suite), std::move(files), std::move(comparisons), {}};
    for (const Condition& condition : result.suite.conditions)
        result.conditions.push_back({condition.text, condition.check(result.comparisons)});
    return result;
}

std::optional<std::size_t> check_reference_data(const std::vector<Family>& families, const Surroundings& surroundings,
                                                const Json& content, const std::string& file) {
    Chosen all;
    if (!add_file(all, families, surroundings, content, file, chosen_suites(families, {}), false))
        return std::nullopt;
    require_cases(all);
    return all.cases.size();
}

ValidationResult validate(const std::vector<Family>& families, const Surroundings& surroundings,
                          const ValidationOptions& options) {
    const auto begin = std::chrono::steady_clock::now();
    Chosen chosen = choose(families, surroundings, options);
    std::vector<run::Task> tasks;
    for (const ChosenCase& chosen_case : chosen.cases) {
        const Case& one = chosen_case.one;
        tasks.push_back({one.name, [&one] { return to_json(one.measure()).dump(); }});
    }
    const run::TasksOutcome outcome = run::run_tasks(tasks, options.workers, options.on_progress);

    std::map<std::string, std::vector<Comparison>> by_suite;
    ValidationResult result;
    result.quick = options.quick;
    result.interrupted = outcome.interrupted;
    for (std::size_t i = 0; i < chosen.cases.size(); ++i) {
        const Case& one = chosen.cases[i].one;
        result.internal = result.internal || outcome.results[i].internal;
        std::vector<Comparison> comparisons = comparisons_of(one, outcome.results[i]);
        if (comparisons.empty()) count_left_out(chosen.left_out, chosen.cases[i].file, one.left_out);
        for (Comparison& comparison : comparisons) {
            const auto fed = std::find(one.suites.begin(), one.suites.end(), comparison.suite);
            if (fed != one.suites.end()) by_suite[comparison.suite].push_back(std::move(comparison));
        }
    }
    for (const Family& family : families) {
        for (const Suite& suite : family.suites) {
            const auto found = by_suite.find(suite.name);
            if (found == by_suite.end()) continue;
            result.suites.push_back(judged(suite, chosen.files[suite.name], std::move(found->second)));
        }
    }
    result.left_out = std::move(chosen.left_out);
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return result;
}

}  // namespace tilemesh::validation
