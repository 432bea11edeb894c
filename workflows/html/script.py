"""The one script of the report: it sorts and filters molecules, and marks in the contents where the reader is.

Without it all molecules are shown, and the contents are links.
"""

from __future__ import annotations

SCRIPT = """
document.querySelectorAll("form[data-grid]").forEach(function (tools) {
  var grid = document.getElementById(tools.dataset.grid);
  var cards = Array.from(grid.children);
  var find = function (selector) { return tools.querySelector(selector); };
  var order = find("select[name=order]"), way = find("button[name=way]"), text = find("input[name=text]");
  var said = find("output"), more = find("button[name=more]");
  var bounds = Array.from(tools.querySelectorAll("input[data-key]"));
  var first = window.matchMedia("(max-width: 560px)").matches ? 12 : 24;
  var all = false, turned = false;
  var value = function (card, key) { var v = card.dataset[key]; return v === undefined ? null : v; };
  var wanted = function (card) {
    var words = text.value.trim().toLowerCase();
    if (words && !(card.dataset.name + "\\n" + card.dataset.smiles).toLowerCase().includes(words)) return false;
    return bounds.every(function (box) {
      if (box.value === "" || !isFinite(Number(box.value))) return true;
      var v = value(card, box.dataset.key);
      if (v === null) return false;
      return box.dataset.end === "low" ? Number(v) >= Number(box.value) : Number(v) <= Number(box.value);
    });
  };
  var apply = function () {
    var option = order.options[order.selectedIndex], key = option.value;
    var sign = (option.dataset.way === "down" ? -1 : 1) * (turned ? -1 : 1);
    var kept = cards.filter(wanted);
    kept.sort(function (a, b) {
      var x = value(a, key), y = value(b, key);
      if (x === null || y === null) return (x === null) - (y === null);
      var by = key === "name" ? x.localeCompare(y) : Number(x) - Number(y);
      return sign * by || Number(a.dataset.rank) - Number(b.dataset.rank);
    });
    cards.forEach(function (card) { card.hidden = true; });
    kept.forEach(function (card, at) { card.hidden = !all && at >= first; grid.appendChild(card); });
    var shown = all ? kept.length : Math.min(first, kept.length);
    said.textContent = kept.length === 0 ? "None of the " + cards.length + " listed here fits."
      : shown + " of " + cards.length + (kept.length < cards.length ? " (" + kept.length + " fit)" : "") + " shown";
    more.hidden = shown >= kept.length;
    way.textContent = turned ? "Reversed" : "Reverse order";
    way.setAttribute("aria-pressed", String(turned));
  };
  tools.hidden = false;
  tools.addEventListener("submit", function (event) { event.preventDefault(); });
  tools.addEventListener("input", apply);
  tools.addEventListener("reset", function () { turned = false; all = false; setTimeout(apply); });
  way.addEventListener("click", function () { turned = !turned; apply(); });
  more.addEventListener("click", function () { all = true; apply(); });
  apply();
});
(function () {
  var list = document.querySelector("nav.contents");
  if (!list) return;
  var links = Array.from(list.querySelectorAll("a"));
  var places = links.map(function (link) { return document.getElementById(link.hash.slice(1)); });
  var now = null, waiting = false;
  var mark = function () {
    waiting = false;
    var line = list.offsetHeight > 200 ? 48 : 84, at = 0; // a heading that was jumped to lies above it
    var end = window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 2;
    places.forEach(function (place, index) {
      if (!links[index].getClientRects().length) return; // parts are listed on wide screens only
      var top = place.getBoundingClientRect().top;
      if (top <= line || (end && top < window.innerHeight)) at = index;
    });
    if (links[at] === now) return;
    if (now) now.removeAttribute("aria-current");
    now = links[at];
    now.setAttribute("aria-current", "location");
    var box = now.getBoundingClientRect(), frame = list.getBoundingClientRect();
    if (box.left < frame.left || box.right > frame.right) list.scrollLeft += box.left - frame.left - 24;
    if (box.top < frame.top || box.bottom > frame.bottom) list.scrollTop += box.top - frame.top - 60;
  };
  var soon = function () {
    if (!waiting) { waiting = true; requestAnimationFrame(mark); }
  };
  window.addEventListener("scroll", soon, { passive: true });
  window.addEventListener("resize", soon);
  mark();
})();
"""
