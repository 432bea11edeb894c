// Vectors, turns and curves. Matrices are column by column, as WebGL takes them.

export const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const mixed = (a, b, t) => a.map((value, i) => value + (b[i] - value) * t);
export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
export const distance = (a, b) => Math.hypot(...minus(a, b));
export const identity = () => [1, 0, 0, 0, 1, 0, 0, 0, 1];
export const times = (m, v) => [0, 1, 2].map((i) => m[i] * v[0] + m[3 + i] * v[1] + m[6 + i] * v[2]);
export function product(a, b) {
  return [0, 1, 2].flatMap((column) => times(a, b.slice(3 * column, 3 * column + 3)));
}
export function rotation(x, y, z = 0) {
  const [cx, sx, cy, sy, cz, sz] = [x, y, z].flatMap((angle) => [Math.cos(angle), Math.sin(angle)]);
  const aboutX = [1, 0, 0, 0, cx, sx, 0, -sx, cx];
  const aboutY = [cy, 0, -sy, 0, 1, 0, sy, 0, cy];
  const aboutZ = [cz, sz, 0, -sz, cz, 0, 0, 0, 1];
  return product(product(aboutX, aboutY), aboutZ);
}

export function perpendicular(v, axis) {
  const along = v.reduce((sum, value, i) => sum + value * axis[i], 0) / (Math.hypot(...axis) ** 2 || 1);
  const side = v.map((value, i) => value - along * axis[i]);
  const length = Math.hypot(...side);
  return length > 1e-3 ? side.map((value) => value / length) : perpendicular([axis[1], axis[2], -axis[0] + 0.1], axis);
}

// A curve through points, four steps between each two.
export function smooth(points) {
  const curve = [];
  for (let i = 0; i + 1 < points.length; i += 1) {
    const [p, a, b, n] = [points[Math.max(0, i - 1)], points[i], points[i + 1], points[Math.min(points.length - 1, i + 2)]];
    for (let step = 0; step < 4; step += 1) {
      const t = step / 4;
      curve.push(a.map((_, k) => 0.5 * (2 * a[k] + (b[k] - p[k]) * t + (2 * p[k] - 5 * a[k] + 4 * b[k] - n[k]) * t * t
        + (3 * a[k] - p[k] - 3 * b[k] + n[k]) * t * t * t)));
    }
  }
  curve.push(points[points.length - 1]);
  return curve;
}

// The turn from which a ligand is seen best: little of the receptor in front of it, its flat side towards the eye,
// its longest extent from left to right.
export function outlook(ligand, receptor) {
  const count = 160;
  const size = Math.max(...ligand.map((p) => Math.hypot(...p)));
  const spread = ligand.reduce((sum, p) => sum + dot(p, p), 0) || 1;
  let best = null;
  for (let i = 0; i < count; i += 1) { // directions spread evenly (Fibonacci's spiral)
    const z = 1 - (2 * i + 1) / count;
    const angle = i * Math.PI * (3 - Math.sqrt(5));
    const eye = [Math.sqrt(1 - z * z) * Math.cos(angle), Math.sqrt(1 - z * z) * Math.sin(angle), z];
    let hidden = 0;
    for (const p of receptor) {
      const ahead = dot(p, eye);
      if (ahead > 0 && Math.sqrt(Math.max(0, dot(p, p) - ahead * ahead)) < 0.8 * size) hidden += 1;
    }
    const endOn = ligand.reduce((sum, p) => sum + dot(p, eye) ** 2, 0) / spread;
    const worth = hidden / Math.max(1, receptor.length) + 0.9 * endOn;
    if (!best || worth < best.worth) best = { eye, worth };
  }
  const z = best.eye;
  let x = perpendicular([0.3, 0.9, 0.2], z);
  const y = cross(z, x);
  // Of the directions across the line of sight, the one of the longest extent.
  const [xx, yy, xy] = ligand.reduce((s, p) => [s[0] + dot(p, x) ** 2, s[1] + dot(p, y) ** 2, s[2] + dot(p, x) * dot(p, y)], [0, 0, 0]);
  const angle = 0.5 * Math.atan2(2 * xy, xx - yy);
  x = x.map((value, i) => Math.cos(angle) * value + Math.sin(angle) * y[i]);
  const up = cross(z, x);
  return [x[0], up[0], z[0], x[1], up[1], z[1], x[2], up[2], z[2]];
}
