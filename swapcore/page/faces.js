"use strict";
// The page of one person's faces. Everything it knows stands in #data; names reach the document as text alone, never as HTML.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const by = id => document.getElementById(id);
  const make = (tag, cls, text) => {
    const node = document.createElement(tag);
    if (cls) node.className = cls;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const TOOLS = {
    cycle: ["Cycle", "each click: swap only, reject, keep, nothing"],
    swap_only: ["Swap only", "does not train, is swapped: blurred or hidden"],
    reject: ["Reject", "not this person, or no face: neither trains nor is swapped, so the own face stays in the video"],
    keep: ["Keep", "trains although a rule dropped it"],
    clear: ["Clear", "takes back what was decided by hand"],
  };
  const WORDS = { reject: "rejected", swap_only: "swap only", keep: "kept" };
  const DO = { reject: "reject", swap_only: "swap only", keep: "keep", clear: "clear" };
  const f = data.faces, chosen = choicesOf(data), { all, key, row, state, given, trains } = chosen;
  const score = new Map(data.scores.map(s => [s.name, s]));
  const plural = (n, one, more) => `${n.toLocaleString("en")} ${n === 1 ? one : more}`;
  let tool = "cycle", anchor = -1, pointed = -1, shown = [];

  // what is kept between visits; a page inside a report may have no storage
  const place = "swapcore faces " + data.person;
  const stored = {
    read() { try { return JSON.parse(localStorage.getItem(place)) || {}; } catch { return {}; } },
    write(more) { try { localStorage.setItem(place, JSON.stringify({ ...stored.read(), ...more })); } catch { /* a convenience */ } },
  };
  const view = () => ({ sort: by("sort").value, down: by("turn").dataset.down, group: by("group").value, size: by("size").value });

  // tiles

  const tiles = all.map(i => {
    const tile = make("button", "tile"), frame = pictured(i);
    tile.dataset.i = i;
    frame.append(make("span", "badge"));
    tile.append(frame, make("span", "v"), make("span", "n"), make("span", "d"));
    return tile;
  });

  function pictured(i) {
    const frame = make("span", "frame"), pic = make("span", "pic sheet" + Math.floor(i / (data.columns * data.rows)));
    pic.style.setProperty("--c", i % data.columns);
    pic.style.setProperty("--r", Math.floor(i / data.columns) % data.rows);
    frame.append(pic);
    return frame;
  }

  const ruled = i => f.train[i] ? "trains" : data.reasons[f.reason[i]] + (f.why[i] ? ` (${f.why[i]})` : "");
  const number = (name, i) => {
    const s = score.get(name);
    return !s ? `frame ${f.frame[i]}` : s.values[i] === null ? "-" : s.values[i].toFixed(s.decimals).replace(/^-(0\.?0*)$/, "$1") + s.unit;
  };

  function dress(i) {
    const tile = tiles[i], [frame, value, name, decision] = tile.children;
    tile.className = `tile ${state[i]}${trains(i) ? "" : " drops"}${state[i] !== given[i] ? " fresh" : ""}`;
    frame.lastChild.textContent = WORDS[state[i]] || "";
    value.textContent = number(by("sort").value, i);
    name.textContent = `${f.id[i]} ${data.clips[f.clip[i]]}`;
    decision.textContent = state[i] ? (trains(i) ? "trains" : "does not train") : f.train[i] ? "" : ruled(i);
    tile.title = state[i] ? TOOLS[state[i]][1] : ruled(i);
    tile.setAttribute("aria-label", `${key(i)}: ${WORDS[state[i]] || ruled(i)}`);
  }

  function refresh(rows) {
    rows.forEach(dress);
    const train = all.filter(trains).length, rejected = state.filter(s => s === "reject").length, changed = chosen.changed();
    by("numbers").replaceChildren(make("b", "", train.toLocaleString("en")), ` of ${plural(all.length, "face trains", "faces train")}`,
      rejected ? `, ${rejected.toLocaleString("en")} rejected` : "", train < all.length ? "; what does not train is dimmed" : "");
    by("yaml").textContent = chosen.text();
    by("changed").textContent = changed.length ? `${changed.length} changed` : "nothing changed";
    by("undo").disabled = !chosen.past.length;
    by("redo").disabled = !chosen.future.length;
    by("clear").disabled = !changed.length;
    stored.write({ choices: Object.fromEntries(changed.map(i => [key(i), state[i]])) });
    headings();
    if (rows.includes(pointed)) point(pointed, true);
  }

  // groups and filters

  const valueOf = name => { const s = score.get(name); return s ? i => s.values[i] === null ? Infinity : s.values[i] : i => i; };
  const GROUPS = {
    none: ["nothing", () => () => [0, ""]],
    bins: ["bins of the order", () => binsOf(score.get(by("sort").value), all.length)],
    look: ["look", () => i => [f.look[i], `look ${f.look[i]}`]],
    clip: ["clip", () => i => [f.clip[i], data.clips[f.clip[i]]]],
    track: ["track", () => i => [f.clip[i] * 1e7 + f.track[i], `${data.clips[f.clip[i]]}, track ${f.track[i]}`]],
    decision: ["decision", () => i => state[i] ? [LISTS.indexOf(state[i]) - 3, `${WORDS[state[i]]}, by hand`]
      : f.train[i] ? [0, "trains"] : [1 + f.reason[i], data.reasons[f.reason[i]]]],
  };
  const SHOW = {
    all: ["all", () => true],
    trains: ["what trains", trains],
    drops: ["what does not train", i => !trains(i)],
    hand: ["decided by hand", i => state[i] !== ""],
    changed: ["changed here", i => state[i] !== given[i]],
  };
  const limits = () => [parseFloat(by("low").value), parseFloat(by("high").value)];

  function arrange() {
    const down = by("turn").dataset.down === "1", group = by("group").value, limit = valueOf(by("score").value);
    const [low, high] = limits(), words = by("find").value.trim().toLowerCase(), show = SHOW[by("show").value][1];
    const left = all.filter(i => show(i) && !(limit(i) < low) && !(limit(i) > high) && (!words || key(i).toLowerCase().includes(words)));
    const groups = arranged(left, { value: valueOf(by("sort").value), down, bin: GROUPS[group][1](), reverse: down && group === "bins" });
    shown = groups.flatMap(g => g.rows);
    shown.forEach(dress);
    const nothing = make("p", "empty", "No face is left: widen the range, or show more.");
    by("faces").replaceChildren(...(shown.length ? groups.map(section) : [nothing]));
    headings();
    histogram();
    stored.write({ view: view() });
  }

  function section(group) {
    const box = make("section", "group"), head = make("h2", "", group.label), grid = make("div", "grid");
    const everyone = make("span", "all dim", "all of these:");
    for (const [list, word] of Object.entries(DO)) {
      const button = make("button", list);
      button.append(make("span", "dot"), word);
      button.onclick = () => refresh(chosen.decide(group.rows, list));
      everyone.append(button);
    }
    head.append(make("span", "dim"), everyone);
    grid.append(...group.rows.map(i => tiles[i]));
    box.append(head, grid);
    box.rows = group.rows;
    return box;
  }

  function headings() {
    for (const box of document.querySelectorAll(".group")) {
      const n = box.rows.filter(trains).length;
      box.querySelector("h2 .dim").textContent = `${plural(box.rows.length, "face", "faces")}, ${plural(n, "trains", "train")}`;
    }
  }

  // the histogram of the filter: drag over it

  const canvas = by("histogram"), BARS = 50;
  let span = [0, 1], from = null;

  function histogram() {
    const pen = canvas.getContext("2d"), w = canvas.width, h = canvas.height, [low, high] = limits();
    const values = all.map(valueOf(by("score").value)).filter(Number.isFinite), bars = new Array(BARS).fill(0);
    span = values.length ? [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))] : [0, 1];
    if (span[0] === span[1]) span[1] = span[0] + 1;
    for (const v of values) bars[Math.min(BARS - 1, Math.floor(BARS * (v - span[0]) / (span[1] - span[0])))]++;
    const most = Math.max(...bars, 1);
    pen.clearRect(0, 0, w, h);
    bars.forEach((n, k) => {
      const v = span[0] + (k + .5) / BARS * (span[1] - span[0]), tall = n ? Math.max(2, (h - 2) * Math.sqrt(n / most)) : 0;
      pen.fillStyle = v < low || v > high ? "#44474e" : "#7fb2ff";
      pen.fillRect(k * w / BARS, h - tall, w / BARS - 1, tall);
    });
  }

  const at = event => { const r = canvas.getBoundingClientRect(); return span[0] + Math.min(1, Math.max(0, (event.clientX - r.left) / r.width)) * (span[1] - span[0]); };
  canvas.onpointerdown = event => { from = at(event); canvas.setPointerCapture(event.pointerId); };
  canvas.onpointermove = event => {
    if (from === null || Math.abs(at(event) - from) < (span[1] - span[0]) / 60) return;
    [by("low").value, by("high").value] = [from, at(event)].sort((a, b) => a - b).map(v => String(+v.toPrecision(4)));
    histogram();
  };
  canvas.onpointerup = () => { from = null; arrange(); };
  canvas.ondblclick = () => { by("low").value = by("high").value = ""; arrange(); };

  // the face that is pointed at

  const ranks = new Map(data.scores.map(s => [s.name, s.values.filter(v => v !== null).sort((a, b) => a - b)]));

  function point(i, again) {
    if (i < 0 || (i === pointed && !again)) return;
    pointed = i;
    const about = make("div", "about"), words = make("div"), table = make("table");
    words.append(make("p", "", f.id[i]), make("p", "dim", `${data.clips[f.clip[i]]}, frame ${f.frame[i]}`), make("p", "dim", `track ${f.track[i]}, look ${f.look[i]}`),
      make("p", "dim", `box ${f.box[i].join(", ")}`), make("p", "word " + state[i], state[i] ? `${WORDS[state[i]]} by hand` : ruled(i)));
    if (state[i]) words.append(make("p", "dim", `else: ${ruled(i)}`));
    about.append(pictured(i), words);
    for (const s of data.scores) {
      const tr = make("tr"), scale = make("div", "scale"), mark = make("i"), sorted = ranks.get(s.name), v = s.values[i];
      const below = sorted.filter(o => o < v).length, upto = sorted.filter(o => o <= v).length;
      const share = v === null || sorted.length < 2 ? .5 : (below + upto - 1) / 2 / (sorted.length - 1);
      mark.style.left = `calc(${(100 * share).toFixed(1)}% - 2px)`;
      scale.append(mark);
      tr.title = s.about;
      tr.append(make("td", "", s.label), make("td", "", number(s.name, i)), make("td"));
      tr.lastChild.append(scale);
      table.append(tr);
    }
    by("detail").replaceChildren(about, table);
  }

  // hands

  const rowOf = event => { const tile = event.target.closest && event.target.closest(".tile"); return tile ? +tile.dataset.i : -1; };
  by("faces").addEventListener("pointerover", event => point(rowOf(event)));
  by("faces").addEventListener("focusin", event => point(rowOf(event)));
  by("faces").addEventListener("click", event => {
    const i = rowOf(event), a = shown.indexOf(anchor), b = shown.indexOf(i);
    if (i < 0) return;
    const range = event.shiftKey && a >= 0 ? shown.slice(Math.min(a, b), Math.max(a, b) + 1) : [i];
    refresh(chosen.decide(range, range.length > 1 && tool === "cycle" ? state[anchor] || "clear" : tool));
    anchor = i;
  });

  function take(name) {
    tool = name;
    for (const button of by("tools").children) button.setAttribute("aria-checked", button.dataset.tool === name);
    by("hint").textContent = TOOLS[name][1];
  }

  Object.entries(TOOLS).forEach(([name, [label, about]], k) => {
    const button = make("button", name);
    button.dataset.tool = name;
    button.setAttribute("role", "radio");
    button.title = `${about} (${k + 1})`;
    button.append(make("span", "dot"), label, make("span", "dim", k + 1));
    button.onclick = () => take(name);
    by("tools").append(button);
  });

  const KEYS = [
    ["click", "decides one face, as the tool says"],
    ["Shift + click", "all faces from the last clicked one to this"],
    ["1 to 5", "chooses the tool"],
    ["R  S  K  C", "rejects, swaps only, keeps, clears the face under the pointer"],
    ["arrows, Space", "go from face to face; decide it"],
    ["Ctrl + Z", "undoes; with Shift, does again"],
    ["+  -", "larger and smaller pictures"],
    ["O  P  ?", "turns the order round; shows the panel; shows this"],
  ];
  for (const [name, about] of KEYS) {
    const tr = make("tr"), td = make("td");
    td.append(make("kbd", "", name));
    tr.append(td, make("td", "", about));
    by("keys").firstElementChild.append(tr);
  }
  by("keys").onclick = () => by("keys").close();
  by("help").onclick = () => by("keys").showModal();

  document.addEventListener("keydown", event => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "range";
    const name = event.key.toLowerCase(), quick = { r: "reject", s: "swap_only", k: "keep", c: "clear" }[name];
    if (typing) return;
    if ((event.ctrlKey || event.metaKey) && name === "z") {
      event.preventDefault();
      refresh(event.shiftKey ? chosen.redo() : chosen.undo());
    } else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (/^[1-5]$/.test(name)) take(Object.keys(TOOLS)[name - 1]);
    else if (quick && pointed >= 0) refresh(chosen.decide([pointed], quick));
    else if (name === "o") by("turn").click();
    else if (name === "p") by("side").click();
    else if (name === "?") by("keys").open ? by("keys").close() : by("keys").showModal();
    else if (name === "+" || name === "=" || name === "-") resize(+by("size").value + (name === "-" ? -12 : 12));
    else if (name.startsWith("arrow") && document.activeElement.classList.contains("tile")) {
      const here = document.activeElement, wide = Math.max(1, getComputedStyle(here.parentNode).gridTemplateColumns.split(" ").length);
      const next = shown[shown.indexOf(+here.dataset.i) + { arrowleft: -1, arrowright: 1, arrowup: -wide, arrowdown: wide }[name]];
      event.preventDefault();
      if (next !== undefined) tiles[next].focus();
    }
  });

  function resize(value) {
    value = Math.min(240, Math.max(56, value || 112));
    by("size").value = value;
    document.documentElement.style.setProperty("--size", value + "px");
    document.body.classList.toggle("small", value < 84);
    stored.write({ view: view() });
  }

  function turned(down) {
    by("turn").dataset.down = down ? "1" : "";
    by("turn").textContent = down ? "\u2193" : "\u2191";
    by("turn").setAttribute("aria-label", down ? "largest first" : "smallest first");
  }

  const own = () => (score.get(by("sort").value) || {}).down;
  const follow = () => { if (score.has(by("sort").value) && limits().every(Number.isNaN)) by("score").value = by("sort").value; };
  const options = (id, pairs) => pairs.forEach(([value, label]) => { const o = make("option", "", label); o.value = value; by(id).append(o); });
  options("sort", [["time", "time"], ...data.scores.map(s => [s.name, s.label])]);
  options("score", data.scores.map(s => [s.name, s.label]));
  options("group", Object.entries(GROUPS).map(([name, [label]]) => [name, label]));
  options("show", Object.entries(SHOW).map(([name, [label]]) => [name, label]));
  by("sort").onchange = () => { turned(own()); follow(); arrange(); };
  by("turn").onclick = () => { turned(!by("turn").dataset.down); arrange(); };
  by("score").onchange = () => { by("low").value = by("high").value = ""; arrange(); };
  for (const id of ["group", "show", "low", "high"]) by(id).onchange = arrange;
  by("find").oninput = arrange;
  by("size").oninput = () => resize(+by("size").value);
  by("side").onclick = () => document.body.classList.toggle("alone");
  by("undo").onclick = () => refresh(chosen.undo());
  by("redo").onclick = () => refresh(chosen.redo());
  by("clear").onclick = () => refresh(chosen.discard());

  // out of the page

  by("copy").onclick = async () => {
    try { await navigator.clipboard.writeText(chosen.text()); } catch { // some browsers refuse it to a file, or inside a report
      getSelection().selectAllChildren(by("yaml"));
      document.execCommand("copy");
    }
    by("copy").textContent = "Copied";
    setTimeout(() => { by("copy").textContent = "Copy"; }, 1500);
  };
  by("download").onclick = () => {
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([chosen.text()], { type: "text/yaml" }));
    link.download = data.person + ".yaml";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };

  // begin: as it was left, then as the address asks, for example #sort=yaw&group=bins&reject=clip/000012_0,clip/000013_0

  by("title").textContent = data.person;
  by("note").textContent = data.note;
  by("file").textContent = data.file;
  by("advice").textContent = `Save it as ${data.file} in the project, in place of what is there, and run snakemake again. ` +
    "Lines that stand there now stay, also of faces that are not shown here; comments do not.";
  const asked = new Map(location.hash.slice(1).split("&").filter(Boolean).map(pair => [pair.split("=")[0], pair.split("=").slice(1).join("=")]));
  const before = stored.read(), seen = { sort: data.by, group: data.group, ...before.view, ...Object.fromEntries(asked) };
  const pick = (id, value) => { if ([...by(id).options].some(o => o.value === value)) by(id).value = value; };
  pick("sort", data.by);
  for (const id of ["sort", "group", "show", "score"]) pick(id, seen[id]);
  turned(asked.has("down") ? asked.get("down") === "1" : before.view && !asked.has("sort") ? before.view.down === "1" : own());
  for (const id of ["low", "high", "find"]) if (asked.has(id)) by(id).value = decodeURIComponent(asked.get(id));
  if (!asked.has("score")) pick("score", by("sort").value);
  take(TOOLS[asked.get("tool")] ? asked.get("tool") : "cycle");
  resize(+seen.size);
  const old = Object.entries(before.choices || {}).filter(([name, list]) => row.has(name) && ["", ...LISTS].includes(list) && given[row.get(name)] !== list);
  if (old.length) {
    const wanted = new Map(old.map(([name, list]) => [row.get(name), list]));
    chosen.set([...wanted.keys()], i => wanted.get(i));
    by("restored").hidden = false;
    by("restored").firstElementChild.textContent = `From your last visit: ${plural(old.length, "choice that is", "choices that are")} not in the file yet.`;
    by("fine").onclick = () => { by("restored").hidden = true; };
    by("forget").onclick = () => { by("restored").hidden = true; refresh(chosen.discard()); };
  }
  for (const list of [...LISTS, "clear"]) {
    const named = (asked.get(list) || "").split(",").map(name => row.get(decodeURIComponent(name)));
    chosen.decide(named.filter(i => i !== undefined), list);
  }
  const fit = () => document.documentElement.style.setProperty("--head", document.querySelector("header").offsetHeight + "px");
  addEventListener("resize", fit);
  arrange();
  refresh([]);
  fit();
  point(shown.length ? shown[0] : -1);
})();
