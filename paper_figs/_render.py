"""Draw a figure into files: PNG, PDF, and its caption as Markdown for the gallery."""

import json
import logging
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

from experiments._provenance import name_states
from experiments._store import Results
from paper_figs import _files, _results
from paper_figs._registry import FigureModule

# It warns of the dates inside of font files when it makes a subset for a PDF.
logging.getLogger("fontTools").setLevel(logging.ERROR)

STYLE = Path(__file__).parent / "style.mplstyle"


def render(figure: FigureModule, place: _results.Place, folder: Path) -> list[Path]:
    """Draw one figure from the results at `place` and return the files."""
    results = [_results.find(need, place) for need in figure.needs]
    frames = [_results.frame(result) for result in results]
    caption = _results.fill_caption(figure.caption, frames)
    source = json.dumps([_results.origin(result) for result in results])
    with _files.together(folder) as (draft, files), mpl.rc_context(fname=STYLE):
        stem = draft / figure.name
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
        page = gallery_page(figure.name, caption, results)
        stem.with_suffix(".md").write_text(page)
    return files


def gallery_page(name: str, caption: str, results: list[Results]) -> str:
    """Return the figure with its caption and origin as Markdown."""
    made = "; ".join(
        f"`python -m experiments {run['experiment']} {run['preset']}`, "
        f"seed {run['config']['seed']}, {name_states(result.runs)}, {run['utc'][:10]}"
        + ("" if result.complete else ", unfinished")
        for result in results
        for run in result.runs[-1:]
    )
    return f"![{name}]({name}.png)\n\n{caption}\n\nMade by {made}.\n"
