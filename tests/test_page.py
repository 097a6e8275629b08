from __future__ import annotations

import base64
import html
import json
import re
import shutil
import subprocess

import cv2
import numpy as np
import pytest
from test_clean import scores

from swapcore import clean, edits, page, quality
from swapcore.config.fields import Clean
from swapcore.types import ScoreTable

NASTY = [
    '</script><img src=x onerror="document.title=1">_0',
    'it\'s "b\\\\c" \u2028 ü 🙂, &amp;_1',
    "#x=1&y_0",
    "{a: [b]}_3",
]
BROWSER = shutil.which("chromium")


def crops(count, side=64):
    """Pictures that tell their number by their grey."""
    return [np.full((side, side, 3), 10 + 5 * (k % 40), np.uint8) for k in range(count)]


def made(table, text="", **change):
    """A page, as the stage makes it."""
    by_hand = edits.read(text, where="ann.yaml")
    ruled = clean.decide(table, Clean(near_duplicates=0), edits.Edits())
    about = {
        "person": "ann",
        "edits": by_hand,
        "rest": edits.other_headings(text),
        "why": [clean.value(table, row, ruled.reason[row], Clean()) for row in range(len(table))],
        "by": "sharpness",
        "group": "none",
        "note": "",
    }
    return page.build(table, ruled, page.sheets(crops(len(table)), 96), **(about | change))


def data_of(text):
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.S)[1])


# what is in the file


def test_a_page_is_one_file_that_needs_nothing_else():
    text = made(scores(20))
    assert "http:" not in text and "https:" not in text and "@import" not in text and "src=" not in text
    assert "default-src 'none'" in text and "/*" not in re.sub(
        r"<script.*?</script>|<style.*?</style>", "", text, flags=re.S
    )
    assert text.count("<script") == text.count("</script>") == 4


def test_every_face_is_in_its_place_with_all_that_is_known():
    table = scores(300, sharpness=np.linspace(1, 30, 300), distance=[*[np.nan], *[0.2] * 299])
    text = made(table)
    data = data_of(text)
    assert data["faces"]["id"] == table.id.tolist() and data["faces"]["box"][0] == [10, 10, 60, 60]
    known = {score["name"]: score for score in data["scores"]}
    assert [*known] == [*quality.SCORES, "distance", "similarity"] and all(score["about"] for score in known.values())
    assert known["sharpness"]["values"][299] == 30 and known["distance"]["values"][:2] == [None, 0.2]
    assert data["faces"]["train"] == (table.sharpness >= 5).astype(int).tolist() and data["reasons"] == ["too soft"]
    assert data["faces"]["why"][0] == "1 < 5" and data["faces"]["why"][299] == ""
    found = re.findall(r"\.sheet(\d+) \{ background-image: url\(data:image/jpeg;base64,([^)]*)\)", text)
    pictures = [cv2.imdecode(np.frombuffer(base64.b64decode(code), np.uint8), 1) for _, code in found]
    assert [p.shape for p in pictures] == [(16 * 96, 16 * 96, 3), (3 * 96, 16 * 96, 3)]


def test_thumbnails_stand_in_the_order_of_the_faces():
    (sheet,) = page.sheets(crops(20), 96)
    sheet = cv2.imdecode(np.frombuffer(sheet, np.uint8), 1)
    for k in range(20):
        row, column = divmod(k, page.COLUMNS)
        tile = sheet[row * 96 : row * 96 + 96, column * 96 : column * 96 + 96]
        assert np.abs(tile.astype(int) - (10 + 5 * k)).max() <= 2  # nothing of its neighbours


def test_names_from_outside_are_text():
    text = made(scores(4, id=np.array(NASTY, object)), note="<b>")
    assert "<img" not in text and "<b>" not in text and data_of(text)["faces"]["id"] == NASTY
    assert "<title>&lt;i&gt;: faces</title>" in made(scores(1), person="<i>")


def test_a_page_begins_as_the_settings_ask(tmp_path):
    table = scores(3, look=[1, 2, 2], similarity=[0.5, 0.9, 0.7])
    document = browse(tmp_path, made(table, by="similarity", group="look"))
    assert re.findall(r"<h2[^>]*>(look \d)<", document) == ["look 1", "look 2"]
    assert re.findall(r'class="v">([\d.]+)<', document) == ["0.500", "0.900", "0.700"]


def test_a_page_without_faces_says_so(tmp_path):
    document = browse(tmp_path, made(ScoreTable.empty(), FILE.split("identity:")[0]))
    assert "No face is left" in document and listed(edits.read(yaml_of(document), where="x"), "swap_only")


# which faces


@pytest.mark.parametrize(("count", "most"), [(0, 10), (1, 10), (10, 10), (11, 10), (500, 40)])
def test_a_page_is_bounded_and_has_what_was_decided_by_hand(count, most):
    table = scores(count, order=np.arange(count)[::-1]) if count else ScoreTable.empty()
    line = "- {clip: a, face: 000007_0, box: [10, 10, 60, 60]}"
    rows = page.chosen(table, edits.read(f"swap_only:\n{line}", where="x"), most=most)
    assert len(rows) == min(count, most) and (np.diff(rows) > 0).all()
    assert count <= 7 or 7 in rows
    if count == 500:
        others = rows[rows != 7]
        assert {others[0], others[-1]} == {0, 499} and np.diff(others).max() < 30


def test_thumbnails_are_smaller_where_there_are_many():
    sides = [page.side(count) for count in (1, 100, 1000, 1500, 3000, 10**6)]
    assert sides == sorted(sides, reverse=True) and sides[0] == 192 and sides[-1] == 96
    assert all(side % 16 == 0 for side in page.SIDES)  # blocks of JPEG with halved chroma


def test_three_thousand_faces_are_fifteen_megabytes_at_most():
    rng = np.random.default_rng(0)
    soft = cv2.GaussianBlur(
        rng.normal(128, 200, (page.ROWS * 96, page.COLUMNS * 96, 3)).astype(np.float32), (0, 0), 1.5
    )
    tiles = soft.clip(0, 255).astype(np.uint8).reshape(16, 96, 16, 96, 3).swapaxes(1, 2).reshape(256, 96, 96, 3)
    (sheet,) = page.sheets(tiles, page.side(page.FACES))  # far more detail than faces have
    assert len(sheet) * 4 / 3 * page.FACES / 256 < 14e6


# other headings


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "reject: []\n",
        "identity:\n- {clip: a, face: 000001_0, box: [1, 2, 3, 4]}  # her\n- {clip: b, face: 'ü: x_0', box: [1, 2, 3, 4.5]}\n",
        "reject: []\nidentity:\n  b/3: ann\n  b/4: {person: nobody, frames: [0, 119]}  # a poster\n",
    ],
)
def test_other_headings_say_the_same_after(text):
    before, after = (edits.read(t, where="x") for t in (text, edits.other_headings(text)))
    plain = [[(str(e)) for e in found.identity] for found in (before, after)]
    assert plain[0] == plain[1]


# in a browser

FILE = """# mine
swap_only:
- {clip: a, face: 000002_0, box: [10, 10, 60, 60]}
reject:
- {clip: gone, face: 000009_0, box: [1, 2, 30, 40.5]}
- {clip: a, face: 000001_0, box: [10, 10, 60, 60]}
identity:
- {clip: a, face: 000003_0, box: [10, 10, 60, 60]}
"""


def browse(tmp_path, text, fragment="", hook=""):
    """The page's document after its scripts ran, and then `hook`; from a file, as a user opens it."""
    if BROWSER is None:
        pytest.skip("no chromium here: the page's scripts are not run")
    text = text.replace("</body>", f"<script>{hook}</script></body>")
    (tmp_path / "faces.html").write_text(text, encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    command += ["--virtual-time-budget=3000", "--dump-dom", f"file://{tmp_path}/faces.html{fragment}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout


def yaml_of(document):
    return html.unescape(re.search(r'<pre id="yaml"[^>]*>(.*?)</pre>', document, re.S)[1])


def listed(found, name):
    return [(e.clip, e.face, e.box_xyxy) for e in getattr(found, name)]


def test_faces_named_in_the_address_are_decided(tmp_path):
    table = scores(6, id=np.array([*NASTY, "000004_0", "000005_0"], object))
    wanted = [f"a/{name}" for name in NASTY]
    coded = ",".join("".join(f"%{b:02X}" for b in name.encode()) for name in wanted)
    document = browse(tmp_path, made(table), f"#sort=yaw&group=bins&reject={coded}&keep=a/000005_0,a/nobody_0")
    found = edits.read(yaml_of(document), where="ann.yaml")
    box = (10, 10, 60, 60)
    assert listed(found, "reject") == [("a", name, box) for name in NASTY]
    assert listed(found, "keep") == [("a", "000005_0", box)] and not found.swap_only
    for entry in found.reject:
        edits.match(entry, ids=table.id, boxes_xyxy=table.box_xyxy)
    assert "<img" not in document and document.count('class="tile') == 6
    assert "ahead (-15° to 15°)" in document and "<title>ann: faces</title>" in document


CLICKS = """
const tile = i => document.querySelector(`.tile[data-i="${i}"]`);
const tool = name => document.querySelector(`[data-tool=${name}]`).click();
const press = (key, more) => document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...more }));
tool("clear"); tile(1).click();
tool("reject"); tile(4).click(); tile(5).click(); press("z", { ctrlKey: true });
tool("keep"); tile(6).click();
tile(8).dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey: true }));
tool("cycle"); tile(9).click(); tile(9).click(); tile(0).click();
tile(7).dispatchEvent(new PointerEvent("pointerover", { bubbles: true })); press("c");
document.body.append(Object.assign(document.createElement("p"), { id: "kept", textContent: JSON.stringify(localStorage) }));
"""


def test_clicks_and_keys_write_the_file_and_keep_what_stood_there(tmp_path):
    table = scores(10)
    document = browse(tmp_path, made(table, FILE, by="time"), hook=CLICKS)
    text = yaml_of(document)
    found, before, box = edits.read(text, where="ann.yaml"), edits.read(FILE, where="ann.yaml"), (10, 10, 60, 60)
    assert listed(found, "reject") == [
        ("gone", "000009_0", (1, 2, 30, 40.5)),  # of a face that the page does not show
        ("a", "000004_0", box),
        ("a", "000009_0", box),
    ]
    assert listed(found, "swap_only") == [("a", "000002_0", box), ("a", "000000_0", box)]
    assert listed(found, "keep") == [("a", "000006_0", box), ("a", "000008_0", box)]
    assert [str(e) for e in found.identity] == [str(e) for e in before.identity]
    kept = html.unescape(re.search(r'<p id="kept">(.*?)</p>', document, re.S)[1])
    choices = json.loads(json.loads(kept)["swapcore faces ann"])["choices"]
    assert choices == {"a/000001_0": "", "a/000004_0": "reject", "a/000009_0": "reject", "a/000000_0": "swap_only"} | {
        f"a/00000{k}_0": "keep" for k in (6, 8)
    }
    assert re.search(
        r'id="numbers"[^>]*><b>6</b> of 10 faces train, 2 rejected; what does not train is dimmed<', document
    )


BEFORE = {"choices": {"a/000001_0": "reject", "a/000002_0": "keep", "a/000077_0": "keep", "a/000003_0": "x"}}


def test_choices_come_back_and_those_in_the_file_by_now_are_forgotten(tmp_path):
    text = made(scores(5), "reject:\n- {clip: a, face: 000001_0, box: [10, 10, 60, 60]}\n")
    visit = f'<script>localStorage.setItem("swapcore faces ann", {json.dumps(json.dumps(BEFORE))})</script></head>'
    document = browse(tmp_path, text.replace("</head>", visit))
    found = edits.read(yaml_of(document), where="x")
    assert [e.face for e in found.reject] == ["000001_0"] and [e.face for e in found.keep] == ["000002_0"]
    assert "1 choice that is not in the file yet" in document
