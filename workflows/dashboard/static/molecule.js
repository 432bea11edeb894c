// One molecule in full: drawing, scores, properties, poses in the receptor, files.
import { PROPERTIES, UNITS, scoreList, unit } from "./cards.js";
import { address, ask, count, drawing, fixed, fromText, h } from "./dom.js";

const KINDS = { final: "final pose", docked: "docked pose" };

export class Molecule {
  constructor(dialog) {
    this.dialog = dialog;
    this.viewer = null;
    dialog.addEventListener("close", () => {
      this.viewer?.close();
      this.viewer = null;
      dialog.replaceChildren();
    });
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  }

  // `row` of the hits, and all that are listed with it, to leaf through.
  open(row, rows = [row]) {
    this.rows = rows;
    this.at = rows.indexOf(row);
    if (!this.dialog.open) this.dialog.showModal();
    this.show();
  }

  step(by) {
    const next = this.at + by;
    if (next < 0 || next >= this.rows.length) return;
    this.at = next;
    this.show();
  }

  async show() {
    const row = this.rows[this.at];
    const key = { target: row.target, row: row.row };
    this.viewer?.close();
    this.viewer = null;
    const body = h("div", { class: "molecule" }, h("p", { class: "soft" }, "Asking …"));
    this.dialog.replaceChildren(this.heading(row), body);
    try {
      const told = await ask("molecule", key);
      if (this.rows[this.at] !== row) return;
      body.replaceChildren(...await this.parts(told, key));
    } catch (error) {
      body.replaceChildren(h("p", { class: "wrong" }, error.message));
    }
  }

  heading(row) {
    const button = (text, label, by, off) => h("button", { type: "button", "aria-label": label, disabled: off, onclick: () => this.step(by) }, text);
    return h("header", {},
      h("h2", { id: "molecule-name" }, row.rank ? h("span", { class: "rank" }, `${row.rank} `) : null, row.id),
      h("div", { class: "buttons" },
        button("‹", "Molecule before", -1, this.at <= 0),
        button("›", "Next molecule", 1, this.at >= this.rows.length - 1),
        h("button", { type: "button", "aria-label": "Close", onclick: () => this.dialog.close() }, "✕")));
  }

  async parts(told, key) {
    const { hit } = told;
    const properties = Object.entries(PROPERTIES).filter(([name]) => hit[name] !== null && hit[name] !== undefined);
    const left = h("div", { class: "facts" },
      h("div", { class: "drawing" }, told.drawing ? fromText(told.drawing) : h("span", { class: "soft" }, "not drawn")),
      h("p", { class: "soft small" }, `Scores for ${hit.target}, in ${hit.unit}`),
      scoreList(hit),
      h("dl", { class: "properties" }, ...properties.map(([name, [words, digits]]) => h("div", {}, h("dt", {}, words), h("dd", {}, fixed(hit[name], digits), unit(UNITS[name]))))),
      h("p", { class: "smiles" }, h("code", {}, hit.smiles), " ", h("button", { type: "button", class: "small", onclick: (event) => copy(hit.smiles, event.target) }, "Copy SMILES")),
      hit.novel ? h("p", { class: "soft small" }, "Unlike anything that its model had learnt from: trust the prediction less.") : null,
      h("p", { class: "soft small" }, [hit.row !== null && `library row ${hit.row}`, hit.model && `model ${hit.model}`].filter(Boolean).join(" · ")));
    const right = h("div", { class: "pose" });
    const problems = told.problems.map((text) => h("p", { class: "notice" }, text));
    if (told.poses.length) this.poses(right, told.poses, key, problems, hit.unit);
    else right.replaceChildren(...(problems.length ? problems : [h("p", { class: "soft" }, "No pose: this molecule was not docked by a program that writes poses.")]));
    return [left, right, ...(hit.row === null ? [] : [this.everything(hit.row)])];
  }

  // What takes longer to find: asked for when it is opened.
  everything(row) {
    const box = h("div", {});
    const part = h("details", { class: "everything" }, h("summary", {}, "Everything known of it"), box);
    part.addEventListener("toggle", async () => {
      if (!part.open || box.hasChildNodes()) return;
      box.append(h("p", { class: "soft" }, "Asking …"));
      try {
        const told = await ask("card", { row });
        box.replaceChildren(...cardParts(told));
      } catch (error) {
        box.replaceChildren(h("p", { class: "notice" }, error.message));
      }
    });
    return part;
  }

  async poses(box, poses, key, problems, unitOf) {
    const space = h("div", { class: "viewer" });
    const note = h("p", { class: "soft small", "aria-live": "polite" });
    const file = h("a", { class: "button", download: "" }, "Download pose (SDF)");
    const choose = h("select", { "aria-label": "Pose", onchange: () => load(true) },
      ...poses.map((p, i) => h("option", { value: i }, `${KINDS[p.kind]} ${p.rank + 1}: ${fixed(p.score)} ${unitOf}`)));
    const help = h("details", {}, h("summary", {}, "Mouse and keys"), h("p", { class: "soft small" },
      "Drag to turn, wheel or two fingers to zoom, shift-drag to move. Arrow keys turn, , and . roll, + and − zoom, 0 resets. Point at an atom for its name."));
    box.replaceChildren(...problems, h("div", { class: "choose" }, h("label", {}, "Pose ", choose), file), space, note, help);
    const { Viewer } = await import("./viewer.js");
    if (!box.isConnected && !this.dialog.open) return;
    const viewer = new Viewer(space);
    this.viewer = viewer;
    const load = async (keep) => {
      const pose = poses[Number(choose.value)];
      const asked = { ...key, kind: pose.kind, rank: pose.rank };
      file.href = address("pose", asked);
      try {
        const scene = await ask("scene", asked);
        viewer.load(scene, keep);
        note.textContent = scene.problem || (scene.contacts.length
          ? `Possible hydrogen bonds, by geometry: ${scene.contacts.map((c) => `${c.to} ${c.distance.toFixed(1)} Å`).join(", ")}.`
          : "No hydrogen bond by geometry.");
      } catch (error) {
        note.textContent = error.message;
      }
    };
    await load(false);
  }
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch (error) {
    button.textContent = "Select and copy it by hand";
  }
}

function cardParts(told) {
  const pair = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
  const place = (record) => (record.place ? ` (${count(record.place.place)} of ${count(record.place.of)}, best ${Number(record.place.best_percent.toPrecision(2))} %)` : "");
  const { origin } = told;
  const alerts = Object.entries(told.alerts).map(([name, found]) => `${name.toUpperCase()}: ${found || "none"}`).join("; ");
  const lines = Object.entries(told.targets).flatMap(([target, known]) => ["final", "docked", "teacher", "student"].flatMap((kind) =>
    (known[kind] || []).map((record) => pair(`${target}, ${kind}${record.round === undefined ? "" : record.round === 0 ? ", seed sample" : `, round ${record.round}`}`,
      (record.score ?? record.mean ?? null) === null ? record.failure || "–" : fixed(record.score ?? record.mean) + place(record)))));
  return [
    ...told.notes.map((text) => h("p", { class: "notice" }, text)),
    h("dl", { class: "all" }, ...lines, pair("alerts", alerts), pair("parent compound", h("code", {}, told.parent)),
      told.scaffold ? pair("scaffold", h("code", {}, told.scaffold)) : null,
      origin.file ? pair("from", `${origin.file}, record ${origin.record}`) : pair("made by", origin.reaction),
      ...(origin.blocks || []).map((block) => pair(block.role, block.id)),
      origin.also && origin.also.length ? pair("also", `${count(origin.also.length)} duplicates`) : null),
    told.neighbours.length ? h("h3", {}, "Docked molecules most like it") : null,
    h("ul", { class: "near" }, ...told.neighbours.map((near) => h("li", {}, drawing(near.smiles),
      h("span", {}, near.id), h("small", {}, `similarity ${fixed(near.similarity)}; ${Object.entries(near.scores).map(([target, score]) => `${target} ${fixed(score)}`).join(", ")}`)))),
  ];
}
