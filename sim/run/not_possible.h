// SPDX-License-Identifier: Apache-2.0
// One kernel cannot run a problem that others may well run: it does not know the mask, its tiles do not fit. Alone it
// is bad input; beside a kernel that can run, a line of the table.
#pragma once

#include "sim/base/error.h"

#include <string>

namespace tilemesh::run {

class NotPossible : public InputError {
public:
    /// `where` says which entry it is about and who refuses, `reason` why.
    NotPossible(const std::string& where, const std::string& reason) : InputError(where + reason), reason_(reason) {}
    const std::string& reason() const { return reason_; }

private:
    std::string reason_;
};

}  // namespace tilemesh::run
