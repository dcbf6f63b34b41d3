/** One of several things that are measured in turns. */
export interface Variant<Sample> {
  readonly name: string;
  measure(round: number): Promise<Sample>;
}

/** The samples of each variant, by round. */
export interface Samples<Sample> {
  /** A figure of one variant in every round. */
  of(variant: string, figure: (sample: Sample) => number): number[];
  all(variant: string): readonly Sample[];
}

/**
 * Measures A B C, then C B A, and so on: a machine that gets busier or warmer during the run then weighs on every
 * variant alike. Times of different runs are never compared with each other.
 */
export async function interleave<Sample>(
  variants: readonly Variant<Sample>[],
  rounds: number,
  progress: (text: string) => void,
): Promise<Samples<Sample>> {
  const samples = new Map<string, Sample[]>(variants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}`);
    for (const { name, measure } of round % 2 === 0 ? variants : [...variants].reverse()) {
      samples.get(name)?.push(await measure(round));
    }
  }
  const all = (variant: string) => samples.get(variant) ?? [];
  return { all, of: (variant, figure) => all(variant).map(figure) };
}
