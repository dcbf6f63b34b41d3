import { choice, type Grammar, oneOf, repeat, sequence, text } from "./grammar.ts";

const digit = oneOf("09");

/** The integers from `least` to `most`, both included and safe, written without leading zeros. At least one lies there. */
export function integersBetween(least: number, most: number): Grammar {
  const options: Grammar[] = [];
  if (most >= 0) {
    options.push(magnitudes(Math.max(least, 0), most));
  }
  if (least < 0) {
    options.push(sequence(text("-"), magnitudes(Math.max(1, -most), -least)));
  }
  return choice(...options);
}

/** By length, since numbers of one length lie between two others as their digits do. */
function magnitudes(least: number, most: number): Grammar {
  const options: Grammar[] = [];
  for (let length = String(least).length; length <= String(most).length; length++) {
    const first = String(least).padStart(length, "0");
    const low = String(least).length === length ? first : `1${"0".repeat(length - 1)}`;
    const high = String(most).length === length ? String(most) : "9".repeat(length);
    options.push(digitsBetween(low, high));
  }
  return choice(...options);
}

/** Texts of as many digits as both bounds have, from one to the other. */
function digitsBetween(low: string, high: string): Grammar {
  const rest = low.length - 1;
  if (low === "") {
    return text("");
  }
  if (/^0*$/.test(low) && /^9*$/.test(high)) {
    return repeat(digit, low.length, low.length);
  }
  const [from, to] = [Number(low[0]), Number(high[0])];
  const [lowRest, highRest] = [low.slice(1), high.slice(1)];
  if (from === to) {
    return sequence(text(String(from)), digitsBetween(lowRest, highRest));
  }
  const options = [sequence(text(String(from)), digitsBetween(lowRest, "9".repeat(rest)))];
  if (to - from > 1) {
    options.push(sequence(oneOf(`${from + 1}${to - 1}`), repeat(digit, rest, rest)));
  }
  options.push(sequence(text(String(to)), digitsBetween("0".repeat(rest), highRest)));
  return choice(...options);
}
