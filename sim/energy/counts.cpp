// SPDX-License-Identifier: Apache-2.0
#include "sim/energy/counts.h"

namespace tilemesh::energy {
namespace {

constexpr Use first_element = element_of(static_cast<Opcode>(0));
constexpr Use first_byte = byte_of(static_cast<Moved>(0));

struct MovedWords {
    const char* key;
    const char* kind;
};
constexpr MovedWords moved_words[] = {
    {"pj_per_byte.sram_read", "sram"}, {"pj_per_byte.sram_write", "sram"}, {"pj_per_byte.hbm_read", "hbm"},
    {"pj_per_byte.hbm_write", "hbm"},  {"pj_per_byte_mm.link", "link"},    {"pj_per_byte.die_to_die", "die_to_die"},
    {"pj_per_byte.port", "port"},      {"pj_per_byte.router", "router"},
};
static_assert(std::size(moved_words) == uses - first_byte);

}  // namespace

std::string key_of(Use use) {
    if (use < first_element) return "pj_per_mac." + std::string(name_of(static_cast<Dtype>(use)));
    if (use < first_byte) return "pj_per_element." + std::string(name_of(static_cast<Opcode>(use - first_element)));
    return moved_words[use - first_byte].key;
}

std::string_view kind_of(Use use) {
    if (use < first_element) return "matrix";
    return use < first_byte ? "vector" : moved_words[use - first_byte].kind;
}

std::string_view unit_of(Use use) {
    if (use < first_element) return "multiply-accumulates";
    if (use < first_byte) return "elements";
    return use == byte_of(Moved::link) ? "bytes times PEs passed" : "bytes";
}

}  // namespace tilemesh::energy
