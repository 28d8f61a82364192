"""How to install the packages of an extra, such as those for plots."""

import re
from importlib.metadata import PackageNotFoundError, requires


def install_command(extra):
    """Return the pip command that installs the packages of an extra.

    It names these packages and not `skjetsim` itself, so that it works from any folder, and for a
    clone as well as for an installed package.

    Parameters
    ----------
    extra : str
        Such as "plot".

    Returns
    -------
    str
    """
    try:
        wanted = requires("skjetsim") or []
    except PackageNotFoundError:  # the folder of the clone is on the path, but not installed
        wanted = []
    ends = re.compile(rf";\s*extra\s*==\s*['\"]{extra}['\"]\s*$")
    packages = [f'"{ends.sub("", one).strip()}"' for one in wanted if ends.search(one)]
    if not packages:
        return f'pip install ".[{extra}]" in the folder of the clone'
    return f"pip install {' '.join(packages)}"
