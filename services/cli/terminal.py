"""What the command says to a person: plain lines, with colour only where a terminal shows it."""

import time

import click


def say(text: str) -> None:
    """One line."""
    click.echo(text)


def heading(text: str) -> None:
    """A line that begins a part."""
    click.secho(text, bold=True)


def fail(text: str) -> None:
    """A sentence about what went wrong and what to do."""
    click.secho(f"chronova: {text}", fg="red", err=True)


class Steps:
    """Steps of something long, each with the time it took."""

    def __init__(self) -> None:
        self._since = time.perf_counter()

    def done(self, what: str) -> float:
        """Say that a step is done; returns its seconds."""
        seconds = time.perf_counter() - self._since
        say(f"  {seconds:6.2f} s  {what}")
        self._since = time.perf_counter()
        return seconds
