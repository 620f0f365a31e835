"""The command line: `treadle COMMAND ...`.

Exit status 0: done. 1: done, and the answer is no (a replay that differs, a demo that failed). 2: the request
cannot be carried out, and one line on standard error says why and what to do. A command's code is imported
when it is called, so that `--help` is quick."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from controller.model.errors import OperatorError, TreadleError
from treadle.parser import build

_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and give its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        parser = build(arguments)
        args = parser.parse_args(arguments)
        if "code" not in args:
            parser.error("the command is not complete")
        status = _call(args.code, args)
        sys.stdout.flush()
        return status
    except OperatorError as error:
        print(f"treadle: {error}", file=sys.stderr)
        return 2
    except TreadleError as error:
        print(f"treadle: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return 0


def _call(code: object, args: object) -> int:
    """Call `module:function` (a text), or a function, with the parsed arguments."""
    if isinstance(code, str):
        module, _, name = code.partition(":")
        code = getattr(importlib.import_module(module), name)
    assert callable(code)
    status = code(args)
    return 0 if status is None else int(status)


def _silence_stdout() -> None:
    """Whoever read our output has had enough; what is still buffered must not raise again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
