"""Cost per million rows and per million pictures, with and without Ray, and how it grows.

    python benchmarks/points_scale.py                   # all parts; writes benchmarks/results/points_scale.json and .md
    python benchmarks/points_scale.py --part rows ray   # these parts anew, the others are kept
    python benchmarks/points_scale.py --small           # few rows and pictures; writes nothing

Parts: ``rows``: blobs in a .npy file of float32, 16 columns, fitted by `fit_blocks` and labelled by `predict_blocks`
(LandmarkSpectralClustering, 1,000 landmarks, 10 clusters) at four sizes, seconds and highest memory of a process of its
own; the slope is that of log seconds over log rows. ``ray``: the same by `fit_ray` and `predict_ray` with four workers
on this machine (however many cores it has), the labels compared row by row. ``killed``: a worker of these is killed by
its process id in the middle of a block. ``pictures``: copies of scikit-image's
astronaut, 512 x 512 px, as JPEG, by face68-small, here and by four workers. ``simulation``: 1,000 workers, from the
measured times of a block and of a merge; network and stragglers as stated in the table.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from figures import RESULTS, machine

COMMAND = "python benchmarks/points_scale.py"
SIZES = (250_000, 500_000, 1_000_000, 2_000_000)
PICTURES = (16, 32, 64, 128)
COLUMNS, CLUSTERS, LANDMARKS, WORKERS = 16, 10, 1_000, 4
PARTS = ("rows", "ray", "killed", "pictures", "simulation")


def write_rows(path: Path, rows: int) -> None:
    rng = np.random.default_rng(0)
    centres = 6 * rng.normal(size=(CLUSTERS, COLUMNS))
    out = np.lib.format.open_memmap(path, "w+", np.float32, (rows, COLUMNS))
    for start in range(0, rows, 100_000):
        stop = min(rows, start + 100_000)
        out[start:stop] = centres[np.arange(start, stop) % CLUSTERS] + rng.normal(size=(stop - start, COLUMNS))


def write_pictures(folder: Path, count: int) -> None:
    from skimage.data import astronaut

    from cairn.draw import save_picture

    save_picture(astronaut(), folder / "0.jpg")
    data = (folder / "0.jpg").read_bytes()
    for i in range(1, count):
        (folder / f"{i}.jpg").write_bytes(data)


# --- what is measured, each in a process of its own ---


def estimator():
    from cairn.points import LandmarkSpectralClustering

    return LandmarkSpectralClustering(CLUSTERS, n_landmarks=LANDMARKS, random_state=0)


def rows_here(data: str, labels: str) -> dict[str, float]:
    from cairn.points import fit_blocks, predict_blocks, write_blocks

    write_rows(Path(data).with_name("warm.npy"), 5_000)
    fit_blocks(estimator(), Path(data).with_name("warm.npy"))
    Path("/proc/self/clear_refs").write_text("5")
    cpu, start = time.process_time(), time.perf_counter()
    model = fit_blocks(estimator(), data)
    fitted = time.perf_counter()
    write_blocks(predict_blocks(model, data), labels, len(np.load(data, mmap_mode="r")))
    done = time.perf_counter()
    cpu = time.process_time() - cpu
    return {"fit": fitted - start, "predict": done - fitted, "cpu": cpu, "process_mib": resident("VmHWM")}


def rows_on_ray(data: str, labels: str) -> dict[str, float]:
    from cairn.distributed import connect, fit_ray, predict_ray

    start = time.perf_counter()
    connect(WORKERS)
    begun = time.perf_counter()
    model = fit_ray(estimator(), data)
    fitted = time.perf_counter()
    found = predict_ray(model, data).to_pandas()
    done = time.perf_counter()
    order = np.argsort(found["row"].to_numpy(), kind="stable")
    rows = found["row"].to_numpy()[order]
    np.save(labels, found["label"].to_numpy()[order])
    whole = float(np.array_equal(rows, np.arange(len(rows))))
    return {"start": begun - start, "fit": fitted - begun, "predict": done - fitted, "every_row_once": whole}


def rows_with_a_killed_worker(data: str, labels: str) -> dict[str, float]:
    """`predict_ray` while a worker that is at a block is killed by its process id; rows are compared one by one."""
    from cairn.distributed import connect, predict_ray
    from cairn.points import fit_blocks

    model = fit_blocks(estimator(), data)
    expected = model.predict(np.load(data))
    connect(WORKERS)
    killed: list[int] = []

    def kill() -> None:
        while not killed:
            busy = [pid for pid, words in descendants(os.getpid()) if words.startswith("ray::MapBatches")]
            if busy:
                time.sleep(0.1)
                os.kill(busy[0], signal.SIGKILL)
                killed.append(busy[0])
            time.sleep(0.01)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    found = predict_ray(model, data, rows=20_000).to_pandas().sort_values("row")
    np.save(labels, found["label"].to_numpy())
    rows = found["row"].to_numpy()
    missing, twice = len(expected) - len(np.unique(rows)), len(rows) - len(np.unique(rows))
    wrong = int((found["label"].to_numpy() != expected[rows]).sum())
    return {"killed": len(killed), "missing": missing, "twice": twice, "other_label": wrong}


def descendants(parent: int) -> list[tuple[int, str]]:
    """(process id, its words) of all processes that this one began, or that those did."""
    above, words = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                above[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                words[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
    found = []
    for pid in above:
        at = pid
        while at in above and at != parent:
            at = above[at]
        if at == parent and pid != parent:
            found.append((pid, words.get(pid, "")))
    return found


def pictures_here(folder: str, labels: str) -> dict[str, float]:
    from cairn.distributed.pictures import divide, look
    from cairn.images import find_images
    from cairn.model_file import load

    model = load("face68-small")
    blocks = divide(find_images(folder).sources)
    look(model, divide(find_images(folder).sources[:1])[0])
    cpu, start = time.process_time(), time.perf_counter()
    found = [look(model, block) for block in blocks]
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    np.save(labels, np.concatenate([part.landmarks.points for part in found]))
    return {"seconds": seconds, "cpu": cpu}


def pictures_on_ray(folder: str, labels: str) -> dict[str, float]:
    from cairn.distributed.cluster import connect
    from cairn.distributed.pictures import detect_ray, divide
    from cairn.images import find_images

    start = time.perf_counter()
    connect(WORKERS)
    begun = time.perf_counter()
    found = detect_ray(divide(find_images(folder).sources, size=8), "face68-small", Path(labels).with_name("parts"))
    done = time.perf_counter()
    np.save(labels, found.landmarks.points)
    return {"start": begun - start, "seconds": done - begun}


JOBS = {f.__name__: f for f in (rows_here, rows_on_ray, rows_with_a_killed_worker, pictures_here, pictures_on_ray)}


def resident(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return float("nan")


def job(name: str, data: Path, out: Path) -> dict[str, float]:
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]))
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, __file__, "--job", name, str(data), str(out)],
        capture_output=True,
        text=True,
        env={**os.environ, **threads},
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


# --- 1,000 workers, simulated ---


def simulate(
    pieces: int,
    workers: int,
    block_seconds: float,
    merge_seconds: float,
    megabytes: float,
    *,
    fan_in: int | None,
    slow_share: float,
    slow_times: float,
    gigabits: float = 10.0,
    seed: int = 0,
) -> float:
    """Seconds until one sum is left.

    Pieces go to whoever is free. A share of the workers is slow all the time. A sum travels at the network's speed to
    whoever adds it; `fan_in` sums are added at once by a worker, or (None) each by the driver, one after the other.
    """
    rng = np.random.default_rng(seed)
    speed = np.where(rng.random(workers) < slow_share, slow_times, 1.0)
    travel = megabytes * 8 / 1000 / gigabits
    free = [(0.0, worker) for worker in range(workers)]
    heapq.heapify(free)
    ready: list[float] = []
    for seconds in block_seconds * rng.lognormal(0, 0.2, pieces):
        now, worker = heapq.heappop(free)
        end = now + seconds * speed[worker]
        heapq.heappush(free, (end, worker))
        ready.append(end)
    ready.sort()
    if fan_in is None:
        clock = 0.0
        for at in ready:
            clock = max(clock, at) + travel + merge_seconds
        return clock
    heapq.heapify(ready)
    idle = [(0.0, worker) for worker in range(workers)]  # sums are few beside blocks; who has finished adds
    while len(ready) > 1:
        parts = [heapq.heappop(ready) for _ in range(min(fan_in, len(ready)))]
        at, worker = heapq.heappop(idle)
        end = max(at, parts[-1]) + len(parts) * (travel + merge_seconds) * speed[worker]
        heapq.heappush(idle, (end, worker))
        heapq.heappush(ready, end)
    return ready[0]


def merge_cost() -> tuple[float, float]:
    """Seconds to add one sum of the estimator to another, and MB of it."""
    from cairn.points import RowBlocks
    from cairn.points.embedding.summed import add_sums
    from cairn.points.streams import fit_blocks

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        write_rows(path, 200_000)
        model = fit_blocks(estimator(), path)
        one, two = (model._sums("graph", block) for block in RowBlocks(path, rows=100_000))
    import pickle

    size = len(pickle.dumps(one)) / 1e6
    start = time.process_time()
    for _ in range(5):
        add_sums([one, two])
    return (time.process_time() - start) / 5, size


def simulation(block_seconds: float, block_rows: int) -> list[dict[str, Any]]:
    merge_seconds, megabytes = merge_cost()
    pieces = -(-1_000_000_000 // block_rows)
    found = []
    for slow_share, slow_times in ((0.0, 1.0), (0.01, 3.0), (0.01, 10.0)):
        for fan_in in (None, 2, 8, 32):
            seconds = simulate(
                pieces,
                1_000,
                block_seconds,
                merge_seconds,
                megabytes,
                fan_in=fan_in,
                slow_share=slow_share,
                slow_times=slow_times,
            )
            found.append(
                {
                    "part": "simulation",
                    "pieces": pieces,
                    "block_seconds": block_seconds,
                    "merge_seconds": merge_seconds,
                    "megabytes": megabytes,
                    "slow_share": slow_share,
                    "slow_times": slow_times,
                    "fan_in": fan_in or 0,
                    "seconds": seconds,
                    "ideal": pieces * block_seconds / 1_000,
                }
            )
    return found


# --- all of it ---


def measure(parts: list[str], sizes: tuple[int, ...], counts: tuple[int, ...], known: list[dict]) -> list[dict]:
    rows = [row for row in known if row["part"] not in parts]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for n in sizes if {"rows", "ray"} & set(parts) else ():
            write_rows(home / "rows.npy", n)
            if "rows" in parts or "ray" in parts:
                rows.append({"part": "rows", "n": n, **job("rows_here", home / "rows.npy", home / "here.npy")})
                print(rows[-1], file=sys.stderr, flush=True)
            if "ray" in parts:
                there = job("rows_on_ray", home / "rows.npy", home / "there.npy")
                same = float((np.load(home / "here.npy") == np.load(home / "there.npy")).mean())
                beside = rows[-1]["fit"] + rows[-1]["predict"]
                rows.append({"part": "ray", "n": n, "same_labels": same, "here": beside, **there})
                print(rows[-1], file=sys.stderr, flush=True)
        if "killed" in parts:
            write_rows(home / "rows.npy", sizes[0])
            done = job("rows_with_a_killed_worker", home / "rows.npy", home / "labels.npy")
            rows.append({"part": "killed", "n": sizes[0], **done})
            print(rows[-1], file=sys.stderr, flush=True)
        for n in counts if "pictures" in parts else ():
            pictures = home / f"pictures{n}"
            pictures.mkdir()
            write_pictures(pictures, n)
            here = job("pictures_here", pictures, home / "a.npy")
            there = job("pictures_on_ray", pictures, home / "b.npy")
            apart = float(np.abs(np.load(home / "a.npy") - np.load(home / "b.npy")).max())
            rows.append({"part": "pictures", "n": n, "here": here["seconds"], "cpu": here["cpu"]})
            rows[-1] |= {"ray": there["seconds"], "apart_px": apart}
            print(rows[-1], file=sys.stderr, flush=True)
    if "simulation" in parts:
        from cairn.points.blocks import BLOCK_NUMBERS, BLOCK_ROWS

        block = min(BLOCK_ROWS, BLOCK_NUMBERS // COLUMNS)
        largest = max((row for row in rows if row["part"] == "rows"), key=lambda row: row["n"])
        share = largest["fit"] / (largest["fit"] + largest["predict"])
        rows += simulation(largest["cpu"] * share / largest["n"] * block, block)
    last = {}  # rows are measured again beside Ray: the last counts
    for row in rows:
        last[row["part"], row.get("n"), row.get("fan_in"), row.get("slow_times")] = row
    return sorted(last.values(), key=lambda row: PARTS.index(row["part"]))


def slope(rows: list[dict], value) -> str:
    if len(rows) < 2:
        return ""
    return f"{np.polyfit(np.log([r['n'] for r in rows]), np.log([value(r) for r in rows]), 1)[0]:.2f}"


def page(rows: list[dict]) -> list[str]:
    of = {part: [row for row in rows if row["part"] == part] for part in PARTS}
    lines: list[str] = []
    if of["rows"]:
        lines += [
            "## Rows",
            "",
            "| rows x 16 | fit, s | predict, s | MiB, highest | CPU s per million rows |",
            "|---|---|---|---|---|",
        ]
        for r in of["rows"]:
            lines.append(
                f"| {r['n']:,} | {r['fit']:.1f} | {r['predict']:.1f} | {r['process_mib']:.0f} | "
                f"{r['cpu'] / r['n'] * 1e6:.1f} |"
            )
        lines += ["", f"Slope of CPU seconds: {slope(of['rows'], lambda r: r['cpu'])}.", ""]
    if of["ray"]:
        lines += [f"## Rows, Ray with {WORKERS} workers on this machine", ""]
        lines += [
            "| rows x 16 | start of Ray, s | fit, s | predict, s | times one process | same labels | each row once |"
        ]
        lines += ["|---|---|---|---|---|---|---|"]
        for r in of["ray"]:
            lines.append(
                f"| {r['n']:,} | {r['start']:.1f} | {r['fit']:.1f} | {r['predict']:.1f} | "
                f"{(r['fit'] + r['predict']) / r['here']:.2f} | {r['same_labels']:.4%} | "
                f"{'yes' if r['every_row_once'] else '**no**'} |"
            )
        lines += [
            "",
            f"Slope of seconds, without the start: {slope(of['ray'], lambda r: r['fit'] + r['predict'])}.",
            "",
        ]
    for r in of["killed"]:
        lines += [
            f"{r['killed']} of {WORKERS} workers killed by its process id while they labelled {r['n']:,} rows: "
            f"{r['missing']} rows missing, {r['twice']} twice, {r['other_label']} with another label.",
            "",
        ]
    if of["pictures"]:
        lines += ["## Pictures, 512 x 512 px, face68-small", ""]
        lines += [
            "| pictures | here, s | Ray, 4 workers, s | CPU hours per million, here | points apart, px |",
            "|---|---|---|---|---|",
        ]
        for r in of["pictures"]:
            hours = r["cpu"] / r["n"] * 1e6 / 3600
            lines.append(f"| {r['n']} | {r['here']:.1f} | {r['ray']:.1f} | {hours:.1f} | {r['apart_px']:.2g} |")
        slopes = [slope(of["pictures"], lambda r, key=key: r[key]) for key in ("cpu", "ray")]
        lines += ["", f"Slopes: {slopes[0]} of CPU seconds here, {slopes[1]} of seconds with Ray.", ""]
    if of["simulation"]:
        one = of["simulation"][0]
        lines += ["## A billion rows on 1,000 workers, simulated", ""]
        lines += [
            f"{one['pieces']:,} pieces of {one['block_seconds']:.2f} s (measured), a sum of {one['megabytes']:.1f} MB, "
            f"{one['merge_seconds'] * 1000:.0f} ms to add one (measured); 10 Gbit/s to each machine (assumed). "
            f"All blocks and nothing else: {one['ideal']:.0f} s.",
            "",
            "| slow workers | driver adds all, s | tree of 2, s | tree of 8, s | tree of 32, s |",
            "|---|---|---|---|---|",
        ]
        for slow in dict.fromkeys((r["slow_share"], r["slow_times"]) for r in of["simulation"]):
            times = {r["fan_in"]: r["seconds"] for r in of["simulation"] if (r["slow_share"], r["slow_times"]) == slow}
            name = "none" if slow[0] == 0 else f"{slow[0]:.0%}, {slow[1]:.0f} times as slow"
            lines.append(f"| {name} | {times[0]:.0f} | {times[2]:.0f} | {times[8]:.0f} | {times[32]:.0f} |")
        lines += [""]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--part", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--small", action="store_true", help="few rows and pictures; nothing is written")
    parser.add_argument("--job", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.job:
        print(json.dumps(JOBS[given.job[0]](*given.job[1:])))
        return
    if given.small:
        print("\n".join(page(measure(given.part, (20_000, 40_000), (4, 8), []))))
        return
    from cairn.files import write_whole

    target = RESULTS / "points_scale.json"
    known = json.loads(target.read_text())["rows"] if target.exists() else []
    rows = measure(given.part, SIZES, PICTURES, known)
    RESULTS.mkdir(exist_ok=True)
    load = f"load of the machine at the end {os.getloadavg()[0]:.1f}"
    head = [
        "# Scale",
        "",
        f"`{COMMAND}`; {machine()}; {load}.",
        "",
        " ".join((__doc__ or "").split("\n\n")[2].split()),
        "",
    ]
    write_whole(target, json.dumps({"command": COMMAND, "machine": machine(), "rows": rows}, indent=1) + "\n")
    write_whole(target.with_suffix(".md"), "\n".join(head + page(rows)))


if __name__ == "__main__":
    main()
