// SPDX-License-Identifier: Apache-2.0
// The part of a panel that runs a matrix product spread over the cores of a chip. configs/README.md documents every
// key.
#pragma once

#include "sim/product/execution.h"
#include "sim/run/workload.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tilemesh::workloads {

struct ProductChoice {
    std::string kernel, label, where;
    std::optional<product::Block> block;  // none: that which takes least
};

struct ProductPanel : run::Setup {
    product::Shape shape;
    std::uint64_t repeats = 1;                       // products one after the other; the time is the mean of one
    std::optional<product::ProductConfig> products;  // of the machine
    std::vector<ProductChoice> choices;

    product::Grid grid() const;
    /// What it runs on; only of a machine that has "products".
    product::Floor floor() const;
};

ProductPanel read_product_panel(JsonReader& panel, const run::Setup& setup, std::vector<JsonReader>& kernels);

}  // namespace tilemesh::workloads
