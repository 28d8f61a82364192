"""Progress of a report on standard error, section by section."""

import sys
import time
from contextlib import contextmanager


class Progress:
    """Bar over the sections of a report, and a line with the time of each.

    Parameters
    ----------
    title : str
    n_sections : int
    verbose : int or bool
        Nothing is shown if it is 0.
    """

    def __init__(self, title, n_sections, verbose):
        self.title = title
        self.bar = None
        if verbose:
            from tqdm.auto import tqdm

            layout = "{desc}: {bar:20} {n_fmt} of {total_fmt} sections, {elapsed}{postfix}"
            self.bar = tqdm(total=n_sections, desc=title, leave=False, bar_format=layout)

    @contextmanager
    def section(self, name):
        """Show the section while it runs, and its time afterwards."""
        if self.bar is None:
            yield
            return
        self.bar.set_postfix_str(name)
        start = time.perf_counter()
        yield
        self.bar.write(f"{self.title}: {name}, {time.perf_counter() - start:.1f} s", sys.stderr)
        self.bar.update()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.bar is not None:
            self.bar.close()
