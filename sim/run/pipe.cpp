// SPDX-License-Identifier: Apache-2.0
// Reading and writing pipes in the presence of signals.
#include "sim/run/pipe.h"

#include "sim/base/error.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tilemesh::run {

void Descriptor::close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
}

namespace {

/// As many open files as the system lets this process have; a shell's usual 1,024 are a panel of 500 entries.
void allow_more_files() {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

Pipe make_pipe() {
    int ends[2];
    int failed = ::pipe(ends);
    if (failed != 0 && errno == EMFILE) {
        allow_more_files();
        failed = ::pipe(ends);
    }
    if (failed != 0 && errno == EMFILE)
        fail<InputError>("too many open files: every entry of a panel needs two, raise the limit (ulimit -n)");
    if (failed != 0) fail<InternalError>("cannot make a pipe: {}", std::strerror(errno));
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
