"""A finished video holds; one that was stripped or altered in any way does not, and each fault is a line."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from labelling import OPENING, composite, labelled, made_project, script
from media import ff

from swapcore import label, store
from swapcore.label import certificates, credentials
from swapcore.label.__main__ import main
from swapcore.label.verify import faults, judge, look, verify


@pytest.fixture(scope="module")
def finished(tmp_path_factory, root):
    """A folder with video.mp4 and provenance.json, as the stage `label` makes them; and the composite."""
    folder = made_project(tmp_path_factory.mktemp("verify"), root)
    composite(folder, drawn=lambda k: k < 50, record=label.note_record(**OPENING))
    done = labelled(root, folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def copy(finished, tmp_path):
    """The two files, to be altered."""
    for name in ("video.mp4", "provenance.json"):
        shutil.copy(finished / name, tmp_path / name)
    return tmp_path


def faults_of(folder):
    return faults(verify(folder / "video.mp4", folder / "provenance.json"))


def remade(folder, *words):
    """video.mp4, put through ffmpeg."""
    ff("-i", folder / "video.mp4", *words, folder / "new.mp4")
    (folder / "new.mp4").replace(folder / "video.mp4")


def edited(folder, change):
    said = json.loads((folder / "provenance.json").read_text())
    change(said)
    store.write_json(folder / "provenance.json", said)


def signed_again(folder, state):
    """What a forger with the same software can do: sign the altered file with another self-made certificate."""
    sidecar = json.loads((folder / "provenance.json").read_text())
    shutil.move(folder / "video.mp4", folder / "old.mp4")
    definition, identity = credentials.manifest(sidecar), certificates.self_made(state)
    credentials.sign(folder / "old.mp4", folder / "video.mp4", definition, identity)


# a file that holds


def test_a_finished_video_holds(finished):
    found = verify(finished / "video.mp4", finished / "provenance.json")
    assert faults(found) == []
    said = " | ".join(finding.text for finding in found if finding.kind == "says")
    for words in (
        "Synthetic: faces in this video were swapped with Swapcore",
        "compositeWithTrainedAlgorithmicMedia",
        "producer 'Film Ltd'",
        "visible note in the first 2 s: 'Synthetic: face swapped', seen in 5 of 5 frames",
        "Video that was changed (parentOf), Trained model 1 (inputTo)",
        "swap s: bob has the face of ann; model small, 1 steps",
        "consent of bob: synthetic",
        "picture, sound, metadata and bytes are those of provenance.json",
    ):
        assert words in said
    (notice,) = [finding.text for finding in found if finding.kind == "notice"]
    assert "nobody trusts it" in notice


def test_the_command_prints_what_is_claimed_and_its_exit_code(copy, capsys):
    path = str(copy / "video.mp4")
    assert main(["verify", path]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{path}: holds\n") and "  notice: signed with a self-made certificate" in out
    assert "FAULT" not in out
    shutil.move(copy / "provenance.json", copy / "other.json")
    assert main(["verify", path, "--provenance", str(copy / "other.json")]) == 0
    capsys.readouterr()
    assert main(["verify", path]) == 1
    assert re.search(r"does not hold, 1 fault\n(.*\n)*  FAULT: .*provenance.json is missing", capsys.readouterr().out)
    assert main(["verify", str(copy / "none.mp4"), path, "--trust", str(copy / "no.pem")]) == 1
    assert "no.pem" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "hello"])
def test_what_is_no_video_is_one_line(tmp_path, capsys, text):
    (tmp_path / "video.mp4").write_text(text)
    assert main(["verify", str(tmp_path / "video.mp4")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


# stripped and altered

STRIPPED = [
    "its metadata do not say that it is synthetic",
    "no AIGC label",
    "no content credentials",
    "metadata are not those",
]
COPY = ["-map", "0", "-c", "copy"]
KEPT = [*COPY, "-movflags", "use_metadata_tags", "-map_metadata", "0"]
X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "copy", "-movflags", "use_metadata_tags"]
COVER = "drawbox=x=0:y=ih*0.6:w=iw:h=ih*0.4:color=gray:t=fill"
BY_FFMPEG = {
    "metadata removed": ([*COPY, "-map_metadata", "-1"], STRIPPED),
    "credentials removed": (KEPT, ["no content credentials", "its bytes are not those"]),
    "encoded again": (
        [*X264, "-crf", "30"],
        ["not the one that its AIGC label was made for", "encoded again", "no content cred"],
    ),
    "note covered": (
        [*X264, "-vf", COVER],
        ["visible note is not seen in frame 0", "encoded again", "no content credentials"],
    ),
    "cut": (
        [*KEPT, "-t", "1"],
        ["not the one that its AIGC label was made for", "its picture is not", "its sound is not"],
    ),
    "sound removed": ([*KEPT, "-an"], ["its sound is not that of provenance.json", "no content credentials"]),
    "sound changed": (
        ["-c:v", "copy", "-af", "volume=0.5", "-movflags", "use_metadata_tags"],
        ["its sound is not that", "no content credentials"],
    ),
}


@pytest.mark.parametrize("how", BY_FFMPEG)
def test_what_other_programs_do_to_a_video_is_found(copy, how):
    words, expected = BY_FFMPEG[how]
    remade(copy, *words)
    found = faults_of(copy)
    for part in expected:
        assert any(part in fault for fault in found), (part, found)
    picture = any("its picture is not that" in fault for fault in found)
    assert picture == (how in ("encoded again", "note covered", "cut")), "only what was changed is named"
    assert any("sound" in fault for fault in found) == (how in ("cut", "sound removed", "sound changed"))


def place(data, what):
    """A byte of the picture, of the metadata, of the credentials."""
    marks = {
        "picture": (data.rindex(b"mdat"), 900),
        "metadata": (data.rindex(b"Film Ltd"), 2),
        "credentials": (data.index(b"c2pa.edited"), 3),
    }
    start, offset = marks[what]
    return start + offset


@pytest.mark.parametrize("what", ["picture", "metadata", "credentials"])
def test_one_changed_byte_is_found(copy, what):
    data = bytearray((copy / "video.mp4").read_bytes())
    data[place(bytes(data), what)] ^= 1
    (copy / "video.mp4").write_bytes(data)
    found = faults_of(copy)
    assert any("content credentials do not hold" in fault for fault in found)
    assert any("its bytes are not those of provenance.json" in fault for fault in found)
    assert any("its picture is not that" in fault for fault in found) == (what == "picture")
    assert any("its metadata are not those of provenance.json: AIGC" in fault for fault in found) == (
        what == "metadata"
    )


EDITS = {
    "consent": lambda said: said["consents"]["bob"].update(basis="written", by="Bob"),
    "swap": lambda said: said["swaps"][0].update(source="cy"),
    "setting": lambda said: said["settings"].update(a=2),
    "note": lambda said: said.update(note={"mode": "off"}),
    "lost": lambda said: said.pop("consents"),
    "nonsense": lambda said: said.update(swaps=7, consents=[1], note="x", credentials="y"),
}


@pytest.mark.parametrize("change", EDITS)
def test_an_edited_sidecar_is_found(copy, change):
    edited(copy, EDITS[change])
    assert any("provenance.json is not the one that was signed" in fault for fault in faults_of(copy))


def test_a_sidecar_written_otherwise_but_saying_the_same_holds(copy):
    said = json.loads((copy / "provenance.json").read_text())
    (copy / "provenance.json").write_text(json.dumps(dict(reversed(said.items())), indent=7))
    assert faults_of(copy) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "swapcore provenance 1"}'])
def test_a_sidecar_that_is_none_is_found(copy, text):
    (copy / "provenance.json").write_text(text)
    (fault,) = faults_of(copy)
    assert "expected a provenance.json of Swapcore" in fault


def test_a_missing_sidecar_is_found(copy):
    (copy / "provenance.json").unlink()
    (fault,) = faults_of(copy)
    assert "is missing" in fault and "who was swapped" in fault


def test_a_digest_corrected_in_the_sidecar_does_not_hide_a_change(copy):
    remade(copy, *KEPT, "-an")
    edited(copy, lambda said: said["video"].update(sha256=store.sha256(copy / "video.mp4"), sound_sha256=[]))
    assert any("no content credentials" in fault for fault in faults_of(copy))


def test_a_file_signed_anew_by_somebody_else_is_found(copy, tmp_path):
    signed_again(copy, tmp_path / "forger")
    found = faults_of(copy)
    assert any("signed with another certificate" in fault for fault in found), found


def test_credentials_that_do_not_say_synthetic_are_a_fault(finished):
    facts = look(finished / "video.mp4", note={})
    sidecar = json.loads((finished / "provenance.json").read_text())
    assert faults(judge(facts, sidecar)) == []
    plain = facts._replace(credentials={**facts.credentials, "types": []})
    (fault,) = faults(judge(plain, sidecar))
    assert "do not say that a trained model" in fault


def test_an_expired_certificate_is_not_called_a_change(finished):
    facts = look(finished / "video.mp4", note={})
    ended = {"state": "Invalid", "problems": ["signingCredential.expired: certificate expired"]}
    (fault,) = faults(judge(facts._replace(credentials={**facts.credentials, **ended}), None, missing=""))[:1]
    assert "certificate is not valid, or no longer" in fault and "changed" not in fault


def test_a_signer_that_the_user_trusts_is_no_notice(finished):
    facts = look(finished / "video.mp4", note={})
    sidecar = json.loads((finished / "provenance.json").read_text())
    trusted = facts._replace(credentials={**facts.credentials, "state": "Trusted"})
    assert [finding for finding in judge(trusted, sidecar) if finding.kind == "notice"] == []
    assert faults(judge(trusted, sidecar)) == []


def test_who_asks_for_trust_gets_a_fault_where_there_is_none(finished, capsys, tmp_path):
    other = certificates.self_made(tmp_path)
    (tmp_path / "roots.pem").write_bytes(other.chain)
    assert main(["verify", str(finished / "video.mp4"), "--trust", str(tmp_path / "roots.pem")]) == 1
    assert "FAULT: nobody whom you trust vouches for its signer" in capsys.readouterr().out


@pytest.mark.parametrize(
    "note", [{"mode": "opening", "text": "x", "seconds": "inf"}, {"mode": "always", "text": "x" * 10**6}]
)
def test_a_note_that_makes_no_sense_is_not_looked_for(copy, note):
    remade(copy, *COPY, "-map_metadata", "-1")
    assert look(copy / "video.mp4", note=note).looked == 0


def test_what_a_file_says_cannot_move_the_cursor(copy, capsys):
    remade(copy, *KEPT, "-metadata", "comment=Synthetic \x1b[2J")
    assert main(["verify", str(copy / "video.mp4")]) == 1
    assert "\x1b" not in capsys.readouterr().out


# the stage


def verified(root, folder):
    files = ("--video-file", folder / "video.mp4", "--provenance", folder / "provenance.json")
    return script(root, "verify", "--video", "scene1", *files, "--out", folder / "verified.json")


def test_the_stage_writes_what_holds(root, copy):
    done = verified(root, copy)
    assert done.returncode == 0, done.stderr
    said = json.loads((copy / "verified.json").read_text())
    assert said["holds"] is True and said["sha256"] == store.sha256(copy / "video.mp4")
    assert any("consent of bob" in line for line in said["says"]) and len(said["notices"]) == 1


def test_the_stage_fails_with_a_line_for_each_fault(root, copy):
    remade(copy, *KEPT, "-an")
    done = verified(root, copy)
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and not (copy / "verified.json").exists()
    assert len(lines) == len(faults_of(copy)) > 1 and lines[-1].startswith("verify: ")
    assert any("its sound is not that of provenance.json" in line for line in lines)
