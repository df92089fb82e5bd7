"""A report of `run` as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

HEAD = ("", "seconds", "x real time", "peak MB", "")


def lines(report: dict) -> Iterator[str]:
    """The lines of the table."""
    settings = report["settings"]
    yield from _machine(report["machine"])
    if settings["quick"]:
        yield "quick: few steps and single runs; a look, not a measurement"
    for system in report["systems"]:
        yield ""
        yield _title(system, settings["seconds"])
        if "error" in system:
            yield f"  not measured: {system['error']}"
            continue
        yield _row(*HEAD)
        yield from _rows(system, settings["seconds"])
    rival = report["against"]
    if rival and "error" not in rival:
        yield ""
        yield (
            f"{settings['against']}, random weights, guidance {rival['guidance']:g}, {rival['precision']}:"
            f" {rival['audio_seconds']:g} s of audio in {rival['seconds']:.1f} s, {rival['rtf']:.2f} x real time"
        )
    if report["cancelled"]:
        yield "cancelled: the rest was not measured"
    for fault in report["faults"]:
        yield f"not measured: {fault['part']}: {fault['error']}"


def _machine(machine: dict) -> Iterator[str]:
    if "error" not in machine:
        yield f"{machine['cpu']}, {machine['threads']} threads of {machine['cores']} cores, torch {machine['torch']}"


def _title(system: dict, seconds: float) -> str:
    title = f"{system['name']} ({system['weights']} weights)"
    if "parameters" in system:
        title += f", {system['parameters']:,} parameters, {system['latents']} latents for {seconds:g} s"
    return title


def _rows(system: dict, seconds: float) -> Iterator[str]:
    if "text_encoding" in system:
        yield _measured("text", system["text_encoding"], seconds)
    for precision, row in system.get("step", {}).items():
        notes = []
        if "over_products" in row:
            notes.append(f"{row['over_products']:.2f} x its matrix products ({row['products']['seconds']:.3f} s)")
        if "faster_than_plain" in row:
            notes.append(f"{row['faster_than_plain']:.1f} x faster than plain fp32, error {row['relative_error']:.1e}")
        yield _measured(f"step {precision}", row, None, notes)
    for way, row in system.get("decode", {}).items():
        yield _measured(f"decode {way}", row, seconds, _snr(row))
    for row in system.get("whole", []):
        yield _measured(f"whole {row['precision']}, {row['steps']} steps", row, seconds, _whole_notes(row))
    for part, growth in system.get("growth", {}).items():
        yield from _growth(part, growth)


def _whole_notes(row: dict) -> list[str]:
    notes = [f"{stage} {taken:.2f} s" for stage, taken in row.get("stages", {}).items()]
    if "latents_error" in row:
        notes.append(f"latents {row['latents_error']:.1e} off fp32")
    notes += _snr(row)
    if "faster_than_rival" in row:
        notes.append(f"{row['faster_than_rival']:.2f} x as fast as the rival")
    return notes


def _snr(row: dict) -> list[str]:
    return [f"SNR {row['snr_db']:.0f} dB"] if row.get("snr_db") is not None else []


def _growth(part: str, growth: dict) -> Iterator[str]:
    for point in growth["points"]:
        yield _measured(f"{part} of {point['audio_seconds']:g} s", point, point["audio_seconds"])
    if "time_ratio" in growth:
        yield (
            f"    {part}: a minute of the longest takes {growth['time_ratio']:.2f} x as long as of the shortest, and"
            f" {growth['bytes_a_minute'] / 1e6:.0f} MB"
        )


def _measured(name: str, row: dict, seconds: float | None, notes: Sequence[str] = ()) -> str:
    """One row: the time, that time over the seconds of audio made, the peak memory, notes."""
    if "error" in row:
        return _row(name, "-", "-", "-", "not measured")
    rate = "" if seconds is None else f"{row['seconds'] / seconds:.3f}"
    peak = "" if row.get("peak_bytes") is None else f"{row['peak_bytes'] / 1e6:,.0f}"
    return _row(name, f"{row['seconds']:.3f}", rate, peak, "; ".join(notes))


def _row(name: str, seconds: str, rate: str, peak: str, notes: str) -> str:
    return f"  {name:<24} {seconds:>9} {rate:>12} {peak:>9}  {notes}".rstrip()
