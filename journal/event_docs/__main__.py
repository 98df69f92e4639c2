"""`script/event-docs`: writes the documents, or checks them."""

import sys
from argparse import ArgumentParser
from pathlib import Path

from journal.event_docs.documents import COMMAND, out_of_date, refusals, write


def main() -> None:
    """Status 1, with a sentence for each thing that is not as it should be, when there is any."""
    parser = ArgumentParser(
        COMMAND,
        description="Generates docs/events/ from the registry of events: schemas, an AsyncAPI document, an index.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 when a document is out of date")
    parser.add_argument("--directory", type=Path, default=Path("docs/events"), help="default: %(default)s")
    arguments = parser.parse_args()
    problems = list(refusals(arguments.directory))
    if arguments.check:
        problems += [f"{name} is out of date: run {COMMAND}" for name in out_of_date(arguments.directory)]
    elif not problems:
        sys.stdout.writelines(f"wrote {name}\n" for name in write(arguments.directory))
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
