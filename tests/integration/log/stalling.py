"""The `chronova` command, except that it stops once it has reported that so much of something is done.

`python -m tests.integration.log.stalling WHAT DONE ARGUMENT …`: a test kills it there, or lets it go on by closing its input.
"""

import sys
from functools import partial, partialmethod

from journal.export import writer
from journal.pipeline import Pipeline
from services.cli.log.progress import Progress
from services.cli.main import main

stalled: list[int] = []


def stall(progress: Progress, what: str, until: int, done: int) -> None:
    if progress._what == what and done >= until and not stalled:
        stalled.append(done)
        sys.stdout.write(f"stalled at {done}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    _, what, until, *arguments = sys.argv
    Progress.at = partialmethod(stall, what, int(until))  # type: ignore[assignment]
    writer.ExportWriter.__init__.__kwdefaults__["full"] = 20_000  # several frames of a short log
    Pipeline.open = partial(Pipeline.open, at_once=100)  # type: ignore[method-assign]  # so that it stops in the middle of them
    main(arguments)
