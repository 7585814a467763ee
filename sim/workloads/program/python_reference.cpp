// SPDX-License-Identifier: Apache-2.0
#include "sim/workloads/program/python_reference.h"

#include "sim/base/error.h"
#include "sim/base/safetensors.h"
#include "sim/base/shared_files.h"
#include "sim/workloads/program/python_process.h"
#include "sim/workloads/program/tensors.h"

#include <cstdlib>
#include <filesystem>

namespace tilemesh::workloads {
namespace {

/// Removed with all that is in it.
class ScratchFolder {
public:
    ScratchFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "tilemesh_XXXXXX").string();
        if (!::mkdtemp(name.data())) fail<InputError>("no folder can be made in {}", name);
        path_ = name;
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    ~ScratchFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::string operator/(const char* name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

}  // namespace

HostTensor python_reference(const ProgramPanel& panel, const CheckChoice& check,
                            const std::map<std::string, std::shared_ptr<const program::ArrayValues>>& values) {
    const ScratchFolder folder;
    const std::string inputs = folder / "inputs.safetensors", expected = folder / "expected.safetensors";
    std::vector<OutputTensor> held;
    for (const TensorChoice& tensor : panel.tensors) {
        const auto& its = values.at(tensor.name);
        if (its)
            held.push_back({tensor.name, {tensor.shape.begin(), tensor.shape.end()}, its->floats, its->integers});
    }
    write_safetensors(inputs, held, {});
    const std::string script = (shared_folder("python") / "tilemesh" / "reference.py").string();
    const std::string file = check.file.path.string();
    try {
        run_python({"-B", script, file, check.function, check.tensor, check.arguments, inputs, expected}, file);
    } catch (const InputError& error) {
        fail<InputError>("{}: {}", check.where, error.what());
    }
    CheckChoice stored = check;
    stored.file = NamedFile(expected, check.file.path.string() + ": what " + check.function + " returns");
    stored.stored = check.tensor;
    return from_file(stored, *panel.find(check.tensor));
}

}  // namespace tilemesh::workloads
