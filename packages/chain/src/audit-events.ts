import type { AuditEvent } from "@depinfer/protocol";
import type { ContractName } from "./abi.ts";
import type { ChainEvent } from "./follow.ts";
import { VERDICTS } from "./receipts.ts";
import { ROLES } from "./registry.ts";

/** The contracts whose events the public record of audits is made of. */
export const AUDIT_CONTRACTS: readonly ContractName[] = ["providerRegistry", "validatorSet", "receiptLog"];

/** What a batch of events means for the public record, in the same order; everything else is left out. */
export function auditEvents(events: readonly ChainEvent[]): AuditEvent[] {
  return events.flatMap((event): AuditEvent[] => {
    const block = Number(event.blockNumber);
    switch (event.eventName) {
      case "Registered":
        return ROLES[event.args.role] === "provider"
          ? [{ kind: "provider", block, provider: event.args.operator }]
          : [];
      case "MemberJoined":
      case "MemberClassesSet": {
        const { validator, classIds } = event.args;
        const kind = event.eventName === "MemberJoined" ? "joined" : "classes";
        return [{ kind, block, validator, classIds: [...classIds] }];
      }
      case "MemberLeaving":
        return [{ kind: "leaving", block, validator: event.args.validator }];
      case "MemberLeft":
        return [{ kind: "left", block, validator: event.args.validator }];
      case "RootPosted": {
        const { provider, epoch, count } = event.args;
        return [{ kind: "root", block, provider, epoch: Number(epoch), count }];
      }
      case "BeaconDrawn": {
        const { provider, epoch, beacon, targetBlock } = event.args;
        return [{ kind: "beacon", block, provider, epoch: Number(epoch), beacon, targetBlock: Number(targetBlock) }];
      }
      case "Attested": {
        const {
          validator,
          provider,
          epoch,
          receiptDigest: digest,
          classId,
          tokens,
          mismatches,
          marginMicros,
        } = event.args;
        const verdict = VERDICTS[event.args.verdict];
        if (verdict === undefined || verdict === "none") {
          return [];
        }
        return [
          {
            kind: "attested",
            block,
            validator,
            provider,
            epoch: Number(epoch),
            digest,
            classId,
            verdict,
            tokens,
            mismatches,
            marginMicros: Number(marginMicros),
          },
        ];
      }
      default:
        return [];
    }
  });
}
