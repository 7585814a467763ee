# SPDX-License-Identifier: Apache-2.0
"""Runs a Triton script as it is on a simulated machine: python3 -m tilemesh script.py --machine cube_2x4."""

import argparse
import json
import os
import sys
import traceback
import types
from pathlib import Path

from . import session
from .command import TilemeshError

_DESCRIPTION = """Runs a Python script whose Triton kernels run on a simulated machine. The script gets the arguments that are not
listed here, and all behind --. Its own output comes as it is; at the end a table of what was launched, on stderr."""


def parse(arguments):
    parser = argparse.ArgumentParser("python3 -m tilemesh", description=_DESCRIPTION, allow_abbrev=False)
    parser.add_argument("script", help="the script, which is run as python3 runs it")
    parser.add_argument("--machine", default="cube_2x4", help="a machine's name or file (default: %(default)s)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a key, as tilemesh run --set does: machine.pe.clock_ghz=2")
    parser.add_argument("--values", choices=("full", "none", "always"), default="full",
                        help="compute what kernels store: where somebody may see it, never, or in do_bench too (default: %(default)s)")
    parser.add_argument("--place", action="append", default=[], metavar="[NAME=]PLACE",
                        help='where tensors live: sharded, replicated, {"shard": 0}, {"owner": 0}; of the parameter NAME, or all')  # fmt: skip
    parser.add_argument("--dispatch", help='which PE runs which instance: round_robin (default), blocked, {"axis": 0}')
    parser.add_argument("--programs-per-pe", type=int, metavar="N", help="instances in flight on one PE (default: 1)")
    parser.add_argument("-q", "--quiet", action="store_true", help="no table")
    ours, theirs = (arguments[: arguments.index("--")], arguments[arguments.index("--") + 1 :]) if "--" in arguments else (arguments, [])
    options, rest = parser.parse_known_args(ours)
    return options, rest + theirs


def _json_or_word(text):
    return json.loads(text) if text.startswith(("{", "[")) else text


def _places(texts):
    places = {}
    for text in texts:
        name, equals, where = text.partition("=")
        if not equals or not name.isidentifier():
            return _json_or_word(text)
        places[name] = _json_or_word(where)
    return places or None


def prepare(script, arguments):
    """Makes our `triton` and some `torch` importable, sys.argv and sys.path what a script expects."""
    here = Path(__file__).resolve().parent / "scripts"
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    sys.path.insert(0, str(here / "triton_here"))
    from .scripts import torch_here

    torch_here.install(str(here / "torch_standin"))
    sys.path.append(str(here / "missing"))  # last: what is installed comes before it
    sys.argv = [script, *arguments]


def run(script):
    """Runs it as __main__; its exit status."""
    try:
        with open(script, "rb") as file:
            code = compile(file.read(), script, "exec")
    except (SyntaxError, ValueError) as error:
        print(f"tilemesh: error: {script}: {error}", file=sys.stderr)
        return 2
    module = types.ModuleType("__main__")
    module.__file__ = script
    module.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = module
    try:
        exec(code, module.__dict__)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BaseException as error:
        sys.stdout.flush()
        _print_traceback(error)
        return 1
    return 0


def _print_traceback(error):
    """As Python does, from the script on; what the command says needs no frames of ours."""
    told = traceback.TracebackException.from_exception(error)
    frames = list(told.stack)[1:]
    if isinstance(error, TilemeshError):
        here = os.path.dirname(os.path.abspath(__file__))
        frames = [frame for frame in frames if not frame.filename.startswith(here)]
    told.stack = traceback.StackSummary.from_list(frames)
    print("".join(told.format()), end="", file=sys.stderr)


def main(arguments):
    options, rest = parse(arguments)
    if not os.path.isfile(options.script):
        print(f"tilemesh: error: {options.script}: there is no such script", file=sys.stderr)
        return 2
    try:
        dispatch = _json_or_word(options.dispatch) if options.dispatch else None
        started = session.start(session.Session(options.machine, options.set, options.values, _places(options.place), dispatch, options.programs_per_pe))
    except (TilemeshError, ValueError) as error:
        print(str(error) if str(error).startswith("tilemesh") else f"tilemesh: error: {error}", file=sys.stderr)
        return 2
    prepare(options.script, rest)
    if options.values == "none":
        started.say_once("values none: kernels store nothing, what the script compares is what was there before")
    status = run(options.script)
    sys.stdout.flush()
    if not options.quiet:
        print("\n".join(started.table()), file=sys.stderr) if started.launches else None
    return status


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.exit(status)
