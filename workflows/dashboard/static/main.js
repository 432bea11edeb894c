// The page: asks where the campaign stands every few seconds, and shows the part that the address names.
import { ask, count, duration, h, moment } from "./dom.js";
import { Hits } from "./hits.js";
import { Molecule } from "./molecule.js";
import { Progress } from "./progress.js";

const EVERY = 2000;
const SELDOM = 15000; // a campaign that does not run, or a page that nobody looks at

const by = (id) => document.getElementById(id);
const molecule = new Molecule(by("molecule"));
const progress = new Progress(molecule);
const hits = new Hits(by("hits-part"), molecule);
let latest = null;
let seen = 0;
let timer = null;

function show(value) {
  latest = value;
  seen = Date.now();
  const { campaign } = value;
  document.title = `${campaign.name} · docksieve`;
  by("name").textContent = campaign.name;
  by("state").textContent = value.state;
  by("state").className = `state ${value.state}`;
  by("state").hidden = false;
  by("about").textContent = [
    `${count(campaign.molecules)} molecules`, campaign.targets.map((t) => t.name).join(", "),
    `begun ${moment(campaign.begun)}`, campaign.folder,
  ].join(" · ");
  progress.show(value);
  hits.follow(value);
}

function trouble(message) {
  const more = message && latest ? " What stands below is what was last seen." : "";
  by("trouble").textContent = message ? message + more : "";
  by("trouble").hidden = !message;
  by("main").classList.toggle("stale", Boolean(message));
}

// Whether the folder and the dashboard are still there costs next to nothing to ask.
async function there() {
  if (!document.hidden) {
    try {
      await ask("there");
      if (!by("trouble").hidden) look();
    } catch (error) {
      trouble(error.message);
    }
  }
  setTimeout(there, EVERY);
}

async function look() {
  clearTimeout(timer);
  try {
    show(await ask("progress"));
    trouble("");
  } catch (error) {
    trouble(error.message);
  }
  const running = latest && ["running", "cancelling"].includes(latest.state);
  timer = setTimeout(look, running && !document.hidden ? EVERY : SELDOM);
}

function tick() {
  if (!latest) return;
  const left = latest.secondsLeft ? `about ${duration(latest.secondsLeft)} left, ` : "";
  by("live").textContent = `${left}as of ${duration((Date.now() - seen) / 1000)} ago`;
}

function route() {
  const [part] = location.hash.replace("#", "").split("?");
  const chosen = part === "hits" ? "hits" : "progress";
  for (const name of ["progress", "hits"]) {
    by(`${name}-part`).hidden = name !== chosen;
    if (name === chosen) by(`to-${name}`).setAttribute("aria-current", "page");
    else by(`to-${name}`).removeAttribute("aria-current");
  }
  if (chosen === "hits") hits.open(location.hash.split("?")[1] || "");
}

window.addEventListener("gone", (event) => trouble(event.detail));
window.addEventListener("hashchange", (event) => {
  if (location.hash === "#main") {
    event.preventDefault();
    by("main").focus();
    return;
  }
  route();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
setInterval(tick, 1000);
by("about").replaceChildren(h("span", {}, "Asking …"));
look();
setTimeout(there, EVERY);
route();
