// Where the campaign stands: stages, rates, queue, nodes, failures, and the best molecules so far.
import { ask, count, duration, h, refresh, short, svg } from "./dom.js";
import { card } from "./cards.js";

const STEPS = {
  sample: "seed sample", train: "train teacher", label: "labels for the student", distil: "distil student", cut: "how many go to the teacher",
  screen: "screen library", rank: "rank", refine: "teacher's look", acquire: "acquire", select: "select", dock: "dock",
  hits: "list hits",
};
const KINDS = { dock: ["docked", "s0"], screen: ["screened", "s1"], refine: ["predicted by the teacher", "s5"] };
const BEST = 12;
const by = (id) => document.getElementById(id);

export class Progress {
  constructor(molecule) {
    this.molecule = molecule;
    this.version = null;
    this.target = null;
  }

  show(value) {
    refresh(by("tiles"), tiles(value), (items) => items.map(([name, figure]) => h("div", {}, h("dt", {}, name), h("dd", {}, figure.replace(/(\d) (?=[a-z%])/g, "$1\u00a0")))));
    refresh(by("stages"), [value.stages, value.waiting], ([done, waiting]) => stages(done, waiting));
    refresh(by("rates"), value.rates, rates);
    refresh(by("queue"), [value.queue, value.state, value.driver, value.waiting, value.damage], queue);
    refresh(by("nodes"), [value.nodes, Math.floor(value.now / 10)], ([nodes]) => nodeTable(nodes, value.now));
    if (this.version !== value.version) {
      this.version = value.version;
      this.failures(value);
      this.best(value);
    }
  }

  async failures(value) {
    let examples = [];
    if (value.failedDockings.length) {
      try {
        examples = (await ask("failures")).codes;
      } catch (error) {
        examples = [];
      }
    }
    refresh(by("failures"), [value.failedTasks, value.failedDockings, examples], failureParts);
  }

  async best(value) {
    const targets = value.campaign.targets;
    this.target ||= targets[0].name;
    if (targets.length > 1 && by("best-of").hidden) {
      by("best-of").hidden = false;
      by("best-of").replaceChildren("for ", h("select", { onchange: (event) => { this.target = event.target.value; this.best(value); } },
        ...targets.map((t) => h("option", { value: t.name }, t.name))));
    }
    const q = JSON.stringify({ targets: [this.target], top: BEST });
    try {
      const page = await ask("hits", { q, count: BEST });
      refresh(by("best"), page.rows, (rows) => rows.length
        ? rows.map((row) => card(row, () => this.molecule.open(row, page.rows)))
        : h("p", { class: "soft" }, "Nothing is docked or predicted yet."));
    } catch (error) {
      refresh(by("best"), error.message, (text) => h("p", { class: "soft" }, text));
    }
  }
}

function tiles(value) {
  const docked = sum(value.stages.filter((s) => s.stage.endsWith("/dock")), "molecules");
  const lost = value.failedDockings.reduce((total, item) => total + item.count, 0);
  const scored = sum(value.stages.filter((s) => s.stage.endsWith("/screen")), "molecules");
  const tasks = sum(value.stages, "total");
  const list = [
    ["tasks planned so far, done", `${count(sum(value.stages, "done"))} of ${count(tasks)}`],
    ["molecules screened, all rounds", short(scored)],
    ["dockings, failed ones counted", count(docked)],
    ["dockings with a score", docked ? `${count(docked - lost)} (${Math.round((100 * (docked - lost)) / docked)} %)` : "–"],
    ["dockings without a score", count(lost)],
  ];
  if (value.first) list.push(["from the first task to the last", duration(value.last - value.first)]);
  if (value.state === "running") list.push(["left, estimated", value.secondsLeft === null ? "–" : duration(value.secondsLeft)]);
  return list;
}

const sum = (items, key) => items.reduce((total, item) => total + item[key], 0);

function words(stage) {
  const [group, step] = stage.split("/");
  return [group.replace("round-0", "round ").replace("round-", "round "), STEPS[step] || step];
}

const unfolded = new Map(); // which rounds the reader has opened or closed

function stages(done, waiting) {
  const groups = new Map();
  for (const stage of done) {
    const group = words(stage.stage)[0];
    groups.set(group, [...(groups.get(group) || []), stage]);
  }
  const last = [...groups.keys()].pop();
  const parts = [...groups].map(([group, list]) => {
    const finished = list.every((s) => s.done === s.total);
    const open = unfolded.get(group) ?? (!finished || group === last || groups.size <= 3);
    const failed = sum(list, "failed");
    const short = finished ? `${list.length} stages done` : `${count(sum(list, "done"))} of ${count(sum(list, "total"))} tasks${failed ? `, ${count(failed)} failed` : ""}`;
    return h("details", { open, ontoggle: (event) => unfolded.set(group, event.target.open) },
      h("summary", {}, h("strong", {}, group), " ", h("span", { class: "soft" }, short)), h("ol", { class: "stages" }, ...list.map(stageRow)));
  });
  const names = waiting.map((stage) => words(stage).join(" "));
  if (names.length) parts.push(h("details", {}, h("summary", {}, `${names.length} stages to come`), h("p", { class: "soft" }, names.join(", "))));
  return parts.length ? parts : h("p", { class: "soft" }, "Nothing has begun yet.");
}

function stageRow(s) {
  const parts = ["done", "running", "failed"].map((kind) => {
    const part = h("span", { class: kind });
    part.style.width = `${(100 * s[kind]) / Math.max(1, s.total)}%`;
    return part;
  });
  const numbers = [`${count(s.done)} of ${count(s.total)}`, s.running && `${count(s.running)} running`,
    s.failed && `${count(s.failed)} failed`].filter(Boolean).join(", ");
  return h("li", { class: s.failed ? "stage bad" : "stage" },
    h("span", { class: "what" }, words(s.stage)[1]),
    h("span", { class: "bar", role: "img", "aria-label": numbers }, ...parts),
    h("span", { class: "how" }, numbers),
    h("span", { class: "more soft", title: "molecules, and molecules per second of task time" },
      `${short(s.molecules)} molecule${s.molecules === 1 ? "" : "s"}${s.rate ? `, ${short(s.rate)}/s` : ""}`));
}

function perTime(perSecond) {
  if (perSecond >= 1 || perSecond === 0) return [short(perSecond), "per second"];
  return perSecond * 60 >= 1 ? [short(perSecond * 60), "per minute"] : [short(perSecond * 3600), "per hour"];
}

function rates(value) {
  const kinds = Object.keys(value.series);
  if (!kinds.length) return h("p", { class: "soft" }, "No task is finished yet.");
  return kinds.map((kind) => {
    const [name, colour] = KINDS[kind];
    const [now, unit] = perTime(value.present[kind] || 0);
    return h("div", { class: "rate" },
      h("p", {}, h("strong", {}, name), ` ${now} molecules ${unit} `,
        h("span", { class: "soft" }, `in the last ${duration(value.window)}`)),
      chart(value.series[kind], colour, value.end - value.start, name));
  });
}

function chart(series, colour, span, name) {
  const [width, height, top] = [600, 70, Math.max(...series) || 1];
  const [peak, unit] = perTime(top);
  const step = width / series.length;
  const points = series.flatMap((v, i) => {
    const y = (height - (height - 4) * (v / top)).toFixed(1);
    return [`${(i * step).toFixed(1)} ${y}`, `${((i + 1) * step).toFixed(1)} ${y}`];
  });
  const title = svg("title");
  title.textContent = `Molecules ${name} over ${duration(span)}; at most ${peak} ${unit}.`;
  return h("div", { class: "spark" },
    svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img" }, title,
      svg("path", { class: `area ${colour}`, d: `M0 ${height}L${points.join("L")}L${width} ${height}Z` })),
    h("p", { class: "soft ends" }, h("span", {}, "begin"), h("span", {}, `peak ${peak} ${unit}`), h("span", {}, duration(span))));
}

function queue([q, state, driver, waiting, damage]) {
  if (!["running", "cancelling"].includes(state)) {
    const text = { complete: "The campaign is complete: nothing waits.", damaged: `The campaign is damaged: ${damage.join(" ")}`, stopped: "Nobody drives the campaign now. docksieve submit goes on with it." };
    return h("p", { class: "soft" }, text[state] || `The campaign is ${state}.`);
  }
  return [
    h("p", {}, h("strong", {}, `${count(q.runningCount)} of ${count(q.workers)} workers busy`),
      ` on site ${q.site}; ${count(q.sent)} tasks sent to wait, ${count(q.left)} left in the stages planned, ${count(waiting.length)} stages to come.`),
    h("p", { class: "soft" }, driver),
    q.running.length ? h("details", { open: q.running.length <= 8 }, h("summary", {}, "running now"),
      h("ul", { class: "plain" }, ...q.running.map((task) => h("li", {}, h("code", {}, task))))) : null,
  ];
}

function nodeTable(nodes, now) {
  if (!nodes.count) return h("p", { class: "soft" }, "No task is finished yet.");
  const head = ["node", "device", "workers", "tasks done", "tasks failed", "molecules docked", "molecules screened", "busy", "last task"];
  // Roles are said, for on a phone the rows are laid out as lists and would lose them.
  const cell = (i, number, text) => h("td", { role: "cell", class: number, "data-label": head[i] }, text);
  const rows = nodes.listed.map((n) => h("tr", { role: "row", class: n.failed ? "bad" : "" },
    h("th", { scope: "row", role: "rowheader" }, n.host), cell(1, "", n.devices.join(", ") || "–"),
    ...[count(n.workers), count(n.tasks), count(n.failed), count(n.molecules.dock || 0), short(n.molecules.screen || 0),
      `${Math.round(100 * n.busy)} %`, `${duration(Math.max(0, now - n.last))} ago`].map((text, i) => cell(i + 2, "number", text))));
  return [
    h("table", { class: "nodes", role: "table" },
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...head.map((name, i) => h("th", { scope: "col", role: "columnheader", class: i > 1 ? "number" : "" }, name)))),
      h("tbody", { role: "rowgroup" }, ...rows)),
    h("p", { class: "soft" }, "Busy: share of its workers' time that tasks took in the latest ten minutes of the run.",
      nodes.count > nodes.listed.length ? ` The ${nodes.listed.length} latest of ${count(nodes.count)} nodes.` : ""),
  ];
}

function failureParts([tasks, codes, examples]) {
  const parts = [];
  if (tasks.count) {
    parts.push(h("div", { class: "wrong" }, h("strong", {}, `${count(tasks.count)} tasks failed`),
      h("ul", {}, ...tasks.listed.map((t) => h("li", {}, h("code", {}, t.task), ` on ${t.host}: ${t.message} `,
        h("span", { class: "soft" }, `(${t.code}${t.retryable ? ", may work elsewhere" : ""})`))))));
  }
  if (codes.length) {
    parts.push(h("ul", { class: "panel failures" }, ...codes.map((item) => {
      const found = (examples.find((e) => e.code === item.code) || { examples: [] }).examples;
      return h("li", {}, h("strong", {}, item.code.replaceAll("_", " ")), ` ${count(item.count)} `,
        h("span", { class: "soft" }, item.meaning),
        found.length ? h("details", {}, h("summary", {}, "examples"), h("ul", { class: "plain" }, ...found.map((e) =>
          h("li", {}, h("code", {}, e.id), ` ${e.message || ""} `, h("span", { class: "soft" }, `${e.target}, ${e.stage}`))))) : null);
    })));
  }
  return parts.length ? parts : h("p", { class: "soft" }, "No task failed, and every docking gave a score.");
}
