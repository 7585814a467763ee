// SPDX-License-Identifier: Apache-2.0
// Reading and writing pipes in the presence of signals.
#include "sim/run/pipe.h"

#include "sim/base/error.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tilemesh::run {

void Descriptor::close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
}

Pipe make_pipe() {
    int ends[2];
    if (::pipe(ends) != 0) fail<InternalError>("cannot make a pipe: {}", std::strerror(errno));
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

bool write_all(const Descriptor& to, const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t wrote = ::write(to.number(), text.data() + done, text.size() - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return false;
        done += static_cast<std::size_t>(wrote);
    }
    return true;
}

bool read_some(const Descriptor& from, std::string& text) {
    char buffer[65536];
    for (;;) {
        const ssize_t got = ::read(from.number(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
        return got > 0;
    }
}

}  // namespace tilemesh::run
