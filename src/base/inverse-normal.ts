import { log } from "./elementary.ts";

/**
 * The value below which a standard normal lies with this probability, for probabilities in
 * [2e-11, 1 - 2e-11]; relative error below 1e-15. It is AS 241, routine PPND16, without its far
 * tail, which 32 random bits never reach: M. J. Wichura, "The percentage points of the normal
 * distribution", Applied Statistics 37 (1988), 477-484.
 */
export function inverseNormal(probability: number): number {
  const q = probability - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * centreAbove(r)) / centreBelow(r);
  }
  const r = Math.sqrt(-log(q < 0 ? probability : 1 - probability)) - 1.6;
  const value = tailAbove(r) / tailBelow(r);
  return q < 0 ? -value : value;
}

// The polynomials are written out, not looped over: half a million initial weights wait for them.

function centreAbove(r: number): number {
  const upper = ((2509.0809287301227 * r + 33430.57558358813) * r + 67265.7709270087) * r;
  const middle = ((upper + 45921.95393154987) * r + 13731.69376550946) * r + 1971.5909503065513;
  return (middle * r + 133.14166789178438) * r + 3.3871328727963665;
}

function centreBelow(r: number): number {
  const upper = ((5226.495278852854 * r + 28729.085735721943) * r + 39307.89580009271) * r;
  const middle = ((upper + 21213.794301586597) * r + 5394.196021424751) * r + 687.1870074920579;
  return (middle * r + 42.31333070160091) * r + 1;
}

function tailAbove(r: number): number {
  const upper = ((0.0007745450142783414 * r + 0.022723844989269184) * r + 0.2417807251774506) * r;
  const middle = ((upper + 1.2704582524523684) * r + 3.6478483247632045) * r + 5.769497221460691;
  return (middle * r + 4.630337846156546) * r + 1.4234371107496835;
}

function tailBelow(r: number): number {
  const upper = ((1.0507500716444169e-9 * r + 5.475938084995345e-4) * r + 0.015198666563616457) * r;
  const middle = ((upper + 0.14810397642748008) * r + 0.6897673349851) * r + 1.6763848301838038;
  return (middle * r + 2.053191626637759) * r + 1;
}
