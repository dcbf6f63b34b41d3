import { type ExpectedMargin, expectedMarginPerHour } from "@depinfer/economics";
import type { MarketConditions } from "@depinfer/protocol/api";
import { parseUsd } from "../../format/money.ts";

/** What a reader says of a machine, as typed. */
export interface MachineText {
  readonly output: string;
  readonly prompt: string;
  readonly watts: string;
  readonly wattsIdle: string;
  readonly kwh: string;
  readonly hardware: string;
  readonly months: string;
  /** Hundredths; the market's where it is empty. */
  readonly utilisation: string;
}

export const MACHINE: MachineText = {
  output: "50",
  prompt: "2000",
  watts: "350",
  wattsIdle: "60",
  kwh: "0.30",
  hardware: "1800",
  months: "36",
  utilisation: "",
};

export type MachineFaults = Partial<Record<keyof MachineText, string>>;

const MONTH_HOURS = 730;

/** What is wrong with what was typed; empty when it can be counted with. */
export function faultsOf(text: MachineText): MachineFaults {
  const faults: MachineFaults = {};
  for (const name of ["output", "prompt"] as const) {
    if (!(Number(text[name]) > 0 && Number(text[name]) < 1e9)) {
      faults[name] = "Give tokens per second, above 0";
    }
  }
  for (const name of ["watts", "wattsIdle"] as const) {
    if (!/^\d{1,6}$/.test(text[name].trim())) {
      faults[name] = "Give whole watts";
    }
  }
  for (const name of ["kwh", "hardware"] as const) {
    if (parseUsd(text[name]) === null) {
      faults[name] = "Give dollars, such as 0.30";
    }
  }
  if (!/^[1-9]\d{0,3}$/.test(text.months.trim())) {
    faults.months = "Give whole months, at least 1";
  }
  const share = Number(text.utilisation);
  if (text.utilisation.trim() !== "" && !(share >= 0 && share <= 100)) {
    faults.utilisation = "Give per cent from 0 to 100";
  }
  return faults;
}

/** What the market does not tell, so that nothing can be said; null when it tells all. */
export function missingOf(market: MarketConditions, text: MachineText): string | null {
  if (market.outputPrice === null || market.inputPrice === null) {
    return "Nobody offers it at present, so that there is no price";
  }
  if (market.promptPerOutput === null) {
    return "No request was seen in the last seven days";
  }
  return market.utilisation === null && text.utilisation.trim() === ""
    ? "It is not known how busy its slots were; give the part of the time at work yourself"
    : null;
}

/** An hour in this market; null where something is wrong or missing. */
export function expectedOf(market: MarketConditions, text: MachineText): ExpectedMargin | null {
  const { inputPrice, outputPrice, promptPerOutput } = market;
  const utilisation = text.utilisation.trim() === "" ? market.utilisation : Number(text.utilisation) / 100;
  const [kilowattHour, hardware] = [parseUsd(text.kwh), parseUsd(text.hardware)];
  if (
    Object.keys(faultsOf(text)).length > 0 ||
    inputPrice === null ||
    outputPrice === null ||
    promptPerOutput === null ||
    utilisation === null ||
    kilowattHour === null ||
    hardware === null
  ) {
    return null;
  }
  return expectedMarginPerHour(
    {
      promptTokensPerSecond: Number(text.prompt),
      outputTokensPerSecond: Number(text.output),
      promptPerOutput,
      utilisation,
      inputPerMillion: inputPrice,
      outputPerMillion: outputPrice,
      feeBps: 0,
    },
    {
      wattsAtWork: Number(text.watts),
      wattsIdle: Number(text.wattsIdle),
      kilowattHour,
      hardware,
      lifetimeHours: Number(text.months) * MONTH_HOURS,
    },
  );
}
