// SPDX-License-Identifier: Apache-2.0
#include "sim/tile/repetition.h"

namespace tilemesh {

std::int64_t Effort::commands() const {
    std::int64_t sum = 0;
    for (const Part& part : parts) sum += part.commands;
    return sum;
}

Effort& Effort::add(const Effort& other, std::int64_t times) {
    for (std::size_t i = 0; i < engines; ++i) {
        parts[i].commands += times * other.parts[i].commands;
        parts[i].work += times * other.parts[i].work;
        parts[i].bytes += times * other.parts[i].bytes;
        parts[i].busy += times * other.parts[i].busy;
    }
    return *this;
}

}  // namespace tilemesh
