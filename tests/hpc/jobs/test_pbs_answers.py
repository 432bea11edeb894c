"""Answers of PBS that are almost JSON, with the words of known versions, and what they say of jobs."""

from __future__ import annotations

import json

import pytest
from docksieve.hpc.jobs.pbs_answers import lenient_json, pbs_answer

ANSWER = """{
    "timestamp":1761821236,
    "pbs_version":"2022.1.7.20241004133957",
    "pbs_server":"pbs01",
    "Jobs":{
        "123.pbs01":{
            "Job_Name":"block-0",
            "job_state":"R",
            "Resource_List":{
                "ncpus":64,
                "walltime":"03:00:00"
            },
            "resources_used":{
                "walltime":"00:30:00"
            },
            "Variable_List":{
                "HOME":"/home/me",
                %s
            },
            "Submit_arguments":"-q work block-0"
        },
        "124.pbs01.domain.org":{
            "job_state":"Q"
        }
    }
}
"""


@pytest.mark.parametrize(
    "variable",
    [
        '"OK":"yes"',
        '"FOO":005',
        '"FOO":0x1F',
        '"FOO":-00.5',
        '"FOO":1e',
        '"FOO":12:30:00',
        '"FOO":True',
        '"FOO":nan',
        '"FOO":/usr/bin',
        '"FOO":"a\tb"',
        '"FOO":"a\x01\x1bb"',
        '"FOO":"line\nline"',
        '"FOO":"it\\\'s"',
        '"FOO":"a\\,b"',
        '"FOO":"C:\\new\\user"',
        '"FOO":"\\u12"',
        '"FOO":"say \\"no\\""',
        '"FOO":"ends\\\\"',
        '"FOO":"x",',
        '"BASH_FUNC_module()":"() {  eval `/usr/bin/modulecmd bash $*`\n}"',
    ],
)
def test_what_is_almost_json_is_read_whole(variable: str) -> None:
    found = pbs_answer(ANSWER % variable, "")
    assert found.whole and found.gone == set()
    assert {job: about["job_state"] for job, about in found.jobs.items()} == {"123": "R", "124": "Q"}
    assert found.jobs["123"]["Resource_List"]["walltime"] == "03:00:00"


@pytest.mark.parametrize("variable", ['"FOO":"say "no" again"', '"FOO":"open', '"FOO":{"A":'])
def test_what_is_beyond_repair_still_says_how_jobs_are(variable: str) -> None:
    found = pbs_answer(ANSWER % variable, "")
    assert not found.whole
    assert {job: about["job_state"] for job, about in found.jobs.items()} == {"123": "R", "124": "Q"}
    assert found.jobs["123"]["resources_used"]["walltime"] == "00:30:00"


def test_a_cut_answer_does_not_say_that_the_rest_has_ended() -> None:
    text = ANSWER % '"OK":"yes"'
    found = pbs_answer(text[: text.index('"124.')], "")
    assert set(found.jobs) == {"123"} and not found.whole


def test_notices_around_an_answer() -> None:
    found = pbs_answer("Maintenance on Monday.\n" + ANSWER % '"A":"b"' + "\nHave a nice day.\n", "")
    assert found.whole and set(found.jobs) == {"123", "124"}


@pytest.mark.parametrize(
    ("said", "gone"),
    [
        ("qstat: Unknown Job Id 125.pbs01\n", {"125"}),
        ("qstat: Unknown Job Id Error 125.server.domain\n", {"125"}),
        ("qstat: Unknown Job Id: 125\nqstat: Unknown Job Id 126[].pbs01\n", {"125", "126"}),
        (
            "qstat: 125.pbs-0001.host Job has finished, use -x or -H to obtain historical job information\n",
            {"125"},
        ),
        ("qstat: cannot connect to server pbs01 (errno=111)\n", set()),
    ],
)
def test_jobs_that_the_server_has_forgotten(said: str, gone: set[str]) -> None:
    assert pbs_answer("", said).gone == gone
    assert pbs_answer(ANSWER % '"A":1', said).gone == gone
    assert pbs_answer(said + ANSWER % '"A":1', "").gone == gone


def test_no_answer_at_all() -> None:
    for said in ("", "no json", "{", "}{", "qstat: 3 errors"):
        found = pbs_answer(said, "")
        assert (found.jobs, found.whole) == ({}, False)


def test_good_json_is_left_as_it_is() -> None:
    for value in ({"a": [1, 2.5, None, True, {"b": "c,d:e"}]}, {}, {"x": "\\'"}):
        assert lenient_json(json.dumps(value)) == value
        assert lenient_json(json.dumps(value, indent=2)) == value
