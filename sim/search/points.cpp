// SPDX-License-Identifier: Apache-2.0
#include "sim/search/points.h"

#include "sim/base/error.h"
#include "sim/report/result_json.h"
#include "sim/report/words.h"
#include "sim/run/entry_process.h"
#include "sim/run/not_possible.h"
#include "sim/run/version.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>

namespace tilemesh::search {
namespace {

/// For a shell: text in single quotes where it needs them.
std::string quoted(const std::string& text) {
    const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || strchr("_-./=+:,", c); };
    if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return text;
    std::string in_quotes = "'";
    for (const char c : text) in_quotes += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return in_quotes + "'";
}

std::string set_option(const run::Setting& setting) {
    const std::string value = setting.value.is_string() && !Json::accept(setting.value.get<std::string>())
                                  ? setting.value.get<std::string>()
                                  : setting.value.dump();
    return " --set " + quoted(setting.path + "=" + value);
}

/// Whether another kernel of the space's panel has the name of the point's, too.
bool shares_its_name(const Space& space, const Point& point) {
    const Json kernels = space.panel().json.value("kernels", Json::array());
    return std::count_if(kernels.begin(), kernels.end(),
                         [&](const Json& kernel) { return name_of_kernel(kernel) == point.kernel_name; }) > 1;
}

/// `label`: of the point's kernel, as `run` knows it.
std::string repeat_of(const Space& space, const Point& point, const Json& panel, const std::string& label) {
    std::string command = "tilemesh run " + quoted(space.panel_name());
    const auto is_of_kernels = [](const run::Setting& setting) {
        return (setting.path + ".").starts_with("kernels.") || is_of_kernel(setting.path);
    };
    // Does the point say what its kernel is?
    const bool own = std::any_of(point.settings.begin(), point.settings.end(), is_of_kernels);
    std::vector<run::Setting> settings = space.settings();
    settings.insert(settings.end(), point.settings.begin(), point.settings.end());
    for (const run::Setting& setting : run::in_order(std::move(settings)))
        if (!own || !is_of_kernels(setting)) command += set_option(setting);
    if (panel.contains("kernels") && (own || shares_its_name(space, point)))
        return command + set_option({"kernels", panel.at("kernels"), ""});
    return command + " --kernel " + quoted(label);
}

}  // namespace

Keyed keyed(const Space& space, const Point& point, const run::Panel& panel) {
    const std::string& label = panel.kernels.front().label;
    return {point, key_of(panel.resolved), label, repeat_of(space, point, panel.resolved, label), {}};
}

Keyed keyed(const Space& space, const Point& point, const run::Resolved& panel, const run::Workloads& workloads) {
    try {
        return keyed(space, point, run::read_panel(panel, workloads));
    } catch (const InputError& error) {
        return {point, {}, point.kernel_name, repeat_of(space, point, panel.json, point.kernel_name), error.what()};
    }
}

report::KernelResult not_run(const run::Entry& entry, report::Status status, const std::string& why) {
    report::KernelResult result;
    result.kernel = entry.kernel;
    result.label = entry.label;
    result.status = status;
    result.error = why;
    return result;
}

report::KernelResult run_point(const run::Panel& panel) {
    const run::Entry& entry = panel.kernels.front();
    try {
        entry.workload->check(entry.number);
        entry.workload->check_inputs({entry.number});
    } catch (const run::NotPossible& error) {
        return not_run(entry, report::Status::not_possible, error.reason());
    } catch (const InputError& error) {
        return not_run(entry, report::Status::not_possible, error.what());
    }
    const run::PreparedPanel prepared(panel, 1);
    report::KernelResult result = run::run_entry(panel, entry, prepared.of(entry), {});
    result.host = {};
    result.components.clear();
    return result;
}

Json record_of(const run::Panel& panel, const Keyed& point, const report::KernelResult& result) {
    Json record = {{"point", point.key},
                   {"model", run::model_version()},
                   {"repeat", point.repeat},
                   {"panel", panel.resolved},
                   // Without the host: the same bytes whoever ran it.
                   {"result", report::kernel_to_json(result).at("result")}};
    record["digest"] = digest_of(record);
    return record;
}

report::KernelResult result_of(const Json& record, const std::string& key, const std::string& source) {
    const std::string where = source.empty() ? "point " + key : source;
    JsonReader reader(record, where);
    if (!reader.is_object()) reader.reject("a point with a result");
    reader.word("point", {key});
    reader.word("model", {run::model_version()});
    reader.string("repeat");
    if (const JsonReader panel = reader.member("panel"); !panel.is_object()) panel.reject("a panel");
    JsonReader result = reader.member("result");
    if (!result.is_object()) result.reject("a result");
    // No run ends otherwise, and what did not come to its end says why.
    const std::string ok = report::name_of(report::Status::ok);
    const std::string status =
        result.word("status", {ok, report::name_of(report::Status::failed), report::name_of(report::Status::crashed),
                               report::name_of(report::Status::not_possible)});
    if (status != ok && result.string("error").empty()) result.member("error").reject("a reason");
    const JsonReader digest = reader.member("digest");
    reader.finish();
    const Json host = report::kernel_to_json({}).at("host");
    report::KernelResult read = report::read_kernel_result({{"result", record.at("result")}, {"host", host}}, where);
    // Readers of results forgive what files of older versions do not have; the model's version says that this is
    // none.
    if (report::kernel_to_json(read).at("result") != record.at("result"))
        result.complain("found a result of which figures are missing, expected all that a run has");
    Json rest = record;
    rest.erase("digest");
    digest.as_word({digest_of(rest)});
    return read;
}

std::optional<Known> known(const Store& store, const std::string& key, std::vector<std::string>* doubts) {
    try {
        auto record = store.read(key);
        if (!record) return {};
        report::KernelResult result = result_of(*record, key, store.file_of(key).string());
        return Known{std::move(*record), std::move(result)};
    } catch (const InputError& error) {
        if (doubts) doubts->emplace_back(error.what());
        return {};
    }
}

std::optional<Known> settled(const Store& store, const std::string& key, std::vector<std::string>* doubts) {
    auto found = known(store, key, doubts);
    if (found && found->result.status == report::Status::crashed) return {};
    return found;
}

std::string doubts_text(const std::vector<std::string>& doubts) {
    constexpr std::size_t most = 3, longest = 400;
    std::string text = doubts.size() == 1 ? "1 file is no result of its point and counts as not there: "
                                          : fmt::format(
                                                "{} files are no results of their points and count as not "
                                                "there: ",
                                                doubts.size());
    for (std::size_t i = 0; i < std::min(most, doubts.size()); ++i)
        text += (i > 0 ? "; " : "") + printable_ends(doubts[i], longest);
    if (doubts.size() > most) text += fmt::format("; and {} more", doubts.size() - most);
    return text;
}

}  // namespace tilemesh::search
