"""Draw a figure into files: PNG, PDF, and its caption as Markdown for the gallery."""

import json
import logging
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

from paper_figs import _results
from paper_figs._registry import FigureModule

# It warns of the dates inside of font files when it makes a subset for a PDF.
logging.getLogger("fontTools").setLevel(logging.ERROR)

STYLE = Path(__file__).parent / "style.mplstyle"


def render(figure: FigureModule, place: _results.Place, folder: Path) -> list[Path]:
    """Draw one figure from the results at `place` and return the files."""
    results = [_results.find(need, place) for need in figure.needs]
    frames = [_results.frame(result) for result in results]
    caption = _results.fill_caption(figure.caption, frames)
    origins = [_results.origin(result) for result in results]
    source = json.dumps(origins)
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / figure.name
    with mpl.rc_context(fname=STYLE):
        drawn = figure.draw(*frames)
        drawn.savefig(
            stem.with_suffix(".png"),
            metadata={"Title": figure.name, "Description": caption, "Source": source},
        )
        drawn.savefig(
            stem.with_suffix(".pdf"),
            metadata={"Title": figure.name, "Subject": caption, "Keywords": source},
        )
        plt.close(drawn)
    stem.with_suffix(".md").write_text(gallery_page(figure.name, caption, origins))
    return [stem.with_suffix(suffix) for suffix in (".png", ".pdf", ".md")]


def gallery_page(name: str, caption: str, origins: list[dict]) -> str:
    """Return the figure with its caption and origin as Markdown."""
    made = "; ".join(
        f"`python -m experiments {origin['experiment']} {origin['preset']}`, "
        f"seed {origin['config']['seed']}, {_commit(origin)}, {origin['utc'][:10]}"
        + ("" if origin["complete"] else ", unfinished")
        for origin in origins
    )
    return f"![{name}]({name}.png)\n\n{caption}\n\nMade by {made}.\n"


def _commit(origin: dict) -> str:
    """Return the commit in a few characters."""
    if origin["git"] is None:
        return "no git checkout"
    return f"commit {origin['git']['commit'][:10]}" + (" + changes" * origin["git"]["dirty"])
