// A docked pose in its receptor: turned by mouse, finger or keyboard.
import { h } from "./dom.js";
import { Painter } from "./viewer_gl.js";
import { distance, identity, minus, mixed, outlook, perpendicular, product, rotation, smooth, times } from "./viewer_math.js";

const ELEMENTS = {
  H: [0.86, 0.87, 0.89], N: [0.25, 0.42, 0.95], O: [0.9, 0.2, 0.18], F: [0.35, 0.75, 0.3], P: [0.95, 0.55, 0.1],
  S: [0.88, 0.74, 0.16], Cl: [0.2, 0.72, 0.3], Br: [0.64, 0.25, 0.14], I: [0.5, 0.2, 0.66], B: [0.95, 0.7, 0.66],
  Zn: [0.5, 0.52, 0.7], Mg: [0.3, 0.68, 0.2], Ca: [0.3, 0.68, 0.2], Fe: [0.85, 0.42, 0.2], Mn: [0.6, 0.45, 0.75],
};
const OTHER = [0.7, 0.45, 0.7];
const LIGAND_CARBON = [0.1, 0.65, 0.58];
const POCKET_CARBON = { light: [0.62, 0.64, 0.67], dark: [0.56, 0.59, 0.63] };
const TRACE = { light: [0.72, 0.76, 0.84], dark: [0.33, 0.38, 0.47] };
const CONTACT = [0.95, 0.72, 0.1];
const METALS = new Set(["Zn", "Mg", "Ca", "Fe", "Mn", "Co", "Ni", "Cu", "Cd", "Hg", "Na", "K"]);
const DISTANCES = [4, 5, 6, 8];

export class Viewer {
  constructor(box) {
    this.scene = null;
    this.turn = identity();
    this.zoom = 1;
    this.shift = [0, 0];
    this.show = { within: 5, trace: true, contacts: true, hydrogens: false, names: false };
    this.canvas = h("canvas", { class: "space", tabindex: 0, role: "img", "aria-label": "3-D view of the pose" });
    this.labels = h("div", { class: "labels", "aria-hidden": "true" });
    this.tip = h("output", { class: "tip", hidden: true });
    this.stage = h("div", { class: "scene" }, this.canvas, this.labels, this.tip);
    this.controls = h("div", { class: "controls" });
    box.replaceChildren(this.stage, this.controls);
    try {
      this.painter = new Painter(this.canvas);
    } catch (error) {
      this.stage.replaceChildren(h("p", { class: "soft" },
        `This browser draws no 3-D (${error.message}). The pose can be downloaded and opened elsewhere.`));
      return;
    }
    this.listen();
    this.size = new ResizeObserver(() => this.draw());
    this.size.observe(this.stage);
    this.theme = matchMedia("(prefers-color-scheme: dark)");
    this.themed = () => { this.build(); this.draw(); };
    this.theme.addEventListener("change", this.themed);
    this.canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    this.canvas.addEventListener("webglcontextrestored", () => {
      this.painter = new Painter(this.canvas);
      this.themed();
    });
  }

  close() {
    this.size?.disconnect();
    this.theme?.removeEventListener("change", this.themed);
    this.painter?.gl.getExtension("WEBGL_lose_context")?.loseContext();
    this.painter = null;
  }

  // Show a scene; `keep` the direction from which the one before was seen.
  load(scene, keep = false) {
    this.scene = scene;
    if (!this.painter) return;
    if (!keep) this.face();
    this.makeControls();
    this.build();
    this.draw();
  }

  // Look at the ligand from where it is seen best.
  face() {
    this.zoom = 1;
    this.shift = [0, 0];
    const place = (atom) => atom.slice(1, 4);
    const heavy = this.scene.ligand.atoms.filter((a) => a[0] !== "H");
    this.turn = outlook((heavy.length ? heavy : this.scene.ligand.atoms).map(place), this.scene.pocket.atoms.map(place));
    const far = Math.max(4, ...this.scene.ligand.atoms.map((a) => Math.hypot(a[1], a[2], a[3])));
    this.extent = far + 2.5;
  }

  makeControls() {
    const flag = (name, words, there) => there && h("label", {},
      h("input", { type: "checkbox", checked: this.show[name], onchange: (e) => this.set(name, e.target.checked) }),
      ` ${words}`);
    const receptor = this.scene.pocket.atoms.length > 0;
    const within = receptor && h("label", {}, "Receptor within ",
      h("select", { onchange: (e) => this.set("within", Number(e.target.value)) },
        ...DISTANCES.map((d) => h("option", { value: d, selected: d === this.show.within }, `${d} Å`)),
        h("option", { value: 0, selected: this.show.within === 0 }, "none")));
    this.controls.replaceChildren(...[
      within,
      flag("names", "names", receptor),
      flag("trace", "backbone", this.scene.trace.length > 0),
      flag("contacts", `hydrogen bonds (${this.scene.contacts.length})`, this.scene.contacts.length > 0),
      flag("hydrogens", "all hydrogens", true),
      h("button", { type: "button", onclick: () => { this.face(); this.draw(); } }, "Reset view"),
      h("button", { type: "button", onclick: () => this.save() }, "Save picture"),
    ].filter(Boolean));
  }

  set(name, value) {
    this.show[name] = value;
    this.build();
    this.draw();
  }

  build() {
    if (!this.scene || !this.painter) return;
    const theme = this.theme.matches ? "dark" : "light";
    this.balls = [];
    this.sticks = [];
    this.places = []; // what can be pointed at
    this.ligandPieces();
    this.pocketPieces(theme);
    if (this.show.trace) {
      for (const line of this.scene.trace) this.tube(smooth(line), 0.13, TRACE[theme]);
    }
    if (this.show.contacts) this.scene.contacts.forEach((c) => this.dots(c.ligand, c.receptor, CONTACT));
    this.painter.set({ balls: this.balls, sticks: this.sticks });
  }

  ligandPieces() {
    const { atoms, bonds } = this.scene.ligand;
    const heavy = (i) => atoms[i][0] !== "H";
    const polar = new Set();
    for (const [a, b] of bonds) {
      if (!heavy(a) && atoms[b][0] !== "C") polar.add(a);
      if (!heavy(b) && atoms[a][0] !== "C") polar.add(b);
    }
    const shown = (i) => heavy(i) || this.show.hydrogens || polar.has(i);
    const at = (i) => atoms[i].slice(1, 4);
    const colour = (i) => (atoms[i][0] === "C" ? LIGAND_CARBON : ELEMENTS[atoms[i][0]] || OTHER);
    atoms.forEach((atom, i) => {
      if (!shown(i)) return;
      this.balls.push({ at: at(i), radius: heavy(i) ? 0.34 : 0.2, colour: colour(i) });
      this.places.push({ at: at(i), words: `ligand ${atom[0]}${i + 1}` });
    });
    for (const [a, b, order] of bonds) {
      if (!shown(a) || !shown(b)) continue;
      const thick = heavy(a) && heavy(b) ? 0.17 : 0.1;
      if (order === 2 || order === 3) this.multiple(at(a), at(b), order, [colour(a), colour(b)], at, bonds, a, b);
      else this.sticks.push({ from: at(a), to: at(b), radius: thick, colours: [colour(a), colour(b)] });
    }
  }

  // Two or three thin sticks side by side, in the plane of the neighbours.
  multiple(from, to, order, colours, at, bonds, a, b) {
    const along = minus(to, from);
    const other = bonds.flatMap(([x, y]) => (x === a && y !== b ? [y] : y === a && x !== b ? [x]
      : x === b && y !== a ? [y] : y === b && x !== a ? [x] : []))[0];
    const reference = other === undefined ? [0.3, 0.8, 0.5] : minus(at(other), from);
    const side = perpendicular(reference, along);
    for (const step of order === 2 ? [-0.5, 0.5] : [-1, 0, 1]) {
      const move = side.map((value) => value * step * 0.26);
      const moved = (p) => p.map((value, i) => value + move[i]);
      this.sticks.push({ from: moved(from), to: moved(to), radius: order === 2 ? 0.1 : 0.075, colours });
    }
  }

  pocketPieces(theme) {
    const { atoms, bonds, residues } = this.scene.pocket;
    const near = (i) => residues[atoms[i][5]][1] <= this.show.within;
    const at = (i) => atoms[i].slice(1, 4);
    const colour = (i) => (atoms[i][0] === "C" ? POCKET_CARBON[theme] : ELEMENTS[atoms[i][0]] || OTHER);
    atoms.forEach((atom, i) => {
      if (!near(i)) return;
      const metal = METALS.has(atom[0]);
      this.balls.push({ at: at(i), radius: metal ? 0.6 : atom[0] === "H" ? 0.07 : 0.1, colour: colour(i) });
      this.places.push({ at: at(i), words: `${residues[atom[5]][0]} ${atom[4]}` });
    });
    for (const [a, b] of bonds) {
      if (near(a) && near(b)) {
        const radius = atoms[a][0] === "H" || atoms[b][0] === "H" ? 0.07 : 0.1;
        this.sticks.push({ from: at(a), to: at(b), radius, colours: [colour(a), colour(b)] });
      }
    }
  }

  tube(points, radius, colour) {
    points.forEach((point, i) => {
      this.balls.push({ at: point, radius, colour });
      if (i) this.sticks.push({ from: points[i - 1], to: point, radius, colours: [colour, colour] });
    });
  }

  dots(from, to, colour) {
    const count = Math.max(2, Math.round(distance(from, to) / 0.32));
    for (let i = 1; i < count; i += 1) this.balls.push({ at: mixed(from, to, i / count), radius: 0.08, colour });
  }

  // Å to pixels of the page, and where the middle is.
  frame() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    return { width, height, unit: (this.zoom * Math.min(width, height)) / (2 * this.extent) };
  }

  draw() {
    if (!this.painter || !this.scene || this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      if (this.painter) this.paint();
    });
  }

  paint() {
    const { width, height, unit } = this.frame();
    if (!width || !height) return;
    const ratio = Math.min(2.5, (window.devicePixelRatio || 1) * 1.5); // finer than the screen: smooth edges
    const size = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== size[0] || this.canvas.height !== size[1]) [this.canvas.width, this.canvas.height] = size;
    const paper = getComputedStyle(this.stage).backgroundColor.match(/[\d.]+/g).slice(0, 3).map((v) => v / 255);
    const back = Array.from({ length: 3 }, (_, i) => this.turn[3 * i] * this.shift[0] + this.turn[3 * i + 1] * this.shift[1]);
    this.centre = back.map((value) => -value);
    this.painter.draw({
      turn: this.turn, centre: this.centre, scale: [(2 * unit) / width, (2 * unit) / height], depth: 60,
      fog: [2, -16], paper, front: this.front(),
    });
    this.write();
  }

  // What lies further towards the eye than this is cut away, so that the ligand is seen inside its pocket.
  front() {
    const depths = this.scene.ligand.atoms.map((a) => times(this.turn, minus(a.slice(1, 4), this.centre))[2]);
    return Math.max(...depths) + 3.5;
  }

  // Where a place is on the page, and how near to the eye.
  seen(at) {
    const { width, height, unit } = this.frame();
    const [x, y, z] = times(this.turn, minus(at, this.centre));
    return [width / 2 + x * unit, height / 2 - y * unit, z];
  }

  write() {
    const words = [];
    if (this.show.contacts) {
      this.scene.contacts.forEach((c) => words.push([mixed(c.ligand, c.receptor, 0.5), `${c.distance.toFixed(1)} Å`]));
    }
    if (this.show.names) {
      const { atoms, residues } = this.scene.pocket;
      residues.forEach(([label, far], r) => {
        if (far > this.show.within) return;
        const own = atoms.filter((a) => a[5] === r);
        const near = own.reduce((a, b) => (Math.hypot(...a.slice(1, 4)) < Math.hypot(...b.slice(1, 4)) ? a : b));
        words.push([near.slice(1, 4), label]);
      });
    }
    this.labels.replaceChildren(...words.map(([at, text]) => {
      const [x, y] = this.seen(at);
      const label = h("span", {}, text);
      label.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
      return label;
    }));
  }

  listen() {
    const fingers = new Map();
    const canvas = this.canvas;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => fingers.delete(event.pointerId));
    }
    canvas.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId)) return this.point(event);
      const before = fingers.get(event.pointerId);
      const [dx, dy] = [event.clientX - before[0], event.clientY - before[1]];
      const apart = spread(fingers);
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
      if (fingers.size > 1) {
        if (apart) this.scaleBy(spread(fingers) / apart);
        this.move(dx / 2, dy / 2);
      } else if (event.shiftKey || event.buttons === 2) this.move(dx, dy);
      else this.rotate(dy * 0.01, dx * 0.01);
      return undefined;
    });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.scaleBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const step = 0.12;
    const moves = {
      ArrowLeft: () => this.rotate(0, -step), ArrowRight: () => this.rotate(0, step),
      ArrowUp: () => this.rotate(-step, 0), ArrowDown: () => this.rotate(step, 0),
      "+": () => this.scaleBy(1.15), "=": () => this.scaleBy(1.15), "-": () => this.scaleBy(1 / 1.15),
      0: () => { this.face(); this.draw(); }, ",": () => this.rotate(0, 0, step), ".": () => this.rotate(0, 0, -step),
    };
    if (moves[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) {
      moves[event.key]();
      event.preventDefault();
    }
  }

  rotate(x, y, z = 0) {
    this.turn = product(rotation(x, y, z), this.turn);
    this.draw();
  }

  scaleBy(factor) {
    this.zoom = Math.min(12, Math.max(0.15, this.zoom * factor));
    this.draw();
  }

  move(dx, dy) {
    const { unit } = this.frame();
    this.shift = [this.shift[0] + dx / unit, this.shift[1] - dy / unit];
    this.draw();
  }

  // Say what atom is under the pointer.
  point(event) {
    if (!this.centre) return;
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let best = null;
    for (const place of this.places) {
      const [px, py, z] = this.seen(place.at);
      if (z < this.front() && Math.hypot(px - x, py - y) < 10 && (!best || z > best.z)) best = { ...place, z };
    }
    this.tip.hidden = !best;
    if (best) {
      this.tip.textContent = best.words;
      this.tip.style.transform = `translate(${x + 12}px, ${y + 12}px)`;
    }
  }

  save() {
    this.paint();
    this.canvas.toBlob((blob) => {
      const link = h("a", { href: URL.createObjectURL(blob), download: "pose.png" });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }
}

function spread(fingers) {
  const [a, b] = [...fingers.values()];
  return b ? Math.hypot(a[0] - b[0], a[1] - b[1]) : 0;
}
