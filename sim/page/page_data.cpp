// SPDX-License-Identifier: Apache-2.0
#include "sim/page/page_data.h"

#include "sim/page/account_tree.h"
#include "sim/page/mesh_layout.h"
#include "sim/report/explanation.h"
#include "sim/report/result_json.h"
#include "sim/report/table.h"

#include <algorithm>
#include <map>

namespace tilemesh::page {
namespace {

constexpr std::size_t few_entries = 12;
constexpr std::size_t all_pictures = 3'000'000;   // of few entries,
constexpr std::size_t many_pictures = 2'000'000;  // and where many take room for other things
constexpr std::size_t least_pictures = 60'000;

/// Texts that many rows have, by number.
class Texts {
public:
    std::size_t number(const std::string& text) {
        const auto [place, added] = numbers_.insert({text, texts_.size()});
        if (added) texts_.push_back(text);
        return place->second;
    }
    Json json() const { return texts_; }

private:
    std::map<std::string, std::size_t> numbers_;
    std::vector<std::string> texts_;
};

class PanelData {
public:
    explicit PanelData(const report::PanelResult& panel) : panel_(panel), layout_(panel.configuration) {}

    /// `saved`: the panel in the result file; `before`: the same panel then, or null.
    Json data(Json saved, bool all_details, const report::PanelResult* before, const Json* saved_before) {
        Json kernels = Json::array();
        const report::KernelResult* best = report::fastest(panel_);
        for (std::size_t i = 0; i < panel_.kernels.size(); ++i) {
            const report::KernelResult& kernel = panel_.kernels[i];
            kernels.push_back(entry(kernel, saved["kernels"][i], all_details || &kernel == best));
            if (before) add_before(kernels.back(), kernel.label, *before, *saved_before);
        }
        saved.erase("kernels");
        saved["sentence"] = report::conclusion(panel_);
        saved["machine"] = layout_.json();
        saved["peaks"] = peaks();
        saved["kernels"] = std::move(kernels);
        saved["texts"] = texts_.json();
        return saved;
    }

private:
    Json classes(const std::vector<report::ClassTime>& account) {
        Json json = Json::array();
        for (const report::ClassTime& one : account) {
            json.push_back(texts_.number(one.name));
            json.push_back(one.time.value());
        }
        return json;
    }

    /// A sum of one part is that part.
    Json sums(const report::KernelResult& kernel, bool with_details) {
        Json json = Json::array();
        for (const AccountSum& sum : account_tree(kernel.components))
            if (sum.scope == "machine" || (with_details && sum.parts > 1))
                json.push_back({texts_.number(sum.scope), texts_.number(sum.kind), sum.parts, classes(sum.classes)});
        return json;
    }

    Json parts(const report::KernelResult& kernel) {
        Json json = Json::array();
        for (const report::ComponentResult& part : kernel.components)
            if (!part.account.empty() || part.activities > 0)
                json.push_back(
                    {texts_.number(part.path), texts_.number(part.kind), part.bytes.value(), classes(part.account)});
        return json;
    }

    /// Components by the text of their path, classes by that of their name; messages with their routes.
    Json pictures(const report::KernelResult& kernel) {
        Json json = kernel.pictures;
        std::vector<std::size_t> names;
        for (const Json& name : json["classes"]) names.push_back(texts_.number(name.get<std::string>()));
        const auto path_of = [&](const Json& number) {
            return texts_.number(kernel.components[number.get<std::size_t>()].path);
        };
        for (Json& lane : json["lanes"]) {
            lane[0] = path_of(lane[0]);
            for (Json& row : lane[1]) row[0] = names[row[0].get<std::size_t>()];
        }
        for (Json& lane : json["slices"]["lanes"]) {
            lane[0] = path_of(lane[0]);
            for (std::size_t i = 0; i < lane[1].size(); i += 3) lane[1][i] = names[lane[1][i].get<std::size_t>()];
        }
        constexpr std::size_t network = 4;
        for (Json& message : json["messages"]) {
            const std::size_t over = message.size() > network ? message[network].get<std::size_t>() : 0;
            message[network] = layout_.route(message[0].get<std::size_t>(), message[1].get<std::size_t>(), over);
        }
        json.erase("classes");
        return json;
    }

    Json entry(const report::KernelResult& kernel, Json saved, bool with_details) {
        saved.erase("components");
        Json json = {{"result", std::move(saved)}, {"sums", sums(kernel, with_details)}};
        if (!kernel.what_if.empty()) json["first"] = report::first_to_change(kernel);
        if (!with_details) return json;
        json["parts"] = parts(kernel);
        if (!kernel.pictures.is_null()) json["pictures"] = pictures(kernel);
        return json;
    }

    void add_before(Json& json, const std::string& label, const report::PanelResult& before, const Json& saved) {
        for (std::size_t i = 0; i < before.kernels.size(); ++i)
            if (before.kernels[i].label == label)
                json["before"] = entry(before.kernels[i], saved["kernels"][i], false);
    }

    /// What the whole machine could do, from the first kernel that has components.
    Json peaks() const {
        for (const report::KernelResult& kernel : panel_.kernels) {
            double flops = 0, hbm = 0;
            for (const report::ComponentResult& part : kernel.components) {
                if (part.kind == "matrix") flops += 2 * part.peak_per_ns;
                if (part.kind == "hbm") hbm += part.peak_per_ns;
            }
            if (flops > 0 && hbm > 0) return {{"tflops_per_s", flops / 1000}, {"hbm_gbytes_per_s", hbm}};
        }
        return {};
    }

    const report::PanelResult& panel_;
    MeshLayout layout_;
    Texts texts_;
};

Json comparison_json(const run::Comparison& comparison) {
    static constexpr const char* outcomes[] = {"worse", "better", "changed", "new"};
    Json entries = Json::array();
    for (const run::EntryComparison* entry : run::worst_first(comparison)) {
        Json differences = Json::array();
        for (const run::Difference& one : entry->differences)
            differences.push_back({{"what", one.what},
                                   {"meaning", one.metric ? one.metric->meaning : ""},
                                   {"before", one.before},
                                   {"after", one.after},
                                   {"change", one.change},
                                   {"worse", one.worse},
                                   {"fails", one.fails},
                                   {"primary", one.is_primary()}});
        entries.push_back({{"panel", entry->panel},
                           {"label", entry->label},
                           {"outcome", outcomes[static_cast<std::size_t>(entry->outcome)]},
                           {"differences", std::move(differences)},
                           {"configuration", entry->configuration}});
    }
    return {{"compared", comparison.compared},
            {"same", comparison.same()},
            {"fails", comparison.fails()},
            {"entries", std::move(entries)}};
}

std::size_t entries_of(const report::RunResult& run) {
    std::size_t entries = 0;
    for (const report::PanelResult& panel : run.panels) entries += panel.kernels.size();
    return entries;
}

}  // namespace

std::size_t detailed_entries(std::size_t panels, std::size_t entries) {
    return entries <= few_entries ? entries : panels;
}

Bytes room_for_pictures(std::size_t panels, std::size_t entries) {
    const std::size_t detailed = std::max<std::size_t>(1, detailed_entries(panels, entries));
    return Bytes(std::max(least_pictures, (detailed > few_entries ? many_pictures : all_pictures) / detailed));
}

Json page_data(const report::RunResult& run, const Before* before) {
    const Json saved = report::to_json(run);
    const Json saved_before = before ? report::to_json(before->result) : Json();
    const bool all_details = entries_of(run) <= few_entries;
    Json panels = Json::array();
    for (std::size_t i = 0; i < run.panels.size(); ++i) {
        const report::PanelResult* then = nullptr;
        const Json* saved_then = nullptr;
        for (std::size_t j = 0; before && j < before->result.panels.size(); ++j) {
            if (before->result.panels[j].name != run.panels[i].name) continue;
            then = &before->result.panels[j];
            saved_then = &saved_before["panels"][j];
        }
        panels.push_back(PanelData(run.panels[i]).data(saved["panels"][i], all_details, then, saved_then));
    }
    Json data = {{"schema_version", saved["schema_version"]},
                 {"tool", saved["tool"]},
                 {"name", run.name},
                 {"panels", std::move(panels)},
                 {"host", saved["host"]}};
    if (before) {
        data["comparison"] = comparison_json(before->comparison);
        data["comparison"]["files"] = {before->file, before->new_file};
    }
    return data;
}

}  // namespace tilemesh::page
