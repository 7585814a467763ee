// SPDX-License-Identifier: Apache-2.0
// A prompt or a decode step over hosts of eight GPUs: tensor parallel inside a host, so that each GPU has some query
// heads and a kv head, and a ring of one GPU per host for each. Keys and values travel (pass-KV) or queries do
// (pass-Q), whose partial results go home through an all-to-all that nothing hides.
#include "sim/base/names.h"
#include "sim/probe/launched.h"
#include "sim/run/panel.h"
#include "sim/validation/published.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace tilemesh::validation {
namespace {

constexpr const char* hosts_machine = "h100_hosts4";
// The model of the tables: Llama 3 405B.
constexpr std::uint64_t model_heads = 128, model_heads_kv = 8, model_head_dim = 128, model_layers = 126;
constexpr std::uint64_t element_bytes = 2, most_context = std::uint64_t{1} << 21;

/// What one GPU has of it.
struct OverHosts {
    std::uint64_t hosts = 1, tensor_parallel = 8;
    std::uint64_t context = 0, new_tokens = 0;  // the context includes the new tokens

    std::uint64_t heads() const { return model_heads / tensor_parallel; }
    std::uint64_t heads_kv() const { return std::max<std::uint64_t>(1, model_heads_kv / tensor_parallel); }
    std::uint64_t query_bytes() const { return new_tokens / hosts * heads() * model_head_dim * element_bytes; }
    std::uint64_t chunk_bytes() const { return context / hosts * heads_kv() * model_head_dim * element_bytes * 2; }
};

Json machine_of_hosts(const Surroundings& surroundings, std::uint64_t hosts) {
    const auto file = surroundings.configs / "machines" / (std::string(hosts_machine) + ".json");
    Json machine = run::resolve_machine_file(file).json;
    machine["cube"]["cols"] = hosts;
    return machine;
}

machine::MachineConfig config_of_hosts(const Surroundings& surroundings, std::uint64_t hosts) {
    const Json machine = machine_of_hosts(surroundings, hosts);
    return machine::read_machine(JsonReader(machine, hosts_machine));
}

double us_of(Picoseconds time) { return to_nanoseconds(time) / 1000.0; }

/// Attention launched step by step, `users` of them together, around a ring of the machine's GPUs.
double ring_us(const Surroundings& surroundings, const Json& machine, const OverHosts& work, std::uint64_t queries,
               std::uint64_t keys, std::uint64_t users, bool causal) {
    Json all = Json::array();
    for (std::uint64_t user = 0; user < users; ++user) all.push_back({{"keys", keys}, {"queries", queries}});
    const Json panel = {{"name", "published"},
                        {"machine", machine},
                        {"problem",
                         {{"heads_q", work.heads()},
                          {"heads_kv", work.heads_kv()},
                          {"head_dim", model_head_dim},
                          {"dtype", "bf16"},
                          {"users", all},
                          {"mask", {{"kind", causal ? "causal" : "full"}}}}},
                        {"ranks", {{"sharding", "zigzag"}}},
                        {"kernels", {{{"kernel", "ring_kv"}, {"launches", "overlapped"}, {"tile_keys", 256}}}},
                        {"values", {{"mode", "none"}}}};
    const run::Panel read =
        run::read_panel(run::resolve_panel_object(panel, "published", surroundings.configs), surroundings.workloads);
    const run::Entry& entry = read.kernels.front();
    const auto prepared = entry.workload->prepare({entry.number}, 1);
    return us_of(entry.workload->run(entry.number, *prepared, {}).result.time);
}

/// Partial outputs and their log-sum-exp are two messages to every other host; the latter are a sixty-fourth of the
/// bytes.
double give_back_us(const Surroundings& surroundings, std::uint64_t hosts, std::uint64_t bytes_each) {
    return us_of(
        probe::time_of_all_to_all(config_of_hosts(surroundings, hosts), std::max<std::uint64_t>(bytes_each, 2), 2));
}

double shift_us(const Surroundings& surroundings, std::uint64_t hosts, std::uint64_t bytes) {
    return us_of(
        probe::time_of_shift(config_of_hosts(surroundings, hosts), std::max<std::uint64_t>(bytes, 2), false));
}

OverHosts read_prefill(JsonReader& row, std::uint64_t context) {
    OverHosts work;
    work.hosts = row.integer("cp", 2, 64);
    work.tensor_parallel = row.integer("tp", 1, 128);
    if (model_heads % work.tensor_parallel != 0) row.member("tp").reject("a divisor of the model's 128 heads");
    work.context = context;
    work.new_tokens = row.integer("new_tokens", work.hosts, context);
    return work;
}

/// By how much passing queries is faster than passing keys and values, one layer, in us.
double gain_of_passing_queries(const Surroundings& surroundings, const OverHosts& work) {
    const Json machine = machine_of_hosts(surroundings, work.hosts);
    const double passing_kv = ring_us(surroundings, machine, work, work.new_tokens, work.context, 1, true);
    // The same block products in the same ring, with exchanges that are as long as those of queries.
    Json other = machine;
    double shorter = static_cast<double>(work.chunk_bytes()) / static_cast<double>(work.query_bytes());
    // Every rank has a whole block product for the queries of each step, which hides exchanges that are shorter;
    // steps of a K/V ring are less even.
    const double product = ring_us(surroundings, machine_of_hosts(surroundings, 1), work,
                                   work.new_tokens / work.hosts, work.context / work.hosts, 1, false);
    if (shift_us(surroundings, work.hosts, work.query_bytes()) < product) shorter = std::max(shorter, 1.0);
    for (const char* part : {"link", "port"}) {
        Json& rate = other["network"][part]["gbytes_per_s"];
        rate = std::clamp(rate.get<double>() * shorter, 0.001, 1e6);
    }
    const double passing_queries = ring_us(surroundings, other, work, work.new_tokens, work.context, 1, true) +
                                   give_back_us(surroundings, work.hosts, work.query_bytes());
    return passing_kv - passing_queries;
}

/// Hosts of "tp8" (1), "cp4_tp8" (4); nothing of other words.
std::optional<std::uint64_t> hosts_of(const std::string& configuration) {
    if (configuration == "tp8") return 1;
    std::uint64_t hosts = 0;
    const char* const end = configuration.data() + configuration.size();
    if (!configuration.starts_with("cp")) return {};
    const auto [rest, error] = std::from_chars(configuration.data() + 2, end, hosts);
    if (error != std::errc() || std::string(rest, end) != "_tp8" || hosts < 2 || hosts > 64) return {};
    return hosts;
}

/// "128K", thousands of tokens as the tables with a cache count them.
std::uint64_t thousands_of(JsonReader tokens) {
    const std::string text = tokens.as_string();
    std::uint64_t thousands = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, thousands);
    if (error != std::errc() || std::string(rest, end) != "K" || thousands < 1 || thousands > most_context / 1000)
        tokens.reject("thousands of tokens as in \"128K\"");
    return thousands * 1000;
}

}  // namespace

std::vector<Case> published_step_cases(JsonReader& row, const Surroundings& surroundings) {
    const OverHosts work = read_prefill(row, row.integer("context", 1, most_context));
    const bool queries_pass = row.word("variant", {"pass_kv", "pass_q"}) == "pass_q";
    const double send = row.number("send_recv_us", 1e-3, 1e9), attention = row.number("attention_us", 1e-3, 1e9);
    const auto back = row.optional_member("all_to_all_us");
    const double home = back ? back->as_number(0.0, 1e9) : 0.0;
    const std::string suite = "published_steps",
                      name = fmt::format("{} of {} tokens on {}", queries_pass ? "pass-Q" : "pass-KV",
                                         work.new_tokens, work.context);
    return {{name, {suite}, [=, &surroundings] {
                 const std::uint64_t bytes = queries_pass ? work.query_bytes() : work.chunk_bytes();
                 std::vector<Comparison> found{
                     {suite, name + ", exchange", send, shift_us(surroundings, work.hosts, bytes), "us"},
                     {suite, name + ", attention", attention,
                      ring_us(surroundings, machine_of_hosts(surroundings, 1), work, work.new_tokens / work.hosts,
                              work.context / work.hosts, 1, false),
                      "us"}};
                 if (home > 0.0)
                     found.push_back({suite, name + ", results go home", home,
                                      give_back_us(surroundings, work.hosts, work.query_bytes()), "us"});
                 return found;
             }}};
}

std::vector<Case> published_prefill_cases(JsonReader& row, const Surroundings& surroundings) {
    const std::uint64_t fresh = row.integer("new_tokens", 1, most_context);
    const OverHosts work = read_prefill(row, fresh + row.integer("cached_tokens", 0, most_context));
    const double kv_ms = row.number("pass_kv_ttft_ms", 1e-3, 1e9), q_ms = row.number("pass_q_ttft_ms", 1e-3, 1e9);
    const std::string suite = "published_pass_q",
                      name = fmt::format("pass-KV over pass-Q, {} tokens on {}", fresh, work.context);
    return {{name, {suite}, [=, &surroundings] {
                 // All but attention is as published for passing keys and values.
                 const double gain_ms =
                     gain_of_passing_queries(surroundings, work) * static_cast<double>(model_layers) / 1000.0;
                 return std::vector<Comparison>{{suite, name, kv_ms / q_ms, kv_ms / (kv_ms - gain_ms), "x"}};
             }}};
}

std::vector<Case> published_decode_cases(JsonReader& row, const Surroundings& surroundings) {
    const std::string suite = "published_decode", configuration = row.string("configuration");
    const auto hosts = hosts_of(configuration);
    if (!hosts)
        return {not_compared(suite, fmt::format("configuration {} is no ring over hosts", printable(configuration)))};
    OverHosts work;
    work.hosts = *hosts;
    const std::uint64_t batch = row.integer("batch", 1, 1024), keys = thousands_of(row.member("context_per_rank"));
    // Queries are padded to as many for every rank, and each rank's go past the keys of one rank in a step.
    const std::uint64_t at_once = (batch + *hosts - 1) / *hosts;
    const double one = row.number("one_attention_us", 1e-3, 1e9), whole = row.number("whole_pass_q_us", 1e-3, 1e9);
    const std::string name = fmt::format("decode {}, {} keys a rank, batch {}", configuration, keys, batch);
    const bool fitted = batch == 1 && *hosts <= 2;
    const std::string one_suite = fitted ? suite + "_fitted" : suite;
    return {{name, {suite, suite + "_fitted"}, [=, &surroundings] {
                 const double attention =
                     ring_us(surroundings, machine_of_hosts(surroundings, 1), work, 1, keys, at_once, false);
                 std::vector<Comparison> found{{one_suite, name + ", one attention", one, attention, "us"}};
                 if (work.hosts == 1) return found;
                 const std::uint64_t bytes = at_once * work.heads() * model_head_dim * element_bytes;
                 const auto steps = static_cast<double>(work.hosts);
                 const double predicted = steps * attention +
                                          (steps - 1.0) * shift_us(surroundings, work.hosts, bytes) +
                                          give_back_us(surroundings, work.hosts, bytes);
                 found.push_back({suite, name + ", all of pass-Q", whole, predicted, "us"});
                 return found;
             }}};
}

}  // namespace tilemesh::validation
