"""Faces and frames with every field filled, for the tests of the tables."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mien.labels import ARKIT_52, FERPLUS_8, UNITS
from mien.tables import Table
from mien.types import Faces, Frame, Scores

MakeFaces = Callable[..., Faces]


@pytest.fixture
def make_faces() -> MakeFaces:
    """A function that makes n faces; the same seed makes the same faces."""

    def make(count: int = 1, seed: int = 0, mesh: bool = False, embedding: int = 0) -> Faces:
        rng = np.random.default_rng(seed)
        scores = rng.random((count, len(FERPLUS_8)))
        return Faces(
            boxes=rng.random((count, 4)) * 1000,
            confidence=rng.random(count),
            landmarks=rng.random((count, 5, 2)) * 1000,
            mesh=rng.random((count, 478, 3)) * 1000 if mesh else None,
            presence=rng.random(count),
            pose=rng.normal(size=(count, 3)) * 0.4,
            gaze=rng.normal(size=(count, 2)) * 0.4,
            expression=Scores(scores / scores.sum(axis=1, keepdims=True), FERPLUS_8),
            units=Scores(rng.random((count, len(UNITS))), UNITS),
            intensity=rng.random((count, len(UNITS))) * 5,
            blendshapes=Scores(rng.random((count, len(ARKIT_52))), ARKIT_52),
            affect=rng.random((count, 2)) * 2 - 1,
            embedding=rng.normal(size=(count, embedding)) if embedding else None,
            track=np.arange(count) + 4,
            quality=rng.random(count),
            status=np.array(["ok"] * count, "U16"),
        )

    return make


@pytest.fixture
def make_table(make_faces: MakeFaces) -> Callable[..., Table]:
    """A function that makes a table of frames with so many faces each."""

    def make(counts: tuple[int, ...] = (1, 2, 0, 1), mesh: bool = False, embedding: int = 0) -> Table:
        frames = [
            Frame(None, i / 25, i, make_faces(n, i, mesh, embedding) if n else Faces.none(), "film.mp4")
            for i, n in enumerate(counts)
        ]
        return Table.from_frames(frames, mesh=mesh, embedding=embedding, settings={"smoothing": 0.3})

    return make


@pytest.fixture
def assert_close() -> Callable[..., None]:
    """Asserts that two tables are the same to the digits that their text files hold, NaN and text included."""

    def check(got: Table, wanted: Table, exact: bool = False) -> None:
        assert got.columns == wanted.columns
        assert len(got) == len(wanted)
        for column in wanted.schema:
            ours, theirs = wanted[column.name], got[column.name]
            assert theirs.dtype == ours.dtype, column.name
            if column.type != "float" or exact:
                np.testing.assert_array_equal(theirs, ours, column.name)
            else:
                digits = 12 if column.decimals is None else column.decimals
                np.testing.assert_allclose(theirs, ours, rtol=3e-7, atol=0.5001 * 10.0**-digits, err_msg=column.name)

    return check
