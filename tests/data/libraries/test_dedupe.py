"""Duplicates by key, bucket by bucket."""

import numpy as np
from docksieve.data.libraries import dedupe
from docksieve.data.libraries.dedupe import (
    Kept,
    KeyFile,
    find_pairs,
    hash_texts,
    read_bucket,
    read_pairs,
    write_kept,
    write_keys,
    write_pairs,
)


def brute_force(parts):
    first, pairs, position = {}, [], 0
    for part in parts:
        for text in part:
            if text in first:
                pairs.append((position, first[text]))
            first.setdefault(text, position)
            position += 1
    return pairs


def test_buckets_find_what_a_dictionary_finds(tmp_path):
    rng = np.random.default_rng(7)
    parts = [[f"C{n}" for n in rng.integers(0, 400, size)] for size in (300, 0, 1, 500)]
    files, first = [], 0
    for number, part in enumerate(parts):
        path = tmp_path / f"{number}.keys"
        write_keys(path, hash_texts(part))
        files.append(KeyFile(str(path), len(part), first))
        first += len(part)
    expected = brute_force(parts)
    for buckets in (1, 2, 8):
        paths = []
        for bucket in range(buckets):
            paths.append(str(tmp_path / f"pairs-{buckets}-{bucket}.npy"))
            write_pairs(
                paths[-1] and tmp_path / f"pairs-{buckets}-{bucket}.npy",
                find_pairs(*read_bucket(files, bucket, buckets)),
            )
        assert read_pairs(paths, 0, first).tolist() == [list(pair) for pair in expected]
        assert read_pairs(paths, 300, 320).tolist() == [list(p) for p in expected if 300 <= p[0] < 320]
        write_kept(tmp_path / "kept", first, paths)
        kept = Kept(tmp_path / "kept")
        gone = {pair[0] for pair in expected}
        assert kept.rows == first - len(gone)
        assert [i for i in range(first) if not kept.flags[i]] == sorted(gone)


def test_ranks_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(dedupe, "RANK_BLOCK", 8)
    flags = (np.random.default_rng(3).random(100) < 0.6).astype(np.uint8)
    (tmp_path / "kept").write_bytes(flags.tobytes())
    kept = Kept(tmp_path / "kept")
    before = np.concatenate([[0], np.cumsum(flags)])
    assert [kept.rank(i) for i in range(101)] == before.tolist()
    positions = np.flatnonzero(flags)[::-1].copy()
    assert kept.ranks(positions).tolist() == before[positions].tolist()


def test_bucket_count_is_a_power_of_two_that_suffices():
    assert dedupe.bucket_count(0) == 1
    assert dedupe.bucket_count(dedupe.BUCKET_ROWS) == 1
    assert dedupe.bucket_count(dedupe.BUCKET_ROWS + 1) == 2
    assert dedupe.bucket_count(dedupe.BUCKET_ROWS * 250) == 256


def test_different_texts_have_different_keys():
    keys = hash_texts([f"molecule {n}" for n in range(10_000)])
    assert len({tuple(key) for key in keys.tolist()}) == 10_000
