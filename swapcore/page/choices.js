"use strict";
// What is chosen on the page of one person's faces, and the text of config/edits/{person}.yaml that says so. No document here.

const LISTS = ["reject", "swap_only", "keep"];
const HEADS = {
  reject: "not this person, or no face at all: neither trained from nor swapped",
  swap_only: "not trained from, but swapped",
  keep: "trained from although a rule dropped it",
};
const CYCLE = { "": "swap_only", swap_only: "reject", reject: "keep", keep: "" };

// `given` is what the file says of each face, `state` what it will say: a list's name, or "" for none
function choicesOf(data) {
  const f = data.faces, all = Array.from({ length: f.id.length }, (_, i) => i);
  const key = i => data.clips[f.clip[i]] + "/" + f.id[i];
  const row = new Map(all.map(i => [key(i), i]));
  const inFile = new Map(LISTS.flatMap(list => data.edits[list].map(([clip, face]) => [clip + "/" + face, list])));
  const given = all.map(i => inFile.get(key(i)) || "");
  const state = given.slice(), past = [], future = [];
  const changed = () => all.filter(i => state[i] !== given[i]);

  // each face gets what `want` says; one step to undo; gives the faces that changed
  function set(rows, want) {
    const step = rows.map(i => [i, state[i], want(i)]).filter(([, before, after]) => before !== after);
    if (step.length) {
      for (const [i, , after] of step) state[i] = after;
      past.push(step);
      future.length = 0;
    }
    return step.map(([i]) => i);
  }

  function walk(from, to, which) {
    const step = from.pop();
    if (!step) return [];
    for (const change of step) state[change[0]] = change[which];
    to.push(step);
    return step.map(([i]) => i);
  }

  // JSON's strings are YAML's, but for a few characters that YAML takes for ends of lines
  const quoted = text => JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029\ufeff]/g,
    c => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
  const line = (clip, face, box) => `- {clip: ${clip}, face: ${quoted(face)}, box: [${box.join(", ")}]}`;

  // first the lines that stand in the file, in their order, without those that were taken back; then the new ones
  function text() {
    const parts = [`# What was decided by hand about the faces of ${data.person}.\n`];
    for (const list of LISTS) {
      const stays = ([clip, face]) => { const i = row.get(clip + "/" + face); return i === undefined || state[i] === list; };
      const lines = data.edits[list].filter(stays).map(entry => line(...entry));
      for (const i of all) if (state[i] === list && given[i] !== list) lines.push(line(data.clips[f.clip[i]], f.id[i], f.box[i]));
      if (lines.length) parts.push(`${list}:  # ${HEADS[list]}\n${lines.join("\n")}\n`);
    }
    return parts.join("") + data.rest;
  }

  return {
    all, key, row, given, state, past, future, changed, set, text,
    trains: i => state[i] ? state[i] === "keep" : f.train[i] === 1,
    decide: (rows, list) => set(rows, i => list === "cycle" ? CYCLE[state[i]] : list === "clear" ? "" : list),
    discard: () => set(changed(), i => given[i]),
    undo: () => walk(past, future, 1),
    redo: () => walk(future, past, 2),
  };
}
