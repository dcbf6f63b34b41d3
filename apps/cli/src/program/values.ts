import { bytes32Schema, type Hex } from "@depinfer/protocol";
import { InvalidArgumentError } from "commander";

/* What a flag's text may say; commander reports the rest beside the flag's name. */

export function integer(text: string): number {
  if (!/^\d{1,9}$/.test(text)) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not a whole number`);
  }
  return Number(text);
}

export function rate(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 3_600)) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not between 0 and 3600`);
  }
  return value;
}

export function fraction(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 1)) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not between 0 and 1`);
  }
  return value;
}

/** A time that passes: at least one second. */
export function seconds(text: string): number {
  const value = integer(text);
  if (value < 1) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not a time of at least one second`);
  }
  return value;
}

export function url(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError("expected a URL like http://127.0.0.1:8787");
  }
  return text.replace(/\/+$/, "");
}

/** A share in hundredths, to two decimals. */
export function percent(text: string): number {
  if (!/^\d{1,3}(\.\d{1,2})?$/.test(text) || Number(text) > 100) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not a percentage from 0 to 100`);
  }
  return Number(text);
}

export function digest(text: string): Hex {
  const parsed = bytes32Schema.safeParse(text.startsWith("0x") ? text : `0x${text}`);
  if (!parsed.success) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not a SHA-256 of 64 hexadecimal digits`);
  }
  return parsed.data;
}

export function temperature(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 2)) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not between 0 and 2`);
  }
  return value;
}
