# SPDX-License-Identifier: Apache-2.0
"""Which tests come by a mutant, and which of them it does not survive. Every test is run once without a mutant, alone;
a mutant then meets only the tests that came by its place, quick ones first, a few in each process."""

import concurrent.futures
import html
import json
import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

from mutated_build import TREE
from mutation import MOST

# Random problems find many mistakes by luck of the draw; a mistake that only they find has no test of its own.
SKIPPED = "random problems"
SECONDS_OF_A_PROCESS = 0.5  # of tests that are run together at first, doubled from then on


@dataclass
class Test:
    program: str
    name: str
    seconds: float = 0.0
    reached: set = field(default_factory=set)


def _filter(tests):
    """What means these tests; commas and brackets would end a name."""
    return ",".join('"' + re.sub(r"([\\,\[\]])", r"\\\1", test.name) + '"' for test in tests)


def _run(binary, tests, limit, **environment):
    """Whether one of the tests failed, and the last that was begun."""
    command = [str(binary), "--abort", "-r", "xml", _filter(tests)]
    try:
        ran = subprocess.run(command, cwd=TREE, env={**os.environ, **environment}, capture_output=True, timeout=limit)
        failed, output = ran.returncode != 0, ran.stdout
    except subprocess.TimeoutExpired as late:
        failed, output = True, late.stdout or b""
    names = re.findall(r'<TestCase name="([^"]*)"', output.decode(errors="replace"))
    return failed, html.unescape(names[-1]) if names else "before any test"


def tests_of(program, binary):
    listed = subprocess.run([binary, "--list-test-names-only"], cwd=TREE, capture_output=True, text=True)
    return [Test(program, name) for name in listed.stdout.splitlines()
            if name and not name.startswith(SKIPPED)]


def survey(tests, binaries, jobs):
    """What each test takes and what it comes by; those that fail without a mutant apart from the others."""

    def look(test):
        with tempfile.NamedTemporaryFile() as reached:
            reached.truncate(MOST + 1)
            start = time.monotonic()
            failed, _ = _run(binaries[test.program], [test], 1800.0, TILEMESH_REACHED=reached.name)
            test.seconds = time.monotonic() - start
            test.reached = {number for number, by in enumerate(reached.read()) if by}
        return failed

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        bad = list(pool.map(look, tests))
    return [t for t, failed in zip(tests, bad) if not failed], [t for t, failed in zip(tests, bad) if failed]


class Hunt:
    """Runs tests against one mutant at a time and remembers what killed it."""

    def __init__(self, tests, binaries, memory):
        self.tests = sorted(tests, key=lambda test: test.seconds)
        self.binaries = binaries
        self.memory = memory
        self.killers = json.loads(memory.read_text()) if memory.exists() else {}

    def kill(self, mutant):
        """The program and test that kill it, or nothing; how many tests came by it; and the seconds it took."""
        key, start = f"{mutant.file}: {mutant.what}", time.monotonic()
        tests = [t for t in self.tests if t.program in mutant.programs and mutant.number in t.reached]
        first = [t for t in tests if [t.program, t.name] == list(self.killers.get(key, ()))]
        for group in [first] * bool(first) + _groups(tests):
            limit = 30.0 + 10.0 * sum(t.seconds for t in group)
            program = group[0].program
            died, name = _run(self.binaries[program], group, limit, TILEMESH_MUTANT=str(mutant.number))
            if died:
                self.killers[key] = (program, name)
                return (program, name), len(tests), time.monotonic() - start
        return None, len(tests), time.monotonic() - start

    def remember(self):
        self.memory.write_text(json.dumps(dict(self.killers), indent=0))


def _groups(tests):
    """Tests that are run together: of one program, the slower the later."""
    groups, room = [], SECONDS_OF_A_PROCESS
    while tests:
        taken, seconds = 0, 0.0
        while taken < len(tests) and (taken == 0 or seconds + tests[taken].seconds <= room):
            seconds += tests[taken].seconds
            taken += 1
        for program in sorted({t.program for t in tests[:taken]}):
            groups.append([t for t in tests[:taken] if t.program == program])
        tests, room = tests[taken:], 2 * room
    return groups
