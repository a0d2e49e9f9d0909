import { cosTurns, sinTurns } from "../base/elementary.ts";
import { toUniform } from "../base/philox.ts";
import type { PictureClass } from "./embedded-shapes.ts";
import { IMAGE_BYTES, IMAGE_SIDE } from "./images.ts";

/**
 * What the pictures look like. Most are easy: a large, light figure near the middle. The hard ones
 * keep a dense net from being perfect, though no person misses them: their figure is smaller,
 * anywhere, paler, and may be dark on light. The numbers were chosen by training nets of 20 dense
 * layers of 100 units (see `embeddedPictures`); levels and contrasts are of 0 to 255, lengths in
 * pixels.
 */
const STYLE = {
  /** Share of hard pictures. */
  hardShare: 0.38,
  /** Hardness of the least hard of them; it goes up to 1. An easy picture's is 0. */
  leastHardness: 0.3,
  /** Share of dark figures among the hard pictures. */
  darkShare: 0.4,
  /** Radius of the figure at hardness 0 and 1, and how far it varies. */
  easyRadius: 12.5,
  hardRadius: 6,
  radiusSpread: 1,
  /** How far the figure's centre lies from the picture's on either axis, at hardness 0 and 1. */
  easyShift: 0.7,
  hardShift: 10.7,
  /** Mean level of the dark colour, and how far it varies in all channels and in each. */
  dark: 40,
  darkSpread: 20,
  groundTint: 20,
  /** The same of the light colour. */
  light: 195,
  lightSpread: 35,
  figureTint: 50,
  /** What is left of the contrast between figure and ground in hard pictures. */
  hardContrast: 0.6,
  /** How much the ground changes at most from one side of the picture to the other. */
  slope: 40,
  /** Small discs of any colour behind the figure: their number and radius. */
  spots: 2,
  minSpotRadius: 1,
  maxSpotRadius: 3,
  /** Greatest change of a channel of a pixel by noise, either way; all changes are as likely. */
  noise: 40,
} as const;

/** Random words that may be taken before those of the noise: more than any picture needs. */
const DRAWN_WORDS = 48;
/** Random words that a picture is made of; the noise takes a byte for each channel of a pixel. */
export const WORDS_PER_PICTURE = DRAWN_WORDS + IMAGE_BYTES / 4;

/** Coordinate of the picture's centre. */
const MIDDLE = (IMAGE_SIDE - 1) / 2;
/** No figure reaches further from its centre than this many radii (the corner of stripes: 1.31). */
const REACH = 1.35;

/** The picture being drawn, [32, 32, 3], as numbers that need not be whole nor within 0 to 255. */
const canvas = new Float64Array(IMAGE_BYTES);

type Colour = readonly [red: number, green: number, blue: number];

/** Takes random words one after the other. */
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

  /** The next colour, each channel around a level. */
  colour(level: number, spread: number): Colour {
    return [this.around(level, spread), this.around(level, spread), this.around(level, spread)];
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.between(0, 1) < probability;
  }
}

/**
 * Draws a picture of a class.
 *
 * @param bits the random words that decide everything: WORDS_PER_PICTURE of them
 * @param out takes the pixels [32, 32, 3]
 */
export function drawPicture(kind: PictureClass, bits: Uint32Array, out: Uint8ClampedArray): void {
  const draws = new Draws(bits);
  const isHard = draws.chance(STYLE.hardShare);
  const hardness = isHard ? draws.between(STYLE.leastHardness, 1) : 0;
  const isDark = isHard && draws.chance(STYLE.darkShare);
  const dark = draws.around(STYLE.dark, STYLE.darkSpread);
  const light = draws.around(STYLE.light, STYLE.lightSpread);
  const ground = draws.colour(isDark ? light : dark, STYLE.groundTint);
  const full = draws.colour(isDark ? dark : light, STYLE.figureTint);
  const contrast = isHard ? STYLE.hardContrast : 1;
  const figure: Colour = [
    ground[0] + (full[0] - ground[0]) * contrast,
    ground[1] + (full[1] - ground[1]) * contrast,
    ground[2] + (full[2] - ground[2]) * contrast,
  ];

  for (let channel = 0; channel < 3; channel++) fillGround(channel, ground[channel], draws);
  for (let spot = 0; spot < STYLE.spots; spot++) paintSpot(draws);
  const mix = (easy: number, hard: number) => easy + hardness * (hard - easy);
  const radius = draws.around(mix(STYLE.easyRadius, STYLE.hardRadius), STYLE.radiusSpread);
  const shift = mix(STYLE.easyShift, STYLE.hardShift);
  const x = draws.around(MIDDLE, shift);
  const y = draws.around(MIDDLE, shift);
  const turn = draws.around(0, kind.maxTurn);
  paint(kind.distance, { x, y, radius, turn }, figure);
  addNoise(bits, out);
}

/** Fills a channel of the canvas with a level that changes evenly in some direction. */
function fillGround(channel: number, level: number, draws: Draws): void {
  const slopeX = draws.around(0, STYLE.slope / 2 / IMAGE_SIDE);
  const slopeY = draws.around(0, STYLE.slope / 2 / IMAGE_SIDE);
  let at = channel;
  for (let y = 0; y < IMAGE_SIDE; y++) {
    const row = level + slopeY * (y - MIDDLE);
    for (let x = 0; x < IMAGE_SIDE; x++) {
      canvas[at] = row + slopeX * (x - MIDDLE);
      at += 3;
    }
  }
}

function paintSpot(draws: Draws): void {
  const x = draws.between(0, IMAGE_SIDE);
  const y = draws.between(0, IMAGE_SIDE);
  const radius = draws.between(STYLE.minSpotRadius, STYLE.maxSpotRadius);
  const colour: Colour = draws.colour(127.5, 127.5);
  paint((u, v) => Math.sqrt(u * u + v * v) - 1, { x, y, radius, turn: 0 }, colour);
}

/** Where a figure is put: its centre and radius in pixels, and its angle in turns. */
interface Place {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly turn: number;
}

/** Paints a figure over the canvas; a pixel at its edge is covered in part. */
function paint(distance: PictureClass["distance"], place: Place, [red, green, blue]: Colour): void {
  const { x: centreX, y: centreY, radius, turn } = place;
  const cos = cosTurns(turn) / radius;
  const sin = sinTurns(turn) / radius;
  const reach = radius * REACH + 1;
  const left = Math.max(0, Math.ceil(centreX - reach));
  const right = Math.min(IMAGE_SIDE - 1, Math.floor(centreX + reach));
  const top = Math.max(0, Math.ceil(centreY - reach));
  const bottom = Math.min(IMAGE_SIDE - 1, Math.floor(centreY + reach));
  for (let y = top; y <= bottom; y++) {
    let at = (y * IMAGE_SIDE + left) * 3;
    const dy = y - centreY;
    for (let x = left; x <= right; x++) {
      const dx = x - centreX;
      const inside = -distance(cos * dx + sin * dy, cos * dy - sin * dx) * radius;
      if (inside > -0.5) {
        const cover = Math.min(inside + 0.5, 1);
        canvas[at] += (red - canvas[at]) * cover;
        canvas[at + 1] += (green - canvas[at + 1]) * cover;
        canvas[at + 2] += (blue - canvas[at + 2]) * cover;
      }
      at += 3;
    }
  }
}

/** Adds noise to the canvas and rounds it to bytes. */
function addNoise(bits: Uint32Array, out: Uint8ClampedArray): void {
  const scale = STYLE.noise / 127.5;
  for (let i = 0; i < IMAGE_BYTES; i += 4) {
    const word = bits[DRAWN_WORDS + (i >> 2)];
    out[i] = canvas[i] + ((word & 255) - 127.5) * scale;
    out[i + 1] = canvas[i + 1] + (((word >>> 8) & 255) - 127.5) * scale;
    out[i + 2] = canvas[i + 2] + (((word >>> 16) & 255) - 127.5) * scale;
    out[i + 3] = canvas[i + 3] + ((word >>> 24) - 127.5) * scale;
  }
}
