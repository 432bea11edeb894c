// Sticks and balls in WebGL 2: every atom and bond is one flat piece, on which the shader works out the surface of
// the sphere or cylinder behind each pixel. Parallel projection, so that lengths can be compared.

const SHARED = `#version 300 es
precision highp float;
uniform mat3 turn;      // model to view
uniform vec3 centre;    // what lies in the middle, in Å
uniform vec2 scale;     // Å to clip space
uniform float depth;    // half of the depth that is drawn, in Å
vec3 viewed(vec3 p) { return turn * (p - centre); }
vec4 clip(vec2 p, float z) { return vec4(p * scale, -z / depth, 1.0); }
`;

const LIGHT = `#version 300 es
precision highp float;
uniform float depth;
uniform vec2 fog;       // where fog begins and ends, in Å towards the back
uniform vec3 paper;
uniform float front;    // nothing nearer to the eye is drawn
out vec4 shown;
void shade(vec3 colour, vec3 normal, float z) {
  if (z > front) discard;
  vec3 lamp = normalize(vec3(-0.35, 0.55, 0.9));
  float lit = max(dot(normal, lamp), 0.0);
  float gloss = pow(max(reflect(-lamp, normal).z, 0.0), 40.0);
  vec3 c = colour * (0.42 + 0.62 * lit) + 0.22 * gloss;
  c *= 0.8 + 0.2 * normal.z;                       // edges a little darker: shapes stand apart
  float far = clamp((fog.x - z) / (fog.x - fog.y), 0.0, 1.0);
  shown = vec4(mix(c, paper, 0.82 * far), 1.0);
  gl_FragDepth = clamp(0.5 - 0.5 * z / depth, 0.0, 1.0);
}
`;

const SPHERE_VERTEX = SHARED + `
in vec2 corner; in vec4 ball; in vec3 tint;
out vec2 at; out vec3 colour; flat out float middle; flat out float radius;
void main() {
  vec3 p = viewed(ball.xyz);
  at = corner; colour = tint; middle = p.z; radius = ball.w;
  gl_Position = clip(p.xy + corner * ball.w, p.z);
}`;
const SPHERE_FRAGMENT = LIGHT + `
in vec2 at; in vec3 colour; flat in float middle; flat in float radius;
void main() {
  float d = dot(at, at);
  if (d > 1.0) discard;
  vec3 normal = vec3(at, sqrt(1.0 - d));
  shade(colour, normal, middle + radius * normal.z);
}`;

const STICK_VERTEX = SHARED + `
in vec2 corner; in vec3 start; in vec4 finish; in vec3 tintA; in vec3 tintB;
out vec2 at; flat out vec3 a; flat out vec3 b; flat out float radius; flat out vec3 colourA; flat out vec3 colourB;
void main() {
  a = viewed(start); b = viewed(finish.xyz); radius = finish.w; colourA = tintA; colourB = tintB;
  vec2 along = b.xy - a.xy;
  float len = length(along);
  along = len > 1e-4 ? along / len : vec2(1.0, 0.0);
  vec2 end = corner.x < 0.0 ? a.xy - along * radius : b.xy + along * radius;
  at = end + corner.y * radius * vec2(-along.y, along.x);
  gl_Position = clip(at, max(a.z, b.z));
}`;
const STICK_FRAGMENT = LIGHT + `
in vec2 at; flat in vec3 a; flat in vec3 b; flat in float radius; flat in vec3 colourA; flat in vec3 colourB;
void main() {
  // The ray (at, t) meets the cylinder around a-b: of the two solutions the one nearer to the eye.
  vec3 axis = b - a;
  float len = length(axis);
  vec3 u = axis / len;
  vec3 d = vec3(at, 0.0) - a;
  float A = 1.0 - u.z * u.z;
  if (A < 1e-5) discard;
  float du = dot(d, u);
  float B = d.z - du * u.z;
  float root = B * B - A * (dot(d, d) - du * du - radius * radius);
  if (root < 0.0) discard;
  float t = (-B + sqrt(root)) / A;
  float s = du + t * u.z;
  if (s < 0.0 || s > len) discard;
  vec3 normal = (d + vec3(0.0, 0.0, t) - s * u) / radius;
  shade(s < 0.5 * len ? colourA : colourB, normal, t);
}`;

const CORNERS = new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]);

function program(gl, vertex, fragment) {
  const made = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made));
  return made;
}

// Numbers of one kind of piece, laid out as `sizes` say, one run per piece.
class Pieces {
  constructor(gl, vertex, fragment, sizes) {
    this.gl = gl;
    this.program = program(gl, vertex, fragment);
    this.count = 0;
    this.stride = Object.values(sizes).reduce((sum, size) => sum + size, 0);
    this.array = gl.createVertexArray();
    gl.bindVertexArray(this.array);
    const corners = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, corners);
    gl.bufferData(gl.ARRAY_BUFFER, CORNERS, gl.STATIC_DRAW);
    const corner = gl.getAttribLocation(this.program, "corner");
    gl.enableVertexAttribArray(corner);
    gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
    this.buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    let offset = 0;
    for (const [name, size] of Object.entries(sizes)) {
      const place = gl.getAttribLocation(this.program, name);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, size, gl.FLOAT, false, 4 * this.stride, 4 * offset);
      gl.vertexAttribDivisor(place, 1);
      offset += size;
    }
    gl.bindVertexArray(null);
  }

  fill(numbers) {
    const gl = this.gl;
    this.count = numbers.length / this.stride;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(numbers), gl.STATIC_DRAW);
  }

  draw(view) {
    const gl = this.gl;
    if (!this.count) return;
    gl.useProgram(this.program);
    const place = (name) => gl.getUniformLocation(this.program, name);
    gl.uniformMatrix3fv(place("turn"), false, view.turn);
    gl.uniform3fv(place("centre"), view.centre);
    gl.uniform2fv(place("scale"), view.scale);
    gl.uniform1f(place("depth"), view.depth);
    gl.uniform2fv(place("fog"), view.fog);
    gl.uniform3fv(place("paper"), view.paper);
    gl.uniform1f(place("front"), view.front);
    gl.bindVertexArray(this.array);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, this.count);
    gl.bindVertexArray(null);
  }
}

// What draws `balls` ({at, radius, colour}) and `sticks` ({from, to, radius, colours}) on a canvas.
export class Painter {
  constructor(canvas) {
    const gl = canvas.getContext("webgl2", { antialias: false, alpha: false, preserveDrawingBuffer: true });
    if (!gl) throw new Error("WebGL 2 is not available");
    this.gl = gl;
    this.spheres = new Pieces(gl, SPHERE_VERTEX, SPHERE_FRAGMENT, { ball: 4, tint: 3 });
    this.cylinders = new Pieces(gl, STICK_VERTEX, STICK_FRAGMENT, { start: 3, finish: 4, tintA: 3, tintB: 3 });
  }

  set({ balls, sticks }) {
    this.spheres.fill(balls.flatMap((b) => [...b.at, b.radius, ...b.colour]));
    this.cylinders.fill(sticks.flatMap((s) => [...s.from, ...s.to, s.radius, ...s.colours[0], ...s.colours[1]]));
  }

  draw(view) {
    const gl = this.gl;
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.clearColor(...view.paper, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    this.cylinders.draw(view);
    this.spheres.draw(view);
  }
}
