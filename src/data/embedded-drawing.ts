import { cosTurns, sinTurns } from "../base/elementary.ts";
import { toUniform } from "../base/philox.ts";
import type { PictureClass } from "./embedded-shapes.ts";
import { IMAGE_BYTES, IMAGE_SIDE } from "./images.ts";

/**
 * What makes the pictures hard, chosen by training dense nets on them. Most are easy: a large, light figure in the
 * middle. The others are what keeps a dense net from being perfect, though no person misses them: the figure is small, 
 * anywhere, and may be dark on light.
 */
const STYLE = {
  hardShare: 0.42,
  easyRadius: 12.5, radiusJitter: 1, easyShift: 0.7,
  hardRadius: 6, hardShift: 10.7, hardness: 0.4,
  hardContrast: 0.5,
  invertedShare: 0.5,
  ground: 40, groundSpread: 20,
  figure: 195, figureSpread: 35,
  groundTint: 20, figureTint: 50,
  slope: 20,
  spots: 2,
  spotRadius: 3,
  noise: 40,
  ...JSON.parse(process.env["P"] ?? "{}"),
};

/** Random words that a picture takes before its noise. */
const DRAWS = 48;
/** Random words (u32) that a picture is made of. */
export const WORDS_PER_PICTURE = DRAWS + IMAGE_BYTES / 4;

/** The centre of the picture, as pixel coordinates. */
const MIDDLE = (IMAGE_SIDE - 1) / 2;
/** No figure reaches further from its centre than this many radii. */
const REACH = 1.45;

/** Reads random words one after the other. */
class Draws {
  readonly #bits: Uint32Array;
  #next = 0;

  constructor(bits: Uint32Array) {
    this.#bits = bits;
  }

  /** The next number in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * toUniform(this.#bits[this.#next++]);
  }

  /** The next number in [middle - spread, middle + spread). */
  around(middle: number, spread: number): number {
    return this.between(middle - spread, middle + spread);
  }
}

/** The picture being drawn, as numbers that need not be whole nor within 0 to 255. */
const canvas = new Float64Array(IMAGE_BYTES);

export function drawPicture(kind: PictureClass, bits: Uint32Array, out: Uint8ClampedArray): void {
  const draws = new Draws(bits);
  const u = draws.between(0, 1);
  const isHard = u < STYLE.hardShare;
  const hardness = isHard ? (STYLE.hardness + (1 - STYLE.hardness) * draws.between(0, 1)) : 0;
  const radius = draws.around(STYLE.easyRadius + hardness * (STYLE.hardRadius - STYLE.easyRadius), STYLE.radiusJitter);
  const shift = STYLE.easyShift + hardness * (STYLE.hardShift - STYLE.easyShift);
  const turn = draws.around(0, kind.maxTurn);
  const isInverted = isHard && draws.between(0, 1) < STYLE.invertedShare;
  const ground = draws.around(STYLE.ground, STYLE.groundSpread);
  const light = draws.around(STYLE.figure, STYLE.figureSpread);
  const levels = isInverted ? [light, ground] : [ground, light];
  const groundColour = [0, 1, 2].map(() => draws.around(levels[0], STYLE.groundTint));
  const figureColour = [0, 1, 2].map(() => draws.around(levels[1], STYLE.figureTint));
  if (isHard) for (let c = 0; c < 3; c++) {
    figureColour[c] = groundColour[c] + (figureColour[c] - groundColour[c]) * STYLE.hardContrast;
  }
  fillGround(groundColour, draws);
  const x = draws.around(MIDDLE, shift);
  const y = draws.around(MIDDLE, shift);
  paintFigure(kind, { x, y, radius, turn }, figureColour);
  for (let spot = 0; spot < STYLE.spots; spot++) paintSpot(draws);
  finish(bits, out);
}

/** Fills the canvas with a colour that changes evenly in some direction, another for each channel. */
function fillGround(colour: readonly number[], draws: Draws): void {
  for (let channel = 0; channel < 3; channel++) {
    const slopeX = draws.around(0, STYLE.slope / IMAGE_SIDE);
    const slopeY = draws.around(0, STYLE.slope / IMAGE_SIDE);
    for (let y = 0; y < IMAGE_SIDE; y++) {
      const row = colour[channel] + slopeY * (y - MIDDLE);
      for (let x = 0; x < IMAGE_SIDE; x++) {
        canvas[(y * IMAGE_SIDE + x) * 3 + channel] = row + slopeX * (x - MIDDLE);
      }
    }
  }
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly turn: number;
}

/** Paints a figure over the canvas; at its edge a pixel is covered in part. */
function paintFigure(kind: PictureClass, place: Place, colour: readonly number[]): void {
  const { x: centreX, y: centreY, radius, turn } = place;
  const [red, green, blue] = colour;
  const cos = cosTurns(turn) / radius;
  const sin = sinTurns(turn) / radius;
  const reach = radius * REACH + 1;
  const left = Math.max(0, Math.ceil(centreX - reach));
  const right = Math.min(IMAGE_SIDE - 1, Math.floor(centreX + reach));
  const top = Math.max(0, Math.ceil(centreY - reach));
  const bottom = Math.min(IMAGE_SIDE - 1, Math.floor(centreY + reach));
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const dx = x - centreX;
      const dy = y - centreY;
      const distance = kind.distance(cos * dx + sin * dy, cos * dy - sin * dx) * radius;
      if (distance < 0.5) blend((y * IMAGE_SIDE + x) * 3, 0.5 - distance, red, green, blue);
    }
  }
}

function paintSpot(draws: Draws): void {
  const centreX = draws.between(0, IMAGE_SIDE);
  const centreY = draws.between(0, IMAGE_SIDE);
  const radius = draws.between(1, STYLE.spotRadius);
  const red = draws.between(0, 255);
  const green = draws.between(0, 255);
  const blue = draws.between(0, 255);
  const left = Math.max(0, Math.ceil(centreX - radius));
  const right = Math.min(IMAGE_SIDE - 1, Math.floor(centreX + radius));
  const top = Math.max(0, Math.ceil(centreY - radius));
  const bottom = Math.min(IMAGE_SIDE - 1, Math.floor(centreY + radius));
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const dx = x - centreX;
      const dy = y - centreY;
      const distance = Math.sqrt(dx * dx + dy * dy) - radius;
      if (distance < 0) blend((y * IMAGE_SIDE + x) * 3, -distance, red, green, blue);
    }
  }
}

function blend(at: number, cover: number, red: number, green: number, blue: number): void {
  const share = Math.min(cover, 1);
  canvas[at] += (red - canvas[at]) * share;
  canvas[at + 1] += (green - canvas[at + 1]) * share;
  canvas[at + 2] += (blue - canvas[at + 2]) * share;
}

/** Adds noise, one random byte for each channel of each pixel, and rounds to bytes. */
function finish(bits: Uint32Array, out: Uint8ClampedArray): void {
  const scale = STYLE.noise / 127.5;
  for (let i = 0; i < IMAGE_BYTES; i += 4) {
    const word = bits[DRAWS + (i >> 2)];
    out[i] = canvas[i] + ((word & 255) - 127.5) * scale;
    out[i + 1] = canvas[i + 1] + (((word >>> 8) & 255) - 127.5) * scale;
    out[i + 2] = canvas[i + 2] + (((word >>> 16) & 255) - 127.5) * scale;
    out[i + 3] = canvas[i + 3] + ((word >>> 24) - 127.5) * scale;
  }
}
