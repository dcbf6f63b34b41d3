/*
 * Randomness that can be repeated. Each purpose has a stream of its own, so that drawing more of one thing leaves the others as
 * they were: xoshiro128** (Blackman and Vigna 2018), seeded by splitmix32 over the seed and the stream's name.
 */

/** Uniform in [0, 1). */
export type Random = () => number;

export function createRandom(seed: number, stream: string): Random {
  let state = seed >>> 0;
  for (let i = 0; i < stream.length; i++) {
    state = Math.imul(state ^ stream.charCodeAt(i), 0x01000193) >>> 0;
  }
  function splitmix(): number {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }
  let [a, b, c, d] = [splitmix(), splitmix(), splitmix(), splitmix()];
  return () => {
    let result = Math.imul(b, 5);
    result = (result << 7) | (result >>> 25);
    result = Math.imul(result, 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result / 4_294_967_296;
  };
}

/** Standard normal, by Box and Muller. */
export function normal(random: Random): number {
  // 1 − u is never zero.
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Pareto with minimum 1: P(X > x) = x^−α. */
export function pareto(random: Random, alpha: number): number {
  return (1 - random()) ** (-1 / alpha);
}
