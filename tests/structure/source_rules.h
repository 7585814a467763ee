// SPDX-License-Identifier: Apache-2.0
// The rules of the source tree, as functions of one file's path and text: which folders it may include, who may see
// SystemC, how it begins and how long it may be. Reading the real tree is source_tree_test.cpp's work.
#pragma once

#include <string>
#include <vector>

// The folder whose rule covers a path: "sim/tile" for "sim/tile/commands/dot.cpp", "tools" for "tools/cli/main.cpp".
std::string layer_of(const std::string& path);

// One line per broken rule, each beginning with path and line number; empty for a file in order.
std::vector<std::string> broken_rules(const std::string& path, const std::string& text);
