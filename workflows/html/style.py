"""The look of the report: light, dark and print; from phone to desktop."""

from __future__ import annotations

from .colours import COLOURS

STYLE = (
    COLOURS
    + """
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 1.5rem clamp(0.8rem, 3vw, 2.5rem) 4rem; max-width: 1180px; background: var(--paper);
  color: var(--ink);
    font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.35rem; margin: 0 0 0.6rem; overflow-wrap: anywhere; }
h3 { font-size: 1.05rem; margin: 1.6rem 0 0.6rem; }
p { margin: 0.4rem 0; max-width: 75ch; }
a { color: var(--accent); }
section { margin-top: 2.6rem; }
.soft { color: var(--soft); }
.state { display: inline-block; padding: 0.1rem 0.6rem; border-radius: 1rem; border: 1px solid;
  font-size: 0.85rem; font-weight: 600; vertical-align: middle; }
.state.complete { color: var(--good); }
.state.running, .state.stopped, .state.damaged, .state.cancelling { color: var(--note); }
.wrong, .notice { border-left: 4px solid var(--note); background: var(--note-paper); padding: 0.6rem 0.9rem;
  margin: 1rem 0; border-radius: 4px; overflow-wrap: anywhere; }
.wrong { border-color: var(--bad); background: var(--bad-paper); color: var(--bad); }
.wrong ul, .notice ul { margin: 0.3rem 0; padding-left: 1.2rem; }
html { scroll-padding-top: 3.6rem; }
.contents { position: sticky; top: 0; z-index: 2; margin: 1rem 0; background: var(--paper); font-size: 0.92rem;
  border-bottom: 1px solid var(--line); overflow-x: auto; }
.contents ol { list-style: none; margin: 0; padding: 0; }
.contents > ol { display: flex; gap: 0 0.3rem; }
.contents ol ol { display: none; }
.contents a { display: block; padding: 0.45rem 0.6rem; white-space: nowrap; text-decoration: none; color: var(--soft);
  border-bottom: 3px solid transparent; }
.contents a:hover { color: var(--accent); }
.contents a[aria-current] { color: var(--ink); border-color: var(--accent); font-weight: 600; }
@media screen and (min-width: 1240px) {
  html { scroll-padding-top: 1rem; }
  body { max-width: 1420px; display: grid; grid-template-columns: 12.5rem minmax(0, 1fr); column-gap: 2rem;
    align-content: start; }
  body > * { grid-column: 2; min-width: 0; }
  body > .contents { grid-column: 1; grid-row: 1 / span 99; align-self: start; top: 1.2rem;
    max-height: calc(100vh - 2.4rem);
    margin: 0; border: 0; overflow: auto; }
  .contents > ol { display: block; }
  .contents ol ol { display: block; margin-left: 0.7rem; font-size: 0.9em; }
  .contents a { white-space: normal; overflow-wrap: anywhere; padding: 0.2rem 0.6rem; border-bottom: 0;
    border-left: 3px solid var(--line); line-height: 1.3; }
}
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(138px, 1fr)); gap: 0.7rem;
  margin: 1.2rem 0; }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 0.6rem 0.8rem; display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.tiles dt { color: var(--soft); font-size: 0.82rem; line-height: 1.3; }
.tiles dd { margin: 0; font-size: 1.45rem; font-weight: 650; font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere; }
dl.tiles { margin-block: 1.2rem; }
.flow { display: flex; flex-wrap: wrap; gap: 0.4rem; list-style: none; padding: 0; margin: 0.8rem 0; }
.flow li { flex: 1 1 120px; background: var(--card); border: 1px solid var(--line); border-radius: 6px;
  padding: 0.45rem 0.7rem; border-bottom: 3px solid var(--s0); }
.flow b { display: block; font-size: 1.15rem; font-variant-numeric: tabular-nums; }
.flow span { color: var(--soft); font-size: 0.82rem; line-height: 1.25; display: block; }
.passages { columns: 2 330px; column-gap: 1rem; }
.passages table { break-inside: avoid; width: 100%; margin: 0 0 0.9rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 6px; border-collapse: separate; border-spacing: 0; }
.passages caption { background: none; padding: 0 0 0.2rem; }
.passages td, .passages th { border: 0; padding: 0.2rem 0.7rem; white-space: normal; }
.passages td.number { white-space: nowrap; }
.passages .total th, .passages .total td { font-weight: 650; }
.passages .change th { font-weight: 400; padding-left: 1.4rem; }
.passages small { display: block; color: var(--soft); }
.passages .ends td, .passages .ends th { border-top: 1px solid var(--line); }
.passages .bar { height: 4px; border-radius: 2px; background: var(--s0); margin-top: 2px; min-width: 2px; }
.passages .off caption, .passages .off .ends td { color: var(--bad); font-weight: 700; }
.passages .off { border-color: var(--bad); }
table { border-collapse: collapse; font-size: 0.9rem; }
.scroll { overflow-x: auto; margin: 0.8rem 0; }
caption { text-align: left; font-weight: 650; padding-bottom: 0.35rem; }
th, td { text-align: left; padding: 0.3rem 0.7rem; border-bottom: 1px solid var(--line); vertical-align: top;
  white-space: nowrap; }
table.words td, table.words th { white-space: normal; }
thead th { color: var(--soft); font-weight: 600; white-space: normal; vertical-align: bottom; }
tbody th { font-weight: 500; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 1rem; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 0.8rem; display: flex; flex-direction: column-reverse; justify-content: space-between; min-width: 0; }
figcaption strong { overflow-wrap: anywhere; }
figure.wide { margin: 1rem 0; overflow-x: auto; }
figure.wide p { max-width: none; }
.charts.loose { align-items: start; }
.charts.loose .scroll { margin: 0; }
figure.wide svg { min-width: 620px; }
figcaption p { color: var(--soft); font-size: 0.85rem; line-height: 1.4; margin: 0.15rem 0 0.5rem; }
svg.chart { width: 100%; height: auto; display: block; font-family: inherit; }
.chart text { fill: var(--ink); font-size: 11px; }
.chart .tick { fill: var(--soft); font-size: 10.5px; }
.chart .label { fill: var(--soft); font-size: 11px; }
.chart .grid { stroke: var(--line); stroke-width: 0.7; }
.chart .axis { stroke: var(--soft); stroke-width: 1; }
.chart .ideal { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 4 4; }
.chart .median { stroke: var(--ink); stroke-width: 1.6; }
.chart .area { fill: var(--c); fill-opacity: 0.75; stroke: none; }
.chart .fill { fill: var(--c); }
.chart .point { fill: var(--c); fill-opacity: 0.6; }
.chart .dot { fill: var(--c); stroke: var(--card); stroke-width: 1; }
.chart .link { fill: none; stroke: var(--c); stroke-width: 1.2; stroke-opacity: 0.6; }
.chart .band { fill: var(--c); fill-opacity: 0.18; stroke: none; }
.chart .curve { fill: none; stroke: var(--c); stroke-width: 1.8; }
.chart .whisker { stroke: var(--c); stroke-width: 2; }
.chart .ligand { stroke: var(--c); stroke-width: 3.4; stroke-linecap: round; }
.chart .pocket { stroke: var(--c); stroke-width: 1.4; stroke-linecap: round; }
.chart .contact { stroke: var(--s1); stroke-width: 1.6; stroke-dasharray: 3 3; }
.chart .residue { font-size: 10.5px; font-weight: 600; paint-order: stroke; stroke: var(--card); stroke-width: 3;
  stroke-linejoin: round; }
.chart .pause { fill: var(--faint); stroke: var(--line); stroke-dasharray: 2 3; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 235px), 1fr)); gap: 0.8rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 0.6rem 0.75rem;
  break-inside: avoid; min-width: 0; }
.card h4 { margin: 0 0 0.3rem; font-size: 0.95rem; overflow-wrap: anywhere; line-height: 1.3; }
.card .rank { color: var(--soft); font-weight: 500; margin-right: 0.3rem; }
.card dl { margin: 0; font-size: 0.86rem; }
.card dl div { display: flex; justify-content: space-between; gap: 0.6rem; }
.card dt { color: var(--soft); white-space: nowrap; }
.scaffolds .card dd { overflow-wrap: anywhere; }
.card dd { margin: 0; font-variant-numeric: tabular-nums; text-align: right; }
.card .scores dd { font-weight: 650; }
.card .unit { font-weight: 400; color: var(--soft); font-size: 0.78rem; white-space: nowrap; }
.card .scores small { display: block; font-weight: 400; color: var(--soft); line-height: 1.2; }
.card .properties { border-top: 1px solid var(--line); margin-top: 0.35rem; padding-top: 0.35rem;
  display: grid; grid-template-columns: 1fr 1fr; column-gap: 0.9rem; }
.undrawn { min-height: 120px; display: grid; place-items: center; color: var(--soft); font-size: 0.85rem; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: 0.85em; }
.card code { overflow-wrap: anywhere; user-select: all; }
summary { cursor: pointer; color: var(--accent); font-size: 0.9rem; }
details { margin: 0.4rem 0; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 0.7rem 0.9rem;
  overflow-x: auto; margin: 0.5rem 0; line-height: 1.4; }
select, input, button { font: inherit; font-size: 0.9rem; padding: 0.2rem 0.5rem; color: inherit;
  background: var(--card); border: 1px solid var(--line); border-radius: 4px; }
button { cursor: pointer; }
button[aria-pressed="true"] { border-color: var(--accent); color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
[hidden] { display: none !important; }
.tools { margin: 0.4rem 0 0.7rem; font-size: 0.9rem; }
.tools .line { display: flex; flex-wrap: wrap; gap: 0.4rem 0.9rem; align-items: center; }
.tools .windows { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 0.4rem 0.9rem; }
.tools fieldset { border: 0; margin: 0; padding: 0; min-width: 0; display: grid; grid-template-columns: 1fr 1fr;
  gap: 0.3rem; }
.tools legend { color: var(--soft); font-size: 0.82rem; padding: 0; }
.tools input { min-width: 0; }
.pairs div { display: grid; grid-template-columns: minmax(9rem, 14rem) 1fr; gap: 0.2rem 0.8rem;
  padding: 0.15rem 0; }
.pairs dt { color: var(--soft); }
.pairs dd { margin: 0; overflow-wrap: anywhere; }
footer { margin-top: 3rem; color: var(--soft); font-size: 0.85rem; }
@media (max-width: 560px) {
  body { font-size: 15px; padding-top: 1rem; }
  .pairs div { grid-template-columns: 1fr; }
  .pairs dd { margin-bottom: 0.3rem; }
  .tiles { grid-template-columns: 1fr 1fr; }
  .tiles dd { font-size: 1.2rem; }
  .cards { grid-template-columns: repeat(auto-fill, minmax(min(100%, 260px), 1fr)); }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; background: none; }
  .tools, script { display: none; }
  .contents { position: static; border: 0; background: none; overflow: visible; }
  .contents::before { content: "Contents"; font-weight: 650; }
  .contents > ol { display: block; columns: 3; }
  .contents a, .contents a[aria-current] { padding: 0.05rem 0; border: 0; color: inherit; font-weight: 400; }
  .cards { grid-template-columns: repeat(5, 1fr); gap: 0.4rem; }
  .card, .card dl, .card h4 { font-size: 7.5pt; }
  .charts { grid-template-columns: 1fr 1fr; }
  figure, .passages table, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .scroll, pre { overflow: visible; white-space: pre-wrap; }
  .scroll table { font-size: 8pt; }
  .scroll th, .scroll td { white-space: normal; padding: 0.2rem 0.4rem; }
  details::details-content { content-visibility: visible; block-size: auto; }
  details > * { display: block; }
}
"""
)
