"use strict";
// In which order and groups faces are shown. No document here.

const YAW = [[-45, "far to the image's left"], [-15, "to the image's left"], [15, "ahead"], [45, "to the image's right"],
  [Infinity, "far to the image's right"]];
const PARTS = 8; // of the time, as bins
const BINS = 6; // about as many of any other score

// face -> [rank, label] of its bin of a score, {name, unit, values}; "time" is the order of clips and frames
function binsOf(score, count) {
  if (!score) return i => { const k = Math.min(Math.floor(PARTS * i / count), PARTS - 1); return [k, `part ${k + 1} of ${PARTS}`]; };
  const known = score.values.filter(v => v !== null).sort((a, b) => a - b);
  if (!known.length) return () => [0, "not known"];
  if (score.name === "yaw") {
    return i => {
      const k = YAW.findIndex(([edge]) => score.values[i] < edge);
      const from = k ? `${YAW[k - 1][0]}°` : "", to = k < 4 ? `${YAW[k][0]}°` : "";
      return [k, `${YAW[k][1]} (${from && to ? `${from} to ${to}` : from ? `from ${from}` : `to ${to}`})`];
    };
  }
  // round widths; outliers make no bin wider
  const raw = Math.max(known[Math.ceil(.98 * (known.length - 1))] - known[Math.floor(.02 * (known.length - 1))], 1e-6) / BINS;
  const unit = 10 ** Math.floor(Math.log10(raw)), width = unit * [1, 2, 2.5, 5, 10].find(m => m * unit >= raw * .999);
  const short = v => String(+v.toFixed(Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(width))))));
  return i => {
    const v = score.values[i], k = Math.floor(v / width + 1e-9);
    return v === null ? [1e9, "not known"] : [k, `${short(k * width)} to ${short((k + 1) * width)}${score.unit}`];
  };
}

// faces in order, in groups: [{label, rows}]; `bin` gives a face's [rank, label]
function arranged(rows, { value, down, bin, reverse }) {
  const sorted = rows.slice().sort((a, b) => (down ? value(b) - value(a) : value(a) - value(b)) || a - b);
  const groups = new Map();
  for (const i of sorted) {
    const [rank, label] = bin(i);
    if (!groups.has(label)) groups.set(label, { rank, label, rows: [] });
    groups.get(label).rows.push(i);
  }
  const ordered = [...groups.values()].sort((a, b) => a.rank - b.rank);
  return reverse ? ordered.reverse() : ordered;
}
