// A molecule as a card: drawing, scores that are never mixed, properties.
import { drawing, fixed, h } from "./dom.js";

export const UNITS = { weight: "Da", tpsa: "Å²" };
export const unit = (text) => (text ? h("span", { class: "unit" }, `\u00a0${text}`) : null);

export const PROPERTIES = {
  weight: ["weight", 0], logp: ["logP", 1], tpsa: ["TPSA", 0], donors: ["donors", 0], acceptors: ["acceptors", 0],
  rotatable_bonds: ["rot. bonds", 0], rings: ["rings", 0], fsp3: ["Fsp3", 2], qed: ["QED", 2], heavy_atoms: ["heavy atoms", 0],
  charge: ["charge", 0],
};

const ALWAYS = new Set(["rank", "target", "id", "smiles", "final_score", "docked_score", "predicted_mean", "predicted_spread",
  "similarity", "novel", "unit", "docked_round", "predicted_round", "model", "pose", "final_pose", "row", "unassigned_stereocentres",
  ...Object.keys(PROPERTIES)]);
// Columns that the question made: matches, scores over several targets, alerts, ...
export const extras = (columns) => columns.filter((name) => !ALWAYS.has(name));
export const words = (name) => name.replaceAll("_", " ");

export function scores(row) {
  const list = [];
  if (row.final_score !== null && row.final_score !== undefined) list.push(["final", fixed(row.final_score), "docked again"]);
  if (row.docked_score !== null && row.docked_score !== undefined) {
    list.push(["docked", fixed(row.docked_score), row.docked_round === 0 ? "seed sample" : `round ${row.docked_round}`]);
  }
  if (row.predicted_mean !== null && row.predicted_mean !== undefined) {
    const spread = row.predicted_spread === null || row.predicted_spread === undefined ? "" : `\u00a0±\u00a0${fixed(row.predicted_spread)}`;
    list.push(["predicted", fixed(row.predicted_mean) + spread, `round ${row.predicted_round}`]);
  }
  return list;
}

export function scoreList(row) {
  return h("dl", { class: "scores" }, ...scores(row).map(([name, figure, note]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, figure, h("small", {}, [row.unit, note].filter(Boolean).join(", "))))));
}

const figure = (value) => (typeof value === "number" ? fixed(value, Number.isInteger(value) ? 0 : 2) : String(value));

export function card(row, open) {
  const made = extras(Object.keys(row)).filter((name) => row[name] !== null && String(row[name]).length < 25);
  const shown = ["weight", "logp", "tpsa", "rotatable_bonds"].filter((name) => row[name] !== null && row[name] !== undefined);
  return h("article", { class: "card" },
    h("button", { type: "button", class: "open", onclick: open, "aria-label": `Show ${row.id}` },
      drawing(row.smiles),
      h("span", { class: "name" }, row.rank ? h("span", { class: "rank" }, `${row.rank} `) : null, row.id)),
    scoreList(row),
    made.length ? h("dl", { class: "scores made" }, ...made.map((name) => h("div", {}, h("dt", {}, words(name)), h("dd", {}, figure(row[name]))))) : null,
    h("p", { class: "soft small" }, shown.map((name) => `${PROPERTIES[name][0]} ${fixed(row[name], PROPERTIES[name][1])}${UNITS[name] ? `\u00a0${UNITS[name]}` : ""}`).join(" · ")));
}
