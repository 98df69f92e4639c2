"""What the commands have in common: where a region lies, and how errors are told."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from journal.errors import JournalError
from services.cli.processes import StartFailed
from services.cli.region import RegionError, default_data
from services.cli.terminal import fail

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=default_data,
    show_default="$XDG_DATA_HOME/chronova",
    help="The region's directory.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="As JSON.")


def told(command: Callable[[], int]) -> int:
    """Run a command; errors that a person can act on become one sentence and exit code 1."""
    try:
        return command()
    except (RegionError, JournalError, StartFailed) as error:
        fail(str(error))
    except BaseExceptionGroup as errors:
        logging.getLogger(__name__).exception("the service ends")
        fail("; ".join(str(error) for error in errors.exceptions))
    except BrokenPipeError:
        # Whoever read the output has had enough. The interpreter must not find that out again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        fail(f"{error.strerror}: {error.filename}")
    return 1
