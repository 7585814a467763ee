// SPDX-License-Identifier: Apache-2.0
// Where the parts of a machine lie in a picture of it, and which links a message takes.
#pragma once

#include "sim/base/json_reader.h"

#include <memory>
#include <vector>

namespace tilemesh::page {

class MeshLayout {
public:
    /// Of the machine of a panel's resolved configuration; nothing is known when that is not one that this tilemesh
    /// reads, as in an old result.
    explicit MeshLayout(const Json& configuration);
    ~MeshLayout();
    MeshLayout(MeshLayout&&) noexcept;

    /// {"rows", "cols", "cube_rows", "cube_cols", "pes": [[path, row, col]], "links": [[path, from, to, GB/s,
    /// die to die, network unless 0]]}, PEs by number; null when nothing is known.
    Json json() const;
    /// Numbers of the links from one PE to another over a network, as json() has them.
    Json route(std::size_t from, std::size_t to, std::size_t network = 0) const;

private:
    struct Known;
    std::unique_ptr<const Known> known_;
};

}  // namespace tilemesh::page
