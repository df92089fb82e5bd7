"""Tables of captions as people make them: each is understood, or told; none is changed without a word."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from musicgen_app.errors import FileError
from ttm_trainer.data.caption_tables import Row, read_table
from ttm_trainer.data.captions.languages import language_of
from ttm_trainer.data.captions.text_files import Remark, decoded
from ttm_trainer.data.manifest import find

TWO = {"a.mp3": "slow piano, sad", "b.mp3": "fast techno"}
HEAD = "file_name,caption\n"
PLAIN = HEAD + 'a.mp3,"slow piano, sad"\nb.mp3,fast techno\n'
ACCENTS = {"a.mp3": "café jazz", "b.mp3": "Trommeln im März"}
ACCENT = HEAD + "a.mp3,café jazz\nb.mp3,Trommeln im März\n"
RUSSIAN = {"a.mp3": "медленное пианино и тихий голос", "b.mp3": "быстрое техно с барабанами"}
JAPANESE = {"a.mp3": "静かなピアノの曲", "b.mp3": "速いテクノとドラム"}


def table(captions: dict[str, str], encoding: str) -> bytes:
    return (HEAD + "".join(f"{path},{text}\n" for path, text in captions.items())).encode(encoding)


def rows(*captions: str) -> list[dict]:
    return [{"path": f"{name}.mp3", "caption": text} for name, text in zip("abcdef", captions, strict=False)]


LINES = "".join(json.dumps(row) + "\n" for row in rows(*TWO.values()))
TURNED = "it\u2019s caf\u00e9 jazz"
SEMICOLONS = b"file_name;caption\na.mp3;slow piano, sad\nb.mp3;fast techno\n"
INCHES = {"a.mp3": 'a 12" mix', "b.mp3": '7" single'}
# name -> (bytes, captions by file, words that are told); a name that begins with "_" is of a file kind of its own
TABLES: dict[str, tuple[bytes, dict[str, str], tuple[str, ...]]] = {
    "plain.csv": (PLAIN.encode(), TWO, ()),
    "bom.csv": (PLAIN.encode("utf-8-sig"), TWO, ()),
    "windows_lines.csv": (PLAIN.replace("\n", "\r\n").encode(), TWO, ()),
    "old_mac_lines.csv": (PLAIN.replace("\n", "\r").encode(), TWO, ()),
    "blank_lines.csv": (b"\n\n" + PLAIN.replace("\n", "\n\n").encode(), TWO, ()),
    "semicolons.csv": (SEMICOLONS, TWO, ()),
    "semicolons_bom.csv": (b"\xef\xbb\xbf" + SEMICOLONS, TWO, ()),
    "excel_sep.csv": (b"sep=;\nfile_name;caption\na.mp3;slow piano, sad\nb.mp3;fast techno\n", TWO, ()),
    "tabs.csv": (b"file_name\tcaption\na.mp3\tslow piano, sad\nb.mp3\tfast techno\n", TWO, ()),
    "commas.tsv": (PLAIN.encode(), TWO, ()),
    "bars.csv": (b"file|caption\na.mp3|slow piano, sad\nb.mp3|fast techno\n", TWO, ()),
    "capitals.csv": (PLAIN.replace("file_name,caption", "File Name , CAPTION").encode(), TWO, ()),
    "other_names.csv": (PLAIN.replace("file_name,caption", "ytid,description").encode(), TWO, ()),
    "many_columns.csv": (
        b"n,file_name,bpm,caption,x\n1,a.mp3,90,\"slow piano, sad\",\n2,b.mp3,140,fast techno,\n", TWO, ()),
    "columns_swapped.csv": (b'caption,path\n"slow piano, sad",a.mp3\nfast techno,b.mp3\n', TWO, ()),
    "unquoted.csv": (b"file_name,caption\na.mp3,slow piano, sad\nb.mp3,fast techno\n", TWO, ("line 2: 3 fields",)),
    "unquoted_in_the_middle.csv": (
        b"path,caption,licence\na.mp3,slow, piano, sad,CC0\nb.mp3,fast techno,CC0\n",
        {"b.mp3": "fast techno"}, ("line 2: 5 fields in 3 columns: it is left out",)),
    "no_head.csv": (b'a.mp3,"slow piano, sad"\nb.mp3,fast techno\n', TWO, ("no line of column names",)),
    "no_head_unquoted.csv": (b"a.mp3,slow piano, sad\nb.mp3,fast techno\n", TWO, ("no line of column names", "line 1")),
    "no_head_semicolons.csv": (b"a.mp3;slow piano, sad\nb.mp3;fast techno\n", TWO, ("no line of column names",)),
    "no_head_swapped.csv": (b'"slow piano, sad",a.mp3\nfast techno,b.mp3\n', TWO, ("column 2 is taken as the files",)),
    "unknown_path.csv": (b"sound,caption\na.mp3,\"slow piano, sad\"\nb.mp3,fast techno\n", TWO, ("'sound' is taken",)),
    "unknown_caption.csv": (PLAIN.replace("caption", "caption_en").encode(), TWO, ("'caption_en' is taken",)),
    "newline.csv": (b'path,caption\na.mp3,"slow\npiano, sad"\nb.mp3,fast techno\n', TWO, ()),
    "doubled_quotes.csv": (b'path,caption\na.mp3,"a ""slow"" one"\n', {"a.mp3": 'a "slow" one'}, ()),
    "inches.csv": (b'path,caption\na.mp3,a 12" mix\nb.mp3,7" single\n', INCHES, ()),
    "unclosed_last.csv": (
        b'path,caption\na.mp3,"slow piano, sad"\nb.mp3,"fast techno\n', TWO, ("line 3: a quote is not closed",)),
    "unclosed_first.csv": (
        b'path,caption\na.mp3,"slow piano, sad\nb.mp3,fast techno\nc.mp3,x\n', TWO | {"c.mp3": "x"},
        ("line 2: a quote is not closed",)),
    "unclosed_then_closed.csv": (
        b'path,caption\na.mp3,"slow piano, sad\nb.mp3,fast techno\nc.mp3,"x, y"\n', TWO | {"c.mp3": "x, y"},
        ("line 2: a quote is not closed",)),
    "unclosed_twice.csv": (
        b'path,caption\na.mp3,"slow piano, sad\nb.mp3,"fast techno\n', TWO, ("line 2: a quote", "line 3: a quote")),
    "swallows_a_row.csv": (
        b'path,caption\na.mp3,"slow piano, sad\nb.mp3,fast techno\nc.mp3,x"\n', TWO | {"c.mp3": 'x"'},
        ("line 2: a quote is not closed before the next row",)),
    "text_behind_quote.csv": (b'path,caption\na.mp3,"slow" piano\n', {"a.mp3": '"slow" piano'}, ("line 2: a quote",)),
    "long.csv": (b"path,caption\na.mp3," + b"x" * 200_000 + b"\n", {"a.mp3": "x" * 200_000}, ("200,000 characters",)),
    "latin_1.csv": (ACCENT.encode("latin-1"), ACCENTS, ("not UTF-8, read as Windows-1252, such as 'café jazz'",)),
    "cp1252.csv": (table({"a.mp3": TURNED}, "cp1252"), {"a.mp3": TURNED}, ("Windows",)),
    "mixed.csv": (
        (HEAD + "a.mp3,").encode() + "café jazz\n".encode("latin-1") + "b.mp3,Trommeln im März\n".encode(), ACCENTS,
        ("1 lines that are not UTF-8",)),
    "utf_16.csv": (ACCENT.encode("utf-16"), ACCENTS, ()),
    "utf_16_be.csv": (b"\xfe\xff" + ACCENT.encode("utf-16-be"), ACCENTS, ()),
    "utf_16_without_mark.csv": (ACCENT.encode("utf-16-le"), ACCENTS, ("without a byte order mark",)),
    "utf_16_be_without_mark.csv": (ACCENT.encode("utf-16-be"), ACCENTS, ("without a byte order mark",)),
    "utf_16_tabs.tsv": (PLAIN.replace('"slow piano, sad"', "slow piano; sad").replace(",", "\t").encode("utf-16"),
                        TWO | {"a.mp3": "slow piano; sad"}, ()),
    "utf_32.csv": (ACCENT.encode("utf-32"), ACCENTS, ()),
    "russian.csv": (table(RUSSIAN, "utf-8"), RUSSIAN, ()),
    "cp1251.csv": (table(RUSSIAN, "cp1251"), RUSSIAN, ("read as cp1251",)),
    "shift_jis.csv": (table(JAPANESE, "shift_jis"), JAPANESE, ("read as shift_jis",)),
    "mojibake.csv": (table({"a.mp3": "cafÃ© jazz"}, "utf-8"), {"a.mp3": "cafÃ© jazz"}, ("damaged by a wrong",)),
    "replaced.csv": (table({"a.mp3": "caf\ufffd jazz"}, "utf-8"), {"a.mp3": "caf\ufffd jazz"}, ("damaged",)),
    "nothing_said.csv": (
        b"path,caption\na.mp3,nan\nb.mp3,fast techno\nc.mp3,None\nd.mp3,N/A\ne.mp3,\nf.mp3,-\n",
        {"b.mp3": "fast techno"},
        ("'nan' is taken as none", "'None' is taken as none", "'N/A' is", "(e.mp3) has no caption", "'-' is taken")),
    "list.json": (json.dumps(rows(*TWO.values())).encode(), TWO, ()),
    "object.json": (json.dumps(TWO).encode(), TWO, ()),
    "twice.json": (b'{"a.mp3": "slow piano, sad", "b.mp3": "fast", "b.mp3": "fast techno"}',
                   {"a.mp3": "slow piano, sad", "b.mp3": "fast + fast techno"}, ()),
    "wrapped.json": (json.dumps({"version": 1, "data": rows(*TWO.values())}).encode(), TWO, ()),
    "by_column.json": (json.dumps({"path": list(TWO), "caption": list(TWO.values())}).encode(), TWO, ()),
    "pandas.json": (
        json.dumps({"path": dict(enumerate(TWO)), "caption": dict(enumerate(TWO.values()))}).encode(), TWO, ()),
    "one.json": (json.dumps(rows("slow")[0]).encode(), {"a.mp3": "slow"}, ()),
    "lines.json": (LINES.encode(), TWO, ()),
    "lines_utf_16.json": (LINES.encode("utf-16"), TWO, ()),
    "lines.jsonl": (LINES.encode(), TWO, ()),
    "lines.ndjson": (LINES.encode(), TWO, ()),
    "list.jsonl": (json.dumps(rows(*TWO.values())).encode(), TWO, ()),
    "commas.jsonl": (LINES.replace("}\n", "},\n").encode(), TWO, ("row 1 ends with a comma", "row 2 ends")),
    "broken_line.jsonl": (LINES.encode() + b'{"path": "c.mp3", "cap', TWO, ("row 3 is no JSON",)),
    "nan.json": (b'[{"path": "a.mp3", "caption": NaN}, {"path": "b.mp3", "caption": "fast techno"}]',
                 {"b.mp3": "fast techno"}, ("row 1 (a.mp3) has no caption",)),
    "half_a_character.json": (b'[{"path": "a.mp3", "caption": "\\ud83d"}, {"path": "b.mp3", "caption": "fast techno"}]',
                              {"b.mp3": "fast techno"}, ("half a character",)),
    "not_strings.json": (b'[{"path": "a.mp3", "caption": 5}, 7, null, {"path": "b.mp3", "caption": "fast techno"}]',
                         {"b.mp3": "fast techno"}, ("row 1 (a.mp3) has no caption", "row 2 is not", "row 3 is not")),
    "two_columns.csv": (b"path,caption,description\na.mp3,slow,a slow piece\n", {"a.mp3": "slow"}, ("not used",)),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_understood_or_told(tmp_path, name) -> None:
    data, captions, told = TABLES[name]
    (tmp_path / name).write_bytes(data)
    found, said = {}, []
    for row in read_table(tmp_path / name):
        if isinstance(row, Row):
            (texts,) = row.captions.values()
            found[row.path] = " + ".join(texts)
        else:
            said.append(row)
    assert found == captions
    for words in told:
        assert any(re.search(words.replace("(", r"\(").replace(")", r"\)"), one) for one in said), said
    assert bool(said) == bool(told), said
    assert all("\n" not in one for one in said)


def test_splits_in_a_table(tmp_path) -> None:
    names = ("train", "Validation", "TEST", "dev", "", "nan", "7")
    lines = [f"{n}.mp3,music,{name}" for n, name in enumerate(names)]
    (tmp_path / "t.csv").write_text("\n".join(["path,caption,split", *lines]))
    found = list(read_table(tmp_path / "t.csv"))
    assert [row.split for row in found if isinstance(row, Row)] == ["train", "val", "test", "val", "", "", ""]
    (doubt,) = [row for row in found if isinstance(row, Remark)]
    assert "line 8 (6.mp3): split '7' is neither" in doubt


def test_what_is_no_text_is_refused(tmp_path) -> None:
    for name, data in {
        "a.csv": bytes(range(256)),
        "b.json": b"\xff\xfe\x00",
        "c.csv": b"\x89PNG\r\n\x1a\n" * 9,
    }.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(FileError, match=f"{name} .*(is no text|cannot be read)"):
            list(read_table(tmp_path / name))
    with pytest.raises(FileError, match="is no table"):
        list(read_table(tmp_path / "a.xlsx"))


def test_every_other_byte_is_kept_whatever_is_cut() -> None:
    """No text is lost or replaced without a word: what is certain comes back as it was."""
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        for text in ("plain", "naïve café", "静かな", "emoji \U0001f3b5 x", ""):
            assert decoded(text.encode(encoding)) == (text, "")


BESIDE = {
    "a.txt": "slow piano", "b.TXT": "slow piano", "c.caption.txt": "slow piano", "d_prompt.txt": "slow piano",
    "e.mp3.txt": "slow piano", "f.json": '{"caption": "slow piano", "bpm": 90}', "g.caption": "slow piano",
    "h.json": '{"description": "slow piano", "title": "x"}', "i.mp3.json": '{"prompt": "slow piano"}',
    "J.txt": "slow piano", "k_caption.txt": "slow piano",
}  # fmt: skip


def sounds(root: Path, *names: str) -> None:
    for name in names:
        (root / name).write_bytes(b"sound")


def test_files_beside_a_song(tmp_path) -> None:
    for name, text in BESIDE.items():
        sounds(tmp_path, f"{name[0].lower()}.mp3")
        (tmp_path / name).write_text(text)
    tracks, findings = find([tmp_path])
    assert {track.id: track.captions for track in tracks} == {name: {"text": ["slow piano"]} for name in "abcdefghijk"}
    assert (findings.bad, findings.doubts) == ([], [])


def test_a_song_with_several_files_and_doubts(tmp_path) -> None:
    sounds(tmp_path, "a.mp3", "b.mp3", "c.mp3", "d.mp3", "e.mp3")
    (tmp_path / "a.txt").write_bytes("café\n\njazz".encode("latin-1"))
    (tmp_path / "a.json").write_text('{"caption": "more of it", "license": "CC0-1.0", "split": "test"}')
    (tmp_path / "b.txt").write_text(" \n")
    (tmp_path / "c.json").write_text("{broken")
    (tmp_path / "d.txt").write_text("None")
    (tmp_path / "e.json").write_text('{"title": "x"}')
    tracks, findings = find([tmp_path])
    (track,) = tracks
    assert track.captions == {"text": ["café", "jazz", "more of it"]}
    assert (track.licence, track.split) == ("CC0-1.0", "test")
    assert [row["reason"] for row in findings.doubts] == ["not UTF-8, read as Windows-1252, such as 'café'"]
    why = {row["id"]: row["reason"] for row in findings.bad}
    assert why["b"] == "no caption for it: b.txt is empty" and "c.json is no JSON" in why["c"]
    assert "'None' is taken as none" in why["d"] and "has no caption (columns: title, path)" in why["e"]


def test_nothing_found_says_what_was_looked_at_and_why(tmp_path) -> None:
    with pytest.raises(FileError, match=r"no sound files in .*looked for \.mp3"):
        find([tmp_path])
    sounds(tmp_path, "a.mp3", "b.mp3")
    with pytest.raises(FileError, match="2 sound files without a caption: there is no text file beside any"):
        find([tmp_path])
    (tmp_path / "tags.tsv").write_text("TRACK_ID\tPATH\tTAGS\ntrack_1\ta.mp3\tgenre---rock\tmood---sad\n")
    (tmp_path / "words.json").write_text('[{"path": "a.mp3", "words": "slow"}]')
    with pytest.raises(FileError) as error:
        find([tmp_path])
    said = str(error.value)
    assert "tags.tsv has no rows" in said and "has no caption (columns: track_id, path, tags" in said
    assert "words.json has no rows" in said and "(columns: path, words)" in said and "\n" not in said
    tracks, findings = find([tmp_path], empty=True)
    assert tracks == [] and len(findings.bad) == 4


def test_rows_find_their_files_whatever_the_case(tmp_path) -> None:
    sounds(tmp_path, "SONG.MP3", "Other.mp3", "other.WAV")
    (tmp_path / "t.csv").write_text("path,caption\nsong.mp3,one\nOther.mp3,two\n")
    tracks, _ = find([tmp_path])
    assert {track.path: track.captions for track in tracks} == {"SONG.MP3": {"t": ["one"]}, "Other.mp3": {"t": ["two"]}}


@pytest.mark.parametrize(
    ("text", "language"),
    [("A slow piano with soft drums", "en"), ("Ein langsames Klavier und eine Gitarre", "de"), ("静かなピアノ", "ja"),
     ("安静的钢琴曲", "zh"), ("медленное пианино", "ru"), ("조용한 피아노", "ko"),
     ("une guitare lente avec la batterie", "fr"),
     ("techno", ""), ("", "")],
)  # fmt: skip
def test_languages(text, language) -> None:
    assert language_of(text) == language
