"""One HTML file that holds everything: text, tables, and pictures inside it."""

import base64
import tempfile
from html import escape
from pathlib import Path
from string import Template

from sklearn.utils import Bunch

from skjetsim.utils._atomic import replacing

PAGE = Template(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>$title</title>
<style>
body { font-family: sans-serif; max-width: 75em; margin: 2em auto; padding: 0 1em; color: #222 }
img { max-width: 100%; display: block; margin: 1em 0 }
table { border-collapse: collapse; margin: 1em 0 }
td, th { padding: .2em .8em; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left }
pre { background: #f4f4f4; padding: 1em; overflow-x: auto }
</style>
</head>
<body>
<h1>$title</h1>
$body
</body>
</html>
"""
)


class Findings(Bunch):
    """What a report found. Its repr has only names, since pictures are megabytes of bytes."""

    def __repr__(self):
        where = "" if self.get("path") is None else f", written to {self.path}"
        return f"Findings of {', '.join(key for key in self if key != 'path')}{where}"


def render(title, blocks):
    """HTML page of blocks.

    Parameters
    ----------
    title : str
    blocks : list of str
        HTML, as the other functions make it.

    Returns
    -------
    str
    """
    return PAGE.substitute(title=escape(title), body="\n".join(blocks))


def heading(text):
    """Title of a section."""
    return f"<h2>{escape(text)}</h2>"


def code(text):
    """Text as it is, in a typewriter font."""
    return f"<pre>{escape(text)}</pre>"


def bullets(lines):
    """List of texts."""
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def facts(values):
    """Table of a dict."""
    rows = "".join(
        f"<tr><td>{escape(str(name))}</td><td>{escape(str(value))}</td></tr>"
        for name, value in values.items()
    )
    return f"<table>{rows}</table>"


def table(frame):
    """Table of a DataFrame."""
    return frame.to_html(float_format="%.4f", na_rep="", border=0)  # escapes names itself


def pictures(files):
    """PNG files, each under its heading."""
    return "\n".join(
        f'{heading(name)}<img alt="{escape(name)}" '
        f'src="data:image/png;base64,{base64.b64encode(picture).decode()}">'
        for name, picture in files.items()
    )


def left_out(notes):
    """Blocks of the section of notes; none without notes."""
    return [heading("Left out"), bullets(notes)] if notes else []


def check_target(path):
    """Make the folder of a file, and raise if the file cannot be written.

    Reports call this before the work, which takes minutes.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"path={str(path)!r} is a folder: pass the name of an HTML file.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise type(error)(
            f"Nothing can be written to the folder {str(path.parent)!r} of path={str(path)!r}: "
            f"{error.strerror}. Choose another path."
        ) from error
    return path


def write(path, page):
    """Replace a file in one step, or leave it as it was if writing fails."""
    with replacing(path, "a report") as partial:
        Path(partial).write_text(page, encoding="utf-8")
