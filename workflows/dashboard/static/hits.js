// Search and filter of the hits: a form that becomes a question, and its answer as cards or as a table.
import { PROPERTIES, UNITS, card, extras, words } from "./cards.js";
import { address, ask, count, fixed, h } from "./dom.js";

const PAGE = 48;
const DEBOUNCE = 450;
const ON_PAGE = ["weight", "logp", "tpsa", "donors", "acceptors", "rotatable_bonds"];
const COLUMNS = ["rank", "id", "final_score", "docked_score", "predicted_mean", "predicted_spread", "docked_round", ...ON_PAGE, "fsp3", "qed", "charge"];
const WORDS = {
  rank: "rank", id: "id", final_score: "final score", docked_score: "docked score", predicted_mean: "prediction",
  predicted_spread: "spread", docked_round: "round docked", combined_score: "combined score", similarity: "similarity",
  ...Object.fromEntries(Object.entries(PROPERTIES).map(([name, [words]]) => [name, words])),
};
const RANKINGS = {
  auto: "the best kind of score there is", final: "final score", docked: "docked score", predicted: "prediction of the teacher",
  combined: "docked, else predicted with caution", screened: "prediction of the student, whole library",
};

export class Hits {
  constructor(part, molecule) {
    this.part = part;
    this.molecule = molecule;
    this.view = "cards";
    this.sort = "";
    this.down = false;
    this.rows = [];
    this.version = null;
  }

  // The campaign has gone on: say so, and leave what is on the page as it is.
  follow(value) {
    this.latest = value.version;
    if (this.stale && this.version !== null && this.version !== this.latest) this.stale.hidden = false;
  }

  async open(state) {
    if (!this.form) {
      try {
        this.choices = await ask("choices");
      } catch (error) {
        this.part.replaceChildren(h("p", { class: "wrong" }, error.message));
        return;
      }
      this.build();
    }
    if (state !== this.written || this.version === null) {
      this.restore(new URLSearchParams(state));
      this.search();
    }
  }

  build() {
    const c = this.choices;
    const pair = (name) => h("fieldset", { class: "window" }, h("legend", {}, (WORDS[name] || name.replaceAll("_", " ")) + (UNITS[name] ? ` (${UNITS[name]})` : "")),
      h("input", { type: "number", step: "any", name: `low-${name}`, placeholder: "from", "aria-label": `${WORDS[name] || name} from` }),
      h("input", { type: "number", step: "any", name: `high-${name}`, placeholder: "to", "aria-label": `${WORDS[name] || name} to` }));
    const tick = (group, value, words) => h("label", {}, h("input", { type: "checkbox", name: group, value }), ` ${words}`);
    const line = (name, words, hint) => h("label", { class: "line" }, words, h("input", { type: "text", name, placeholder: hint, spellcheck: "false", autocomplete: "off" }));
    const select = (name, words, options) => h("label", { class: "line" }, words, h("select", { name }, ...options.map(([value, text]) => h("option", { value }, text))));
    this.form = h("form", { class: "search panel", role: "search", "aria-label": "Search the hits" },
      h("div", { class: "row" },
        line("text", "Id or SMILES contains", ""),
        c.targets.length > 1 ? select("targets", "Target", [["", "all"], ...c.targets.map((t) => [t, t])]) : null,
        c.targets.length > 1 ? select("across", "Across targets", [["", "each target by itself"], ["worst", "best worst score over all targets"],
          ...c.targets.flatMap((a) => c.targets.filter((b) => b !== a).map((b) => [`${a} over ${b}`, `better for ${a} than for ${b}`])).slice(0, 90)]) : null,
        select("by", "Ranked by", c.rankings.map((r) => [r, RANKINGS[r] || r]))),
      h("details", { class: "filters" }, h("summary", {}, "Properties and alerts"),
        h("div", { class: "windows" }, ...c.windows.map(pair)),
        h("p", { class: "ticks" }, ...c.rules.map((r) => tick("rules", r, r[0].toUpperCase() + r.slice(1))),
          ...c.catalogues.map((k) => tick("no_alerts", k, `no ${k === "pains" ? "PAINS" : k === "nih" ? "NIH" : "Brenk"} alert`)))),
      h("details", { class: "filters" }, h("summary", {}, "Structure, novelty, diversity"),
        h("div", { class: "row" },
          line("has", "Has substructure (SMARTS)", "c1ccc2ncccc2c1"), line("has_not", "Has not (SMARTS)", "[N+](=O)[O-]"),
          line("similar_to", "Similar to (SMILES)", ""), line("similarity", "with a similarity of at least", "0.5"),
          line("novel_against", "Unlike known actives (SMILES, separated by spaces)", ""), line("novelty", "with a similarity below", "0.4")),
        h("div", { class: "row" },
          select("diverse", "Diverse picks", [["", "no"], ...c.diversities.map((d) => [d, d === "maxmin" ? "MaxMin" : "one per scaffold"])]),
          line("top", "How many", "all that match"),
          tick("per_parent", "yes", "one per parent compound"))),
      h("details", { class: "filters" }, h("summary", {}, "Condition in SQL"), line("where", "Condition", "docked_score < -9 AND weight < 400")),
      h("div", { class: "buttons" }, h("button", { type: "submit", class: "main" }, "Search"), h("button", { type: "reset" }, "Reset")));
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.search(); });
    this.form.addEventListener("reset", () => {
      if (!this.restoring) setTimeout(() => { this.sort = ""; this.down = false; this.search(); });
    });
    this.form.addEventListener("input", () => { clearTimeout(this.timer); this.timer = setTimeout(() => this.search(), DEBOUNCE); });
    this.told = h("p", { role: "status" });
    this.stale = h("p", { class: "notice", hidden: true }, "The campaign has gone on since. ", h("button", { type: "button", onclick: () => this.search() }, "Ask again"));
    this.notes = h("div");
    this.sorter = h("div", { class: "sorter" });
    this.results = h("div");
    this.more = h("button", { type: "button", class: "main", hidden: true, onclick: () => this.search(true) }, "Show more");
    this.part.replaceChildren(h("h2", {}, "Hits"), this.form, this.stale, this.told, this.notes, this.sorter, this.results, this.more);
  }

  // The question that the form asks, in the words of HitQuery.
  question() {
    const data = new FormData(this.form);
    const text = (name) => (data.get(name) || "").trim();
    const q = {};
    if (text("text")) q.text = text("text");
    if (text("by") && text("by") !== "auto") q.by = text("by");
    if (text("targets")) q.targets = [text("targets")];
    if (text("where")) q.where = text("where");
    const windows = {};
    for (const name of this.choices.windows) {
      const [low, high] = ["low", "high"].map((end) => (text(`${end}-${name}`) === "" ? null : Number(text(`${end}-${name}`))));
      if (low !== null || high !== null) windows[name] = [low, high];
    }
    if (Object.keys(windows).length) q.windows = windows;
    if (windows.qed) q.add = ["qed"];
    if (text("across") === "worst") q.worst_over = this.choices.targets;
    else if (text("across")) [q.selective] = [text("across").split(" over ")].map(([target, over]) => ({ target, over, margin: null }));
    if (text("across")) delete q.targets;
    for (const name of ["rules", "no_alerts"]) if (data.getAll(name).length) q[name] = data.getAll(name);
    for (const name of ["has", "has_not"]) if (text(name)) q[name] = [text(name)];
    for (const [name, limit] of [["similar_to", "similarity"], ["novel_against", "novelty"]]) {
      if (!text(name)) continue;
      q[name] = text(name).split(/\s+/);
      if (text(limit)) q[limit] = Number(text(limit));
    }
    if (text("diverse")) Object.assign(q, { diverse: text("diverse"), top: 100 });
    if (/^\d+$/.test(text("top"))) q.top = Number(text("top"));
    if (data.get("per_parent")) q.per_parent = true;
    return q;
  }

  restore(state) {
    this.restoring = true;
    this.form.reset();
    this.restoring = false;
    this.sort = state.get("sort") || "";
    this.down = state.get("order") === "down";
    this.view = state.get("view") === "table" ? "table" : "cards";
    let q = {};
    try { q = JSON.parse(state.get("q") || "{}"); } catch (error) { q = {}; }
    for (const [name, value] of Object.entries(q)) {
      const field = this.form.elements[name];
      if (name === "windows") {
        for (const [column, ends] of Object.entries(value)) {
          ["low", "high"].forEach((end, i) => { const box = this.form.elements[`${end}-${column}`]; if (box) box.value = ends[i] ?? ""; });
        }
      } else if (["rules", "no_alerts"].includes(name)) {
        this.form.querySelectorAll(`[name=${name}]`).forEach((box) => { box.checked = value.includes(box.value); });
      } else if (name === "per_parent") field.checked = true;
      else if (name === "worst_over") this.form.elements.across.value = "worst";
      else if (name === "selective") this.form.elements.across.value = `${value.target} over ${value.over}`;
      else if (field) field.value = Array.isArray(value) ? value.join(" ") : value;
    }
    this.form.querySelectorAll("details").forEach((part) => {
      part.open = [...part.querySelectorAll("input, select")].some((box) => (box.type === "checkbox" ? box.checked : box.value));
    });
  }

  async search(more = false) {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.asking = new AbortController();
    const q = JSON.stringify(this.question());
    const order = this.down ? "down" : "";
    const first = more ? this.rows.length : 0;
    const kept = Object.entries({ q: q === "{}" ? "" : q, sort: this.sort, order, view: this.view === "table" ? "table" : "" }).filter(([, v]) => v);
    this.written = new URLSearchParams(kept).toString();
    if (location.hash.startsWith("#hits")) history.replaceState(null, "", this.written ? `#hits?${this.written}` : "#hits");
    this.part.setAttribute("aria-busy", "true");
    const slow = setTimeout(() => { this.told.textContent = "Asking …"; }, 300);
    try {
      const page = await ask("hits", { q, sort: this.sort, order, first, count: PAGE }, this.asking.signal);
      this.rows = more ? [...this.rows, ...page.rows] : page.rows;
      this.page = page;
      this.version = page.version;
      this.stale.hidden = true;
      clearTimeout(slow);
      this.show(q);
    } catch (error) {
      if (error.name === "AbortError") return;
      clearTimeout(slow);
      this.told.replaceChildren(h("span", { class: "wrong" }, error.message));
    } finally {
      clearTimeout(slow);
      this.part.removeAttribute("aria-busy");
    }
  }

  show(q) {
    const { page } = this;
    const most = page.cut ? ` (the best ${count(page.total)} that match; a narrower question or the export gives the others)` : "";
    this.told.textContent = page.total ? `${count(page.total)} molecules${most}.` : "No molecule matches.";
    this.notes.replaceChildren(...page.notes.map((text) => h("p", { class: "notice" }, text)),
      page.funnel.length ? h("details", {}, h("summary", {}, "How the conditions narrow it down"), h("ul", {}, ...page.funnel.map(([target, condition, left]) =>
        h("li", {}, `${target}: ${condition || "ranked"}: ${count(left)}`)))) : "",
      h("details", {}, h("summary", {}, "The same in a terminal"), h("p", {}, h("code", {}, page.command))));
    this.makeSorter(q);
    const open = (row) => this.molecule.open(row, this.rows);
    this.results.className = this.view === "cards" ? "cards" : "scroll";
    this.results.replaceChildren(...(this.view === "cards" ? this.rows.map((row) => card(row, () => open(row))) : [this.table(open)]));
    this.more.hidden = this.rows.length >= page.total;
    this.more.textContent = `Show more (${count(page.total - this.rows.length)} left)`;
  }

  makeSorter(q) {
    const columns = [...COLUMNS, ...extras(this.page.columns)];
    const there = columns.filter((name) => this.page.columns.includes(name));
    const choose = h("select", { "aria-label": "Sort by", onchange: (event) => this.order(event.target.value, false) },
      h("option", { value: "" }, "rank, as asked"), ...there.filter((name) => name !== "rank").map((name) => h("option", { value: name, selected: name === this.sort }, WORDS[name] || words(name))));
    const way = h("button", { type: "button", disabled: !this.sort, onclick: () => this.order(this.sort, !this.down) }, this.down ? "largest first" : "smallest first");
    const view = h("button", { type: "button", onclick: () => { this.view = this.view === "cards" ? "table" : "cards"; this.search(); } }, this.view === "cards" ? "As table" : "As cards");
    const files = h("span", { class: "files" }, "Download all: ", ...this.choices.formats.map((format) =>
      h("a", { href: address("export", { q, format }), download: "", class: "button" }, format.toUpperCase())));
    this.sorter.replaceChildren(h("label", {}, "Sort by ", choose), way, view, files);
  }

  order(column, down) {
    this.sort = column;
    this.down = down;
    this.search();
  }

  table(open) {
    const columns = [...COLUMNS.slice(0, 7), ...extras(this.page.columns), ...COLUMNS.slice(7)].filter((name) => this.page.columns.includes(name) && (name === "rank" || this.rows.some((row) => row[name] !== null)));
    const several = new Set(this.rows.map((row) => row.target)).size > 1;
    const units = [...new Set(this.rows.map((row) => row.unit))];
    const scores = units.length === 1 ? units[0] : "";
    const unit = (name) => UNITS[name] || (/^(final_score|docked_score|predicted_mean|predicted_spread|combined_score)$/.test(name) ? scores : "");
    const head = columns.map((name) => {
      const sorted = this.sort === name || (!this.sort && name === "rank");
      const turn = () => (name === "rank" ? this.order("", false) : this.order(name, this.sort === name ? !this.down : false));
      return h("th", { scope: "col", class: name === "id" ? "" : "number", "aria-sort": sorted ? (this.down ? "descending" : "ascending") : "none" },
        h("button", { type: "button", onclick: turn }, WORDS[name] || words(name), unit(name) ? ` (${unit(name)})` : "", sorted ? (this.down ? " ▾" : " ▴") : ""));
    });
    const cell = (row, name) => {
      const value = row[name];
      if (typeof value !== "number") return value ?? "–";
      return Number.isInteger(value) && !name.endsWith("score") ? String(value).replace("-", "−") : fixed(value, (PROPERTIES[name] || ["", 2])[1]);
    };
    const body = this.rows.map((row) => h("tr", {}, ...columns.map((name) => (name === "id"
      ? h("th", { scope: "row" }, h("button", { type: "button", class: "linklike", onclick: () => open(row) }, row.id), several ? h("small", { class: "soft" }, ` ${row.target}`) : null)
      : h("td", { class: "number" }, cell(row, name))))));
    return h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...body));
  }
}
