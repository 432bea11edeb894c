// Small pieces that every part of the page is made of. Text goes in as text: nothing from the server is ever HTML.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value === "boolean") element[name] = value;
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// Answers of the server; what it says of an error becomes the error.
export async function ask(name, parameters = {}, signal = undefined) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(given);
  let response;
  try {
    response = await fetch(`api/${name}?${query}`, { signal, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The dashboard does not answer: it was closed, or the tunnel to it is down.");
  }
  const json = (response.headers.get("content-type") || "").includes("json");
  if (response.ok) return json ? response.json() : response.text();
  if (response.status === 403) throw new Error("This browser may not open the page any more: use the link that the terminal shows.");
  const told = json ? await response.json() : { error: `The server answered ${response.status}.` };
  const said = [told.error, told.hint].filter(Boolean).join(" ");
  if (response.status === 503) window.dispatchEvent(new CustomEvent("gone", { detail: said })); // the campaign's folder
  throw new Error(said);
}

export function address(name, parameters) {
  return `api/${name}?${new URLSearchParams(Object.entries(parameters).filter(([, v]) => v !== null && v !== undefined && v !== ""))}`;
}

// Drawings hold paths and nothing else; whatever else came would not be taken over.
const drawings = new Map();
export function drawing(smiles) {
  const box = h("div", { class: "drawing", role: "img", "aria-label": "structure" });
  const wanted = new IntersectionObserver(async (entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    wanted.disconnect();
    if (!drawings.has(smiles)) {
      drawings.set(smiles, ask("drawing", { smiles }));
      if (drawings.size > 500) drawings.delete(drawings.keys().next().value);
    }
    try {
      box.replaceChildren(fromText(await drawings.get(smiles)));
    } catch (error) {
      drawings.delete(smiles);
      box.replaceChildren(h("span", { class: "soft" }, "not drawn"));
    }
  }, { rootMargin: "300px" });
  wanted.observe(box);
  return box;
}

export function fromText(text) {
  const source = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  const paths = [...source.querySelectorAll("path")].map((p) => svg("path", {
    class: p.getAttribute("class") || "", d: p.getAttribute("d") || "",
  }));
  return svg("svg", { class: "mol", viewBox: source.getAttribute("viewBox") || "0 0 260 190" }, ...paths);
}

export const count = (value) => (value === null || value === undefined ? "–" : Math.round(value).toLocaleString("en"));
export function fixed(value, digits = 2) {
  return value === null || value === undefined ? "–" : Number(value).toFixed(digits).replace("-", "−");
}
export function short(value) {
  if (value === null || value === undefined) return "–";
  for (const [size, letter] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
    if (Math.abs(value) >= size) return `${Number((value / (letter === "k" ? 1e3 : size)).toPrecision(3))}${letter}`;
  }
  return String(Number(Number(value).toPrecision(3)));
}
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return s % 60 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${s / 60} min`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}
export function moment(seconds) {
  return new Date(seconds * 1000).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

// Draw a part anew only if what it shows has changed: focus, selection and scrolling stay.
const drawn = new WeakMap();
export function refresh(part, value, render) {
  const mark = JSON.stringify(value);
  if (drawn.get(part) === mark) return;
  drawn.set(part, mark);
  part.replaceChildren(...[render(value)].flat(9).filter(Boolean));
}
