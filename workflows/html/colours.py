"""Colours of report and dashboard, light and dark, and of the drawings in both."""

from __future__ import annotations

COLOURS = """
:root {
  --paper: #f6f7f8; --card: #ffffff; --ink: #1b1f24; --soft: #57606a; --line: #d9dee3; --faint: #eceff2;
  --accent: #0b5cad; --bad: #b3261e; --bad-paper: #fdecea; --good: #1a7f37; --note-paper: #fff6df;
    --note: #7a5200;
  --s0: #2f6fb7; --s1: #d27a1f; --s2: #3a8f4d; --s3: #8a5bb5; --s4: #c44e6c; --s5: #1c8f96; --s6: #94762a;
    --s7: #87919b;
  --a-c: #1b1f24; --a-n: #1f4fd1; --a-o: #c92121; --a-f: #12803c; --a-p: #b35900; --a-s: #8a6d00;
    --a-cl: #12803c;
  --a-br: #8f3b12; --a-i: #6b1fa8; --a-b: #a0522d; --a-h: #87919b;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --card: #1d2126; --ink: #e6e9ed; --soft: #a3adb8; --line: #363d45; --faint: #272d34;
    --accent: #7db8ff; --bad: #ff9a90; --bad-paper: #3d1f1d; --good: #6fce85; --note-paper: #352c16;
      --note: #f2cd7d;
    --s0: #6aa9ee; --s1: #f0a35a; --s2: #6cc47f; --s3: #b892e0; --s4: #ec87a0; --s5: #5cc5cb; --s6: #d0b262;
      --s7: #7f8a95;
    --a-c: #e6e9ed; --a-n: #8fb0ff; --a-o: #ff8a80; --a-f: #7bd895; --a-p: #ffb366; --a-s: #e8cf5a;
      --a-cl: #7bd895;
    --a-br: #f2a27a; --a-i: #d3a4ff; --a-b: #e0a98a; --a-h: #9aa5b0;
  }
}
.s0 { --c: var(--s0); } .s1 { --c: var(--s1); } .s2 { --c: var(--s2); } .s3 { --c: var(--s3); }
.s4 { --c: var(--s4); } .s5 { --c: var(--s5); } .s6 { --c: var(--s6); } .s7 { --c: var(--s7); }
.mol { display: block; width: 100%; height: auto; }
.mol .b { fill: none; stroke: var(--c); stroke-width: 1.4; stroke-linejoin: round; stroke-linecap: round; }
.mol .thin { stroke-width: 0.7; }
.mol .f { fill: var(--c); }
.a-c { --c: var(--a-c); } .a-n { --c: var(--a-n); } .a-o { --c: var(--a-o); } .a-f { --c: var(--a-f); }
.a-p { --c: var(--a-p); }
.a-s { --c: var(--a-s); } .a-cl { --c: var(--a-cl); } .a-br { --c: var(--a-br); } .a-i { --c: var(--a-i); }
.a-b { --c: var(--a-b); } .a-h { --c: var(--a-h); }
"""
