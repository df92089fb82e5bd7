from __future__ import annotations

import csv
import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

from musicgen_app.errors import FileError
from ttm_trainer.data.caption_tables import Row, licence_name, read_licences, read_table
from ttm_trainer.data.manifest import scan, summary
from ttm_trainer.data.track import Track, load_tracks, part_count, part_tracks
from ttm_trainer.runtime.stage_runner import run_stage


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"sound")


def write_json(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def reasons(bad: list[dict]) -> str:
    assert all(set(row) >= {"id", "path", "reason"} for row in bad)
    return "\n".join(f"{row['path']}: {row['reason']}" for row in bad)


def by_id(tracks: list[Track]) -> dict[str, Track]:
    assert len({track.id for track in tracks}) == len(tracks)
    return {track.id: track for track in tracks}


@pytest.fixture
def jamendo(tmp_path) -> Path:
    """The challenge's layout: a stem, a track without one, a vocal stem alone, a small file of MTG-Jamendo."""
    root = tmp_path / "jamendo"
    touch(root / "00/1085700.mp3", root / "00/1085700_instrumental.mp3", root / "00/1085700_vocals.mp3")
    touch(root / "14/214.mp3", root / "99/99_vocals.mp3", root / "21/21.low.mp3", root / "07/7.mp3")
    qwen = [
        {"path": "00/1085700.mp3", "caption": "slow  piano\n"},
        {"path": "14/214.mp3", "caption": "techno"},
        {"path": "21/21.mp3", "caption": "a waltz"},
        {"path": "55/55.mp3", "caption": "of a file that is not here"},
        {"path": "56/56.mp3", "caption": "of another"},
        {"path": "../../etc/214.mp3", "caption": "leads outside"},
        {"path": "14/214.mp3"},
        "not an object",
    ]
    write_json(root / "captions/jamendo_qwen.json", qwen)
    write_json(root / "captions/flamingo.json", {"1085700": "A ballad.", "00000214": ["Fast.", "Fast."], "21": ""})
    return root


def test_the_challenge_layout(jamendo) -> None:
    tracks, bad = scan([jamendo], val=0.0)
    found = by_id(tracks)
    assert list(found) == ["1085700", "214", "21"]  # in the order of their paths
    piano = found["1085700"]
    assert piano.path == "00/1085700_instrumental.mp3" and piano.file == jamendo / piano.path
    assert piano.captions == {"flamingo": ["A ballad."], "qwen": ["slow piano"]}
    assert piano.facts == {"stem": "instrumental"} and piano.set == "jamendo" and piano.split == "train"
    assert found["214"].captions == {"flamingo": ["Fast."], "qwen": ["techno"]}
    assert found["214"].facts == {"stem": "original"}
    assert found["21"].path == "21/21.low.mp3" and found["21"].captions == {"qwen": ["a waltz"]}
    text = reasons(bad)
    assert "99_vocals.mp3: only a vocal stem" in text
    assert "07/7.mp3: no caption for it" in text
    assert "2 captions without a sound file, such as that of 55/55.mp3" in text
    assert "'../../etc/214.mp3': it leads outside of the folder" in text
    assert "row 7 (14/214.mp3) has no caption" in text and "row 8 is not an object" in text
    counts = summary(tracks, bad)
    assert counts["stems"] == {"instrumental": 1, "original": 2}
    assert counts["captions_without_sound"] == 2 and counts["without_caption"] == 1
    assert counts["styles"] == {"flamingo": 2, "qwen": 3} and counts["licences"] == {"unknown": 3}


def test_named_tables_hold_for_all_folders(jamendo, tmp_path) -> None:
    more = tmp_path / "more"
    touch(more / "12.wav")
    table = write_json(tmp_path / "x.json", [{"path": "12", "caption": "drums"}, {"id": 214, "text": "bass"}])
    found = by_id(scan([jamendo, more], {"rewritten": table})[0])
    assert found["12"].captions == {"rewritten": ["drums"]} and found["12"].set == "more"
    assert found["214"].captions["rewritten"] == ["bass"]
    with pytest.raises(FileError, match=r"missing\.json"):
        scan([jamendo], {"a": tmp_path / "missing.json"})
    with pytest.raises(FileError, match="no rows with a path and a caption"):
        scan([jamendo], {"a": write_json(tmp_path / "y.json", {"version": 1})})


def test_stems_that_were_separated_are_preferred(jamendo, tmp_path) -> None:
    stems = tmp_path / "prepared" / "separated"
    touch(stems / "jamendo/14/214_instrumental.mp3")
    found = by_id(scan([jamendo], stems=stems)[0])
    assert found["214"].file == stems / "jamendo/14/214_instrumental.mp3"
    assert found["214"].facts == {"stem": "instrumental"}
    assert found["1085700"].file == jamendo / "00/1085700_instrumental.mp3"


def test_a_table_of_licences_needs_no_captions(jamendo) -> None:
    (jamendo / "licences.csv").write_text("id,licence,source\n214,CC-BY-3.0,a maker\n7,CC0-1.0,\n999,CC0-1.0,nobody\n")
    tracks, bad = scan([jamendo])
    track = by_id(tracks)["214"]
    assert (track.licence, track.source) == ("CC-BY-3.0", "a maker") and track.captions["qwen"] == ["techno"]
    assert "licences.csv" not in reasons(bad)  # a licence for a file that is not here is no loss


def test_licences_of_mtg_jamendo(jamendo) -> None:
    (jamendo / "audio_licenses.txt").write_text(
        "14/214.mp3\nIntro by David from Jamendo: http://www.jamendo.com/track/214\n"
        "Available under a Creative Commons Attribution-NonCommercial license:"
        " http://creativecommons.org/licenses/by-nc/3.0/\n--\n"
        "88/88.mp3\nOther by Nobody from Jamendo: http://x\nAvailable under a license: http://y/z\n\n"
    )
    track = by_id(scan([jamendo])[0])["214"]
    assert track.licence == "CC-BY-NC-3.0"
    assert track.source == "Intro by David from Jamendo: http://www.jamendo.com/track/214"
    assert [row[:2] for row in read_licences(jamendo / "audio_licenses.txt")][1] == ("88/88.mp3", "http://y/z")
    assert licence_name("https://creativecommons.org/licenses/by-sa/2.5/") == "CC-BY-SA-2.5"


def test_a_folder_with_text_files(tmp_path) -> None:
    root = tmp_path / "mine"
    touch(root / "a.WAV", root / "deep/er/b.flac", root / "lonely.ogg", root / ".hidden.mp3", root / ".git/c.mp3")
    (root / "a.txt").write_text("\ufeffA calm\npiano.\n\n\nSecond caption.\n", encoding="utf-8")
    (root / "deep/er/b.txt").write_bytes("Trommeln im März".encode("latin-1"))
    tracks, bad = scan([root])
    found = by_id(tracks)
    assert found["a"].captions == {"text": ["A calm piano.", "Second caption."]}
    assert found["deep/er/b"].captions["text"][0].startswith("Trommeln im M")
    assert reasons(bad) == f"{root}/lonely.ogg: no caption for it"


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".json"])
def test_tables_of_every_kind(tmp_path, suffix: str) -> None:
    root = tmp_path / "mine"
    touch(root / "sounds/one.mp3", root / "two.wav", root / "so so, three.wav")
    rows = [
        {"file_name": "sounds/one.mp3", "text": "first,\nwith a line", "licence": "CC0-1.0"},
        {"file_name": "two", "text": 'said "two"', "licence": ""},
        {"file_name": str(root / "so so, three.wav"), "text": "third", "licence": ""},
        {"file_name": "/etc/two.wav", "text": "outside", "licence": ""},
        {"file_name": "C:\\music\\two.wav", "text": "outside", "licence": ""},
    ]
    path = root / f"metadata{suffix}"
    if suffix in (".csv", ".tsv"):
        with open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter="," if suffix == ".csv" else "\t")
            writer.writeheader()
            writer.writerows(rows)
    else:
        lines = [json.dumps(row) for row in rows]
        path.write_text(f"[{','.join(lines)}]" if suffix == ".json" else "\n".join([*lines, "{broken", ""]))
    tracks, bad = scan([root])
    found = by_id(tracks)
    assert found["sounds/one"].captions == {"metadata": ["first, with a line"]}
    assert found["sounds/one"].licence == "CC0-1.0" and found["two"].licence == "unknown"
    assert found["two"].captions == {"metadata": ['said "two"']}
    assert found["so so, three"].captions == {"metadata": ["third"]}
    assert reasons(bad).count("leads outside") == 2
    assert ("is no JSON" in reasons(bad)) == (suffix == ".jsonl")


def test_rows_with_styles_of_their_own(tmp_path) -> None:
    path = write_json(
        tmp_path / "captions.json",
        [
            {"path": "a.mp3", "captions": {"short": "piano", "long": ["A piano.", "A grand piano."], "none": []}},
            {"path": "b.mp3", "caption": "drums", "style": "tags"},
            {"path": True, "caption": "x"},
            {"caption": "x"},
        ],
    )
    rows = list(read_table(path))
    assert rows[0] == Row("a.mp3", {"short": ["piano"], "long": ["A piano.", "A grand piano."]})
    assert rows[1] == Row("b.mp3", {"tags": ["drums"]})
    assert "row 3 names no file" in rows[2] and "row 4 names no file" in rows[3]


def test_other_files_in_a_folder_are_no_tables(tmp_path) -> None:
    root = tmp_path / "mine"
    touch(root / "a.mp3")
    (root / "a.txt").write_text("piano")
    write_json(root / "package.json", {"name": "x", "version": 1})
    (root / "broken.json").write_text("{")
    (root / "numbers.csv").write_text("1,2\n3,4\n")
    (root / "binary.csv").write_bytes(bytes(range(256)))
    tracks, bad = scan([root])
    assert [track.id for track in tracks] == ["a"]
    assert {Path(row["path"]).name for row in bad} == {"package.json", "broken.json", "numbers.csv", "binary.csv"}


def test_accents_and_links(tmp_path) -> None:
    root, elsewhere = tmp_path / "mine", tmp_path / "elsewhere"
    touch(elsewhere / "linked.mp3", root / "e\u0301tude.mp3")
    (root / "more").symlink_to(elsewhere, target_is_directory=True)
    (elsewhere / "back").symlink_to(root, target_is_directory=True)
    table = write_json(tmp_path / "t.json", {"\u00e9tude.mp3": "piano", "more/linked.mp3": "drums"})
    tracks, bad = scan([root], {"text": table})
    assert sorted(track.path for track in tracks) == ["e\u0301tude.mp3", "more/linked.mp3"]
    assert bad == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_closed_folder_is_reported(tmp_path) -> None:
    touch(tmp_path / "mine/a.mp3", tmp_path / "mine/closed/b.mp3")
    (tmp_path / "mine/a.txt").write_text("piano")
    (tmp_path / "mine/closed").chmod(0)
    try:
        assert "cannot be read" in reasons(scan([tmp_path / "mine"])[1])
    finally:
        (tmp_path / "mine/closed").chmod(0o700)


def test_the_prepared_folder_is_not_looked_into(tmp_path) -> None:
    touch(tmp_path / "a.mp3", tmp_path / "prepared/separated/x/a_instrumental.mp3")
    (tmp_path / "a.txt").write_text("piano")
    tracks, bad = scan([tmp_path], skip=tmp_path / "prepared")
    assert [track.path for track in tracks] == ["a.mp3"] and bad == []


def test_files_of_one_name(tmp_path) -> None:
    touch(tmp_path / "a.mp3", tmp_path / "a.wav", tmp_path / "x/b.mp3", tmp_path / "y/b.mp3")
    for name in ("a", "x/b", "y/b"):
        (tmp_path / f"{name}.txt").write_text(name)
    table = write_json(tmp_path / "t.json", {"b.mp3": "which b?", "x/b.mp3": "this one"})
    tracks, bad = scan([tmp_path], {"more": table})
    found = by_id(tracks)
    assert found["x/b"].captions["more"] == ["this one"] and "more" not in found["y/b"].captions
    assert "a.wav: the same name as a.mp3" in reasons(bad)
    assert "1 captions without a sound file, such as that of b.mp3" in reasons(bad)


def clip(number: int, **changes) -> dict:
    row = {
        "id": f"s1-{number}", "path": f"audio/{number // 3}.flac", "start": number % 3 * 10.0, "seconds": 10.0,
        "split": "val" if number // 3 == 1 else "train", "set": "composed", "genre": "house",
        "captions": {"short": ["house"], "long": []}, "facts": {"bpm": 120}, "licence": "CC0-1.0", "source": "composer",
    }  # fmt: skip
    return {**row, **changes}


def test_our_own_dataset_folders(tmp_path) -> None:
    root = tmp_path / "corpus"
    touch(root / "audio/0.flac", root / "audio/1.flac")
    write_json(root / "meta.json", {"schema": 1})
    rows = [clip(n) for n in range(7)]
    rows += [clip(7, path="../secret.flac"), clip(8, path="/etc/x.flac"), clip(9, start=-1), clip(10, seconds=1e999)]
    rows += [clip(11, split="dev"), {"id": "x"}, 7, clip(3, id="bare", captions={})]
    (root / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n{\n")
    rewritten = write_json(root / "captions/rewritten.json", [{"id": "s1-4", "caption": "A house tune."}])
    tracks, bad = scan([root], val=0.5)
    found = by_id(tracks)
    assert list(found) == [f"s1-{n}" for n in range(6)]
    assert [track.split for track in tracks] == ["train"] * 3 + ["val"] * 3  # its own splits
    track = found["s1-4"]
    assert (track.start, track.seconds, track.set, track.licence) == (10.0, 10.0, "composed", "CC0-1.0")
    assert track.captions == {"short": ["house"], "long": [], "rewritten": ["A house tune."]}
    assert track.facts == {"bpm": 120, "genre": "house"} and track.file == root / "audio/1.flac"
    text = reasons(bad)
    assert text.count("leads outside") == 2 and text.count("cannot be") == 2 and "no split 'dev'" in text
    assert "2.flac: no such file" in text and text.count("no caption for it") == 1
    assert len(bad) == 10 and rewritten.exists()


def many(tmp_path, count: int) -> Path:
    root = tmp_path / "many"
    for n in range(count):
        touch(root / f"{n % 10:02d}/{n}.mp3")
    write_json(root / "captions/a.json", {str(n): f"caption {n}" for n in range(count)})
    return root


def test_splits_are_drawn_by_the_seed(tmp_path) -> None:
    root = many(tmp_path, 200)

    def splits(**options) -> dict[str, str]:
        return {track.id: track.split for track in scan([root], **options)[0]}

    first = splits(seed=1, val=0.05, test=0.1)
    assert list(first.values()).count("val") == 10 and list(first.values()).count("test") == 20
    assert splits(seed=1, val=0.05, test=0.1) == first != splits(seed=2, val=0.05, test=0.1)
    assert list(splits(val=0.0).values()) == ["train"] * 200
    assert list(splits(val=1e-6).values()).count("val") == 1
    moved = root.rename(tmp_path / "moved")
    touch(moved / "03/3_instrumental.mp3")
    assert {track.id: track.split for track in scan([moved], seed=1, val=0.05, test=0.1)[0]} == first


def test_a_track_and_its_stem_in_another_folder_share_a_split(tmp_path) -> None:
    root = many(tmp_path, 40)
    stems = tmp_path / "stems"
    for n in range(40):
        touch(stems / f"{n}_instrumental.mp3")
    tracks, _ = scan([root, stems], {"a": root / "captions/a.json"}, val=0.3)
    assert len({track.id for track in tracks}) == len(tracks) == 80
    splits: dict[str, set] = {}
    for track in tracks:
        splits.setdefault(Path(track.path).name.split(".")[0].split("_")[0], set()).add(track.split)
    assert len(splits) == 40 and all(len(found) == 1 for found in splits.values())


def test_two_tracks_leave_one_to_train_on(tmp_path) -> None:
    tracks, _ = scan([many(tmp_path, 2)], val=0.4, test=0.4)
    assert sorted(track.split for track in tracks) == ["train", "val"]
    (track,), _ = scan([many(tmp_path / "one", 1)], val=0.4, test=0.4)
    assert track.split == "train"


def test_folders_of_one_name_are_told_apart(tmp_path) -> None:
    for side in "ab":
        touch(tmp_path / side / "music/1.mp3")
        (tmp_path / side / "music/1.txt").write_text("piano")
    tracks, _ = scan([tmp_path / "a/music", tmp_path / "b/music"])
    assert [(track.id, track.set) for track in tracks] == [("a-music/1", "a-music"), ("b-music/1", "b-music")]


def test_nothing_to_train_on_is_one_line(tmp_path) -> None:
    with pytest.raises(FileError, match="there is no folder"):
        scan([tmp_path / "missing"])
    with pytest.raises(FileError, match="--data"):
        scan([])
    touch(tmp_path / "mine/a.mp3")
    with pytest.raises(FileError, match=r"1 sound files without a caption.*song.txt beside song.mp3"):
        scan([tmp_path / "mine"])


def test_tracks_come_back_from_the_prepared_folder(jamendo, tmp_path) -> None:
    tracks, bad = scan([jamendo])
    rows = {"tracks": [asdict(track) for track in tracks], "bad": bad}
    run_stage(tmp_path / "prepared", "manifest", {}, 1, lambda part: rows, show=lambda line: None)
    assert load_tracks(tmp_path / "prepared") == tracks


@pytest.mark.parametrize(("tracks", "parts"), [(1, 1), (40, 40), (100, 50), (16_384, 64), (16_385, 65), (55_701, 218)])
def test_parts_hold_every_track_once(tracks: int, parts: int) -> None:
    assert part_count(tracks) == parts
    assert [n for part in range(parts) for n in part_tracks(part, tracks)] == list(range(tracks))
    assert all(0 < len(part_tracks(part, tracks)) <= 256 for part in range(parts))
