import { DepinferError, errorMessage } from "@depinfer/protocol";

export function corrupt(path: string, why: string, cause?: unknown): DepinferError {
  return new DepinferError({
    code: "journal.corrupt",
    message: `The journal ${path} is damaged: ${why}`,
    remedy:
      "Nothing was changed. Move the file away and start again: channels are rebuilt from the chain and from what peers can prove",
    metadata: { path },
    cause,
  });
}

export function locked(path: string, cause: unknown): DepinferError {
  return new DepinferError({
    code: "journal.locked",
    message: `The journal ${path} is in use by another process`,
    remedy: "Stop the other process; a journal of money has one owner at a time",
    metadata: { path },
    cause,
  });
}

/** @param known versions that this program knows; none for a part that it does not know at all. */
export function newer(path: string, part: string, version: number, known: number): DepinferError {
  return new DepinferError({
    code: "journal.newer",
    message: `The part ${part} of the journal ${path} is of version ${version}, this program knows ${known}`,
    remedy: "Run the version of Depinfer that wrote it, or a newer one",
    metadata: { path, part, version, known },
  });
}

export function notDurable(path: string, cause: unknown): DepinferError {
  return new DepinferError({
    code: "journal.notDurable",
    message: `The disk did not keep what was written to the journal ${path}: ${errorMessage(cause)}`,
    remedy: "Nothing more is written. Look at the disk, then restart: what was confirmed before is there",
    metadata: { path },
    cause,
  });
}

/** Another process has taken the journal over. */
export function fenced(path: string): DepinferError {
  return new DepinferError({
    code: "journal.fenced",
    message: `The journal ${path} was taken over by another process`,
    remedy: "Nothing more is written here. Restart: this process was away for longer than its lease",
    metadata: { path },
  });
}
