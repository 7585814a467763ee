// SPDX-License-Identifier: Apache-2.0
// A pipe between processes whose ends close themselves.
#pragma once

#include <string>
#include <utility>

namespace tilemesh::run {

/// A file descriptor that is closed with its owner.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) {
            close();
            number_ = std::exchange(other.number_, -1);
        }
        return *this;
    }
    ~Descriptor() { close(); }
    void close();
    bool open() const { return number_ >= 0; }
    int number() const { return number_; }

private:
    int number_ = -1;
};

struct Pipe {
    Descriptor reading, writing;
};
/// Throws InternalError when the system has no more descriptors.
Pipe make_pipe();

/// Writes everything; false when nobody reads any more.
bool write_all(const Descriptor& to, const std::string& text);
/// Appends what is there to `text`; false at the end of the stream. Blocks when nothing is there.
bool read_some(const Descriptor& from, std::string& text);

}  // namespace tilemesh::run
