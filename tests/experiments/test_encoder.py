"""Sentences and encoders by name: never the same sentences to calibrate and to judge."""

import numpy as np
import pytest

from experiments import _encoder
from experiments._contract import UsageError
from experiments._data import UnreachableError
from experiments._encoder import agreement, calibration_windows, evaluation_sentences, texts


@pytest.fixture
def news(tmp_path, monkeypatch):
    """Four articles in the place of the real ones; a sentence is in two halves."""
    said = "It was said more than once, he said."
    path = tmp_path / "news.txt"
    path.write_text(
        f'"It rained on and on." {said} The U.N. went on with its work at 11.30 today.\n'
        f"So it is.  A second article has this one! {said}\n"
        f"{said} Is a third one of another sort? No.\n"
        "A fourth one speaks of something else again.\n"
    )
    monkeypatch.setattr(_encoder, "fetch", lambda file: path)
    texts.cache_clear()
    yield
    texts.cache_clear()


@pytest.mark.usefixtures("news")
def test_sentences_of_two_halves():
    assert texts("evaluation") == (
        '"It rained on and on."',
        "It was said more than once, he said.",
        "The U.N. went on with its work at 11.30 today.",
        "A second article has this one!",
    )
    assert texts("calibration") == (
        "Is a third one of another sort?",
        "A fourth one speaks of something else again.",
    )


def test_the_tiny_encoder_has_its_own_sentences():
    model = _encoder.load_encoder_model("tiny")
    sentences = evaluation_sentences("tiny", 5, 12)
    assert sentences.tokens.shape == sentences.mask.shape == (5, 12)
    assert int(sentences.tokens.max()) < model.config.vocabulary
    assert (sentences.mask.sum(axis=1) >= 3).all()
    assert not np.array_equal(calibration_windows("tiny", 5, 12), sentences.tokens)
    with pytest.raises(UsageError, match="must be 'minilm' or 'tiny', but is 'huge'"):
        _encoder.load_encoder_model("huge")


def test_agreement():
    """Unit vectors in the plane; the similarities of pairs rank 3, 1, 2 and then 2, 1, 3."""

    def at(*degrees):
        return np.stack([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))], axis=1)

    found = agreement(2 * at(0, 30, 40), at(0, 10, 40))
    np.testing.assert_allclose(found["cosines"], [1, np.cos(np.deg2rad(20)), 1])
    assert found["rank_correlation"] == pytest.approx(0.5)


@pytest.mark.network
def test_real_sentences():
    try:
        evaluation = evaluation_sentences("minilm", 100, 48)
        calibration = calibration_windows("minilm", 64, 32)
    except UnreachableError as error:
        pytest.skip(str(error))
    assert not set(texts("evaluation")) & set(texts("calibration"))
    assert min(len(texts("evaluation")), len(texts("calibration"))) > 1000
    rows = np.asarray(evaluation.tokens)
    assert len(np.unique(rows, axis=0)) == 100
    starts = {tuple(row[:31]) for row in rows}
    assert not starts & {tuple(row[:31]) for row in np.asarray(calibration)}
    assert (calibration != 0).all()
    with pytest.raises(UsageError, match="are asked for"):
        evaluation_sentences("minilm", 10_000, 48)
