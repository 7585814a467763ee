// SPDX-License-Identifier: Apache-2.0
#include "sim/pe/cores.h"

#include <algorithm>
#include <numeric>

namespace tilemesh::pe {
namespace {

/// Elements over a rate per nanosecond, of which 0 is without limit.
double at_rate(double amount, double per_ns) { return per_ns > 0 ? amount / per_ns : 0.0; }

/// Nanoseconds in which a core's queries come in and its output leaves.
double time_of_block(const LaunchedChunks& chunks, const CoresConfig& cores) {
    return at_rate(static_cast<double>(chunks.rows * (chunks.key_dim + chunks.value_dim)), cores.block_elements);
}

double bytes_of_chunk(const LaunchedChunks& chunks, const CoresConfig& cores) {
    const std::int64_t columns = chunks.key_dim + (chunks.latents ? 0 : chunks.value_dim);
    return static_cast<double>(chunks.keys * columns) * cores.bytes_of(chunks.dtype);
}

/// The blocks' chunks in the order in which they are dealt.
std::vector<int> dealt_order(const LaunchedChunks& chunks, DealtBlocks dealt) {
    if (dealt == DealtBlocks::in_order || chunks.per_head < 2) return chunks.seen;
    std::vector<int> order;
    order.reserve(chunks.seen.size());
    for (std::size_t head = 0; head < chunks.seen.size(); head += chunks.per_head) {
        std::size_t first = head, end = std::min(head + chunks.per_head, chunks.seen.size());
        while (first < end) {
            order.push_back(chunks.seen[first++]);
            if (first < end) order.push_back(chunks.seen[--end]);
        }
    }
    return order;
}

}  // namespace

double CoresConfig::bytes_of(Dtype dtype) const {
    const auto bytes = static_cast<double>(bytes_per_element(dtype));
    return is_fp8(dtype) && exponent_elements > 0 ? bytes + 1.0 / exponent_elements : bytes;
}

CoresConfig read_cores(JsonReader reader) {
    CoresConfig cores;
    cores.count = static_cast<int>(reader.integer("count", 1, 65536));
    const std::string keys = reader.word("keys", {"multicast", "chained", "read_by_each"}, "multicast");
    cores.keys = keys == "chained"        ? KeysOfCores::chained
                 : keys == "read_by_each" ? KeysOfCores::read_by_each
                                          : KeysOfCores::multicast;
    if (reader.word("dealt", {"in_order", "paired"}, "in_order") == "paired") cores.dealt = DealtBlocks::paired;
    cores.chunk_cycles = reader.number("chunk_cycles", 0.0, 1e9, 0.0);
    cores.output_cycles_per_element = reader.number("output_cycles_per_element", 0.0, 1e6, 0.0);
    const auto rate = [&](const char* key) { return reader.number(key, 0.0, 1e9, 0.0); };
    cores.block_elements = rate("block_elements_per_ns");
    cores.read_bytes = rate("read_gbytes_per_s");
    cores.pass_bytes = rate("pass_gbytes_per_s");
    cores.memory_bytes = rate("memory_gbytes_per_s");
    cores.exponent_elements = static_cast<int>(reader.integer("exponent_elements", 0, 65536, 0));
    cores.fitted = read_fitted_values(reader);
    reader.finish();
    return cores;
}

double time_of_chunk(const LaunchedChunks& chunks, const CoresConfig& cores, const CoreRates& rates) {
    const auto rows = static_cast<double>(chunks.rows), keys = static_cast<double>(chunks.keys);
    const auto key_dim = static_cast<double>(chunks.key_dim), value_dim = static_cast<double>(chunks.value_dim);
    const double products =
        rows * keys * (key_dim / rates.macs_per_ns + value_dim / rates.p_macs_per_ns) * cores.count;
    const double beside = cores.chunk_cycles + cores.output_cycles_per_element * rows * value_dim;
    // One mover reads, hands on and copies, one after the other, while the products of the chunk before are made.
    const double bytes = bytes_of_chunk(chunks, cores);
    double way = at_rate(bytes, cores.read_bytes);
    if (cores.keys != KeysOfCores::read_by_each) way += at_rate(bytes, cores.pass_bytes);
    if (chunks.latents) way += at_rate(keys * value_dim * cores.bytes_of(chunks.dtype), cores.pass_bytes);
    return std::max(products + beside / rates.clock_ghz, way);
}

double time_of_cores(const LaunchedChunks& chunks, const CoresConfig& cores, const CoreRates& rates) {
    const std::vector<int> seen = dealt_order(chunks, cores.dealt);
    const std::size_t count = static_cast<std::size_t>(cores.count), each = seen.size() / count,
                      more = seen.size() % count;  // so many cores have one block more
    const std::size_t turns = each + (more > 0 ? 1 : 0);
    std::vector<double> longest(turns, 0);  // chunks of a turn
    double most = 0;                        // chunks of a core
    std::size_t at = 0;
    for (std::size_t core = 0; core < count; ++core) {
        double sum = 0;
        for (std::size_t turn = 0; turn < each + (core < more ? 1 : 0); ++turn, ++at) {
            sum += seen[at];
            longest[turn] = std::max(longest[turn], static_cast<double>(seen[at]));
        }
        most = std::max(most, sum);
    }
    if (cores.keys == KeysOfCores::chained) most = std::accumulate(longest.begin(), longest.end(), 0.0);
    double time =
        static_cast<double>(turns) * time_of_block(chunks, cores) + most * time_of_chunk(chunks, cores, rates);
    if (cores.keys == KeysOfCores::read_by_each) {
        const double blocks = static_cast<double>(seen.size() * static_cast<std::size_t>(chunks.rows)) *
                              static_cast<double>(chunks.key_dim + chunks.value_dim) * bytes_per_element(Dtype::bf16);
        const double all = std::accumulate(seen.begin(), seen.end(), 0.0) * bytes_of_chunk(chunks, cores) + blocks;
        time = std::max(time, at_rate(all, cores.memory_bytes));
    }
    return time;
}

double share_of_cores(const LaunchedWork& work, const CoresConfig& cores, const CoreRates& rates) {
    if (work.chunks.seen.empty()) return 1.0;
    const double scores = std::accumulate(work.blocks.begin(), work.blocks.end(), 0.0);
    const double products = scores * (static_cast<double>(work.chunks.key_dim) / rates.macs_per_ns +
                                      static_cast<double>(work.chunks.value_dim) / rates.p_macs_per_ns);
    return std::min(1.0, products / time_of_cores(work.chunks, cores, rates));
}

}  // namespace tilemesh::pe
