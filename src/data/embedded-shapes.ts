/**
 * One class of the embedded data set: a figure around (0, 0), about 1 in radius.
 *
 * `distance(u, v)` is the signed distance of a point to the figure's edge (negative inside; u to
 * the right, v down), exact near the edge and of the right sign elsewhere. Distances combine:
 * min is the union, max the intersection, -d the outside.
 */
export interface PictureClass {
  readonly name: string;
  readonly distance: (u: number, v: number) => number;
  /** The figure is turned by at most so much to either side, in turns. */
  readonly maxTurn: number;
}

// Cosine and sine of 36 degrees, a tenth of a turn: the angle between the axes of a five-pointed
// star.
const COS_36 = 0.8090169943749475;
const SIN_36 = 0.5877852522924731;

function disc(u: number, v: number, radius: number): number {
  return Math.sqrt(u * u + v * v) - radius;
}

function box(u: number, v: number, halfWidth: number, halfHeight: number): number {
  return Math.max(Math.abs(u) - halfWidth, Math.abs(v) - halfHeight);
}

/** A five-pointed star, one point up, after the folding of I. Quilez, "2D distance functions". */
function star(u: number, v: number): number {
  const radius = 1.05;
  let x = Math.abs(u);
  let y = -v;
  // Mirror the plane at the star's axes until one edge is left.
  const first = 2 * Math.max(COS_36 * x - SIN_36 * y, 0);
  x -= first * COS_36;
  y += first * SIN_36;
  const second = 2 * Math.max(-COS_36 * x - SIN_36 * y, 0);
  x += second * COS_36;
  y += second * SIN_36;
  x = Math.abs(x);
  y -= radius;
  const edgeX = 0.45 * SIN_36;
  const edgeY = 0.45 * COS_36 - 1;
  const along = Math.min(
    Math.max((x * edgeX + y * edgeY) / (edgeX * edgeX + edgeY * edgeY), 0),
    radius,
  );
  const dx = x - edgeX * along;
  const dy = y - edgeY * along;
  const side = y * edgeX - x * edgeY;
  return Math.sqrt(dx * dx + dy * dy) * (side < 0 ? -1 : 1);
}

/** Bars of half the period along an axis, the middle of one at 0. */
function bars(position: number, period: number): number {
  const phase = position - period * Math.floor(position / period + 0.5);
  return Math.abs(phase) - period / 4;
}

/** The classes of the embedded data set, in the order of their labels. */
export const pictureClasses: readonly PictureClass[] = [
  { name: "disc", distance: (u, v) => disc(u, v, 0.85), maxTurn: 0.5 },
  { name: "ring", distance: (u, v) => Math.abs(disc(u, v, 0.72)) - 0.2, maxTurn: 0.5 },
  { name: "square", distance: (u, v) => box(u, v, 0.8, 0.8), maxTurn: 0.03 },
  {
    name: "triangle",
    distance: (u, v) => Math.max(v - 0.75, 0.88 * Math.abs(u) - 0.475 * v - 0.44),
    maxTurn: 0.03,
  },
  {
    name: "cross",
    distance: (u, v) => Math.min(box(u, v, 0.95, 0.27), box(u, v, 0.27, 0.95)),
    maxTurn: 0.03,
  },
  { name: "star", distance: star, maxTurn: 0.05 },
  {
    name: "horizontal stripes",
    distance: (u, v) => Math.max(box(u, v, 0.95, 0.9), bars(v, 0.72)),
    maxTurn: 0.03,
  },
  {
    name: "vertical stripes",
    distance: (u, v) => Math.max(box(u, v, 0.9, 0.95), bars(u, 0.72)),
    maxTurn: 0.03,
  },
  {
    name: "checkerboard",
    distance: (u, v) => {
      // Bars across bars: inside where the signs differ.
      const a = bars(u - 0.225, 0.9);
      const b = bars(v - 0.225, 0.9);
      return Math.max(box(u, v, 0.9, 0.9), Math.max(Math.min(a, b), -Math.max(a, b)));
    },
    maxTurn: 0.03,
  },
  {
    name: "crescent",
    distance: (u, v) => Math.max(disc(u, v, 0.95), -disc(u - 0.45, v, 0.8)),
    maxTurn: 0.06,
  },
];
