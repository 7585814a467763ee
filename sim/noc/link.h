// SPDX-License-Identifier: Apache-2.0
// One directed link in the module tree: its name is the link's in reports, traces and errors. What moves over it and
// when is worked out for all links together (fabric.h).
#pragma once

#include "sim/base/recorder.h"
#include "sim/noc/topology.h"

#include <systemc>

namespace tilemesh::noc {

class Link : public sc_core::sc_module {
public:
    Link(sc_core::sc_module_name name, const LinkSpec& spec, ComponentId id)
        : sc_module(name), spec_(spec), id_(id) {}
    const LinkSpec& spec() const { return spec_; }
    ComponentId id() const { return id_; }

private:
    const LinkSpec& spec_;
    ComponentId id_;
};

}  // namespace tilemesh::noc
