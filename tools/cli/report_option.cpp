// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/report_option.h"

#include "sim/base/error.h"
#include "sim/page/embedded.h"
#include "sim/page/page.h"

namespace tilemesh::cli {

std::unique_ptr<OutputFile> open_report(const std::string& file, const std::string& input) {
    if (file.empty()) return nullptr;
    if (file == "-") fail<InputError>("--report -: expected a file");
    page::check_available("--report", page::embedded_run_page());
    return open_output(file, "--report", input);
}

}  // namespace tilemesh::cli
