import {
  createRandom,
  gini,
  hhi,
  nakamotoCoefficient,
  normal,
  renyiEntropy,
  shannonEntropy,
  theil,
  topShare,
} from "@depinfer/economics";
import { BenchError } from "./bench-error.ts";
import type { Benchmark } from "./benchmark.ts";
import { costOf } from "./measure/cpu.ts";
import { interleave, type Variant } from "./measure/interleave.ts";
import { compared, formatSpread, median, significant } from "./measure/statistics.ts";

/** A measure, and the same as a textbook writes it: plain arrays, one pass per term of the formula. */
interface Pair {
  readonly measure: string;
  readonly ours: (amounts: Float64Array) => number | null;
  readonly plain: (amounts: readonly number[]) => number;
}

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
const sharesOf = (amounts: readonly number[]) => {
  const total = sumOf(amounts);
  return amounts.map((amount) => amount / total);
};
const largestFirst = (amounts: readonly number[]) => [...amounts].sort((a, b) => b - a);

const PAIRS: readonly Pair[] = [
  {
    measure: "Gini",
    ours: gini,
    plain(amounts) {
      const ascending = [...amounts].sort((a, b) => a - b);
      const n = ascending.length;
      return sumOf(ascending.map((amount, index) => (2 * (index + 1) - n - 1) * amount)) / (n * sumOf(amounts));
    },
  },
  { measure: "HHI", ours: hhi, plain: (amounts) => 10_000 * sumOf(sharesOf(amounts).map((share) => share ** 2)) },
  {
    measure: "Shannon entropy",
    ours: shannonEntropy,
    plain: (amounts) => -sumOf(sharesOf(amounts).map((share) => (share > 0 ? share * Math.log2(share) : 0))),
  },
  {
    measure: "Rényi entropy, order 2",
    ours: (amounts) => renyiEntropy(amounts, 2),
    plain: (amounts) => -Math.log2(sumOf(sharesOf(amounts).map((share) => share ** 2))),
  },
  {
    measure: "Theil",
    ours: theil,
    plain: (amounts) =>
      sumOf(sharesOf(amounts).map((share) => (share > 0 ? share * Math.log(amounts.length * share) : 0))),
  },
  {
    measure: "Nakamoto coefficient, 50 %",
    ours: (amounts) => nakamotoCoefficient(amounts, 0.5),
    plain(amounts) {
      const shares = sharesOf(largestFirst(amounts));
      let together = 0;
      return (
        1 +
        shares.findIndex((share) => {
          together += share;
          return together > 0.5;
        })
      );
    },
  },
  {
    measure: "share of the ten largest",
    ours: (amounts) => topShare(amounts, 10),
    plain: (amounts) => sumOf(sharesOf(largestFirst(amounts)).slice(0, 10)),
  },
];

const SIZES = [1_000, 10_000, 100_000, 1_000_000] as const;
/** Entities that a sample goes over, in as many calls as it takes. */
const WORK = 2_000_000;

function variant(name: string, size: number, quick: boolean, measure: () => unknown): Variant<number> {
  const calls = Math.max(1, Math.round((quick ? WORK / 10 : WORK) / size));
  return {
    name,
    async measure() {
      const { cpuMicros } = await costOf(async () => {
        for (let call = 0; call < calls; call++) {
          measure();
        }
      });
      return cpuMicros / calls;
    },
  };
}

/** Lognormal, as capacity is; both sides must find the same figure in it. */
function amountsOf(size: number): Float64Array {
  const random = createRandom(1, "amounts");
  return Float64Array.from({ length: size }, () => Math.exp(normal(random)));
}

function checkAgreement(pair: Pair, amounts: Float64Array, plain: readonly number[]): void {
  const [ours, theirs] = [pair.ours(amounts) ?? Number.NaN, pair.plain(plain)];
  if (!(Math.abs(ours - theirs) <= 1e-6 * Math.max(1, Math.abs(theirs)))) {
    throw new BenchError({
      code: "bench.differentFigures",
      message: `${pair.measure} of ${amounts.length} amounts is ${ours}, and ${theirs} by the textbook`,
      remedy: "Find which of the two is wrong; their times cannot be compared",
    });
  }
}

export const economics: Benchmark = {
  name: "economics",
  description: "measures of concentration by number of entities, against a textbook's over plain arrays",
  async run({ quick, progress }) {
    const rounds = quick ? 2 : 7;
    const rows = [];
    const millis: Record<string, number> = {};
    for (const size of quick ? SIZES.slice(0, 3) : SIZES) {
      const amounts = amountsOf(size);
      const plain = [...amounts];
      const pairs = PAIRS.map((pair) => {
        checkAgreement(pair, amounts, plain);
        return {
          measure: pair.measure,
          ours: variant(`${pair.measure} ours`, size, quick, () => pair.ours(amounts)),
          baseline: variant(`${pair.measure} plain`, size, quick, () => pair.plain(plain)),
        };
      });
      const variants = pairs.flatMap(({ ours, baseline }) => [ours, baseline]);
      // Compiled before it counts.
      await interleave(variants, 1, () => undefined);
      const samples = await interleave(variants, rounds, (text) => progress(`${size} entities, ${text}`));
      for (const { measure, ours, baseline } of pairs) {
        const own = samples.of(ours.name, (micros) => micros);
        const their = samples.of(baseline.name, (micros) => micros);
        millis[`${measure} ${size}`] = median(own) / 1000;
        rows.push({
          measure,
          entities: size,
          oursMicros: significant(median(own)),
          plainMicros: significant(median(their)),
          figuresPerCpuSecond: significant(1e6 / median(own)),
          entitiesPerCpuSecond: significant((size * 1e6) / median(own)),
          timesFaster: formatSpread(compared(their, own)),
        });
      }
    }
    const largest = quick ? 100_000 : 1_000_000;
    return {
      rounds,
      rows,
      summary: {
        entities: largest,
        giniMillis: significant(millis[`Gini ${largest}`] ?? Number.NaN),
        hhiMillis: significant(millis[`HHI ${largest}`] ?? Number.NaN),
        theilMillis: significant(millis[`Theil ${largest}`] ?? Number.NaN),
        nakamotoMillis: significant(millis[`Nakamoto coefficient, 50 % ${largest}`] ?? Number.NaN),
        allMillis: significant(PAIRS.reduce((sum, { measure }) => sum + (millis[`${measure} ${largest}`] ?? 0), 0)),
      },
    };
  },
};
