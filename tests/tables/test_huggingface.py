import numpy as np
import pytest

from mien.errors import InputError
from mien.labels import FERPLUS_8
from mien.tables.huggingface import from_hf, to_hf


def test_lists_are_sorted_and_hold_label_and_score(make_table) -> None:
    table = make_table((1, 0, 2))
    found = to_hf(table)
    assert [len(entries) for entries in found] == [8, 0, 8, 8]
    for entries in found:
        scores = [e["score"] for e in entries]
        assert scores == sorted(scores, reverse=True)
        assert all(list(e) == ["label", "score"] for e in entries)
    assert {e["label"] for e in found[0]} == set(FERPLUS_8)


def test_what_the_lists_carry_comes_back(make_table) -> None:
    table = make_table((1, 0, 2))
    back = from_hf(to_hf(table), source="film.mp4")
    assert back["expression"].tolist() == table["expression"].tolist()
    assert back["status"].tolist() == table["status"].tolist()
    for name in FERPLUS_8:
        np.testing.assert_allclose(back[f"expression_{name}"], table[f"expression_{name}"], atol=6e-5)


def test_names_of_other_models_are_understood_and_unknown_ones_refused() -> None:
    table = from_hf([[{"label": "Sad", "score": 0.7}, {"label": "fearful", "score": 0.3}]])
    assert table["expression"].tolist() == ["sadness"]
    assert table["expression_fear"][0] == np.float32(0.3)
    assert np.isnan(table["expression_anger"][0])
    with pytest.raises(InputError, match="unknown expression 'LABEL_0'"):
        from_hf([[{"label": "LABEL_0", "score": 1.0}]])
