import type { Hex } from "@depinfer/protocol";
import { encodeFunctionData } from "viem";
import { ABIS } from "./abi.ts";
import type { Rpc } from "./rpc.ts";
import type { WriteResult, Writer } from "./writer.ts";

/** The number of a role on chain is its position here. */
export const ROLES = ["none", "provider", "validator"] as const;
export type Role = "provider" | "validator";

/** One registered operator. Addresses are in lower case. */
export interface Operator {
  readonly operator: Hex;
  readonly role: Role;
  readonly receiptKey: Hex;
  /** The bytes of the libp2p peer id's multihash. */
  readonly peerId: Hex;
  /** Where the operator says it can be found; empty when it says nothing. */
  readonly endpointHint: string;
  readonly classIds: readonly Hex[];
  /** Unix second of the registration. */
  readonly registeredAt: number;
}

export interface Registration {
  readonly role: Role;
  readonly receiptKey: Hex;
  readonly peerId: Hex;
  readonly endpointHint?: string;
}

/** Who serves and who audits. */
export interface Registry {
  readonly address: Hex;
  register(registration: Registration): Promise<WriteResult>;
  /** Replaces everything but the role. */
  update(entry: Omit<Registration, "role">): Promise<WriteResult>;
  deregister(): Promise<WriteResult>;
  setClasses(classIds: readonly Hex[]): Promise<WriteResult>;
  byOperator(operator: Hex): Promise<Operator | undefined>;
  /** Finds the operator by any receipt key that it ever registered. */
  byReceiptKey(receiptKey: Hex): Promise<Operator | undefined>;
  list(): Promise<readonly Operator[]>;
}

const abi = ABIS.providerRegistry;
/** Entries per call: about 0.1 Mgas each, well below the gas that endpoints allow a call. */
const PAGE = 50n;

interface Entry {
  readonly operator: Hex;
  readonly receiptKey: Hex;
  readonly role: number;
  readonly registeredAt: number;
  readonly peerId: Hex;
  readonly endpointHint: string;
  readonly classIds: readonly Hex[];
}

export function createRegistry({ rpc, writer, address }: { rpc: Rpc; writer: Writer; address: Hex }): Registry {
  const send = (action: string, data: Hex) => writer.send({ to: address, data, action });

  return {
    address,
    register: ({ role, receiptKey, peerId, endpointHint = "" }) =>
      send(
        "registry.register",
        encodeFunctionData({
          abi,
          functionName: "register",
          args: [ROLES.indexOf(role), receiptKey, peerId, endpointHint],
        }),
      ),
    update: ({ receiptKey, peerId, endpointHint = "" }) =>
      send(
        "registry.update",
        encodeFunctionData({ abi, functionName: "update", args: [receiptKey, peerId, endpointHint] }),
      ),
    deregister: () => send("registry.deregister", encodeFunctionData({ abi, functionName: "deregister" })),
    setClasses: (classIds) =>
      send("registry.setClasses", encodeFunctionData({ abi, functionName: "setClasses", args: [classIds] })),
    async byOperator(operator) {
      return toOperator(
        await rpc.ask("registry.byOperator", (client) =>
          client.readContract({ address, abi, functionName: "byOperator", args: [operator] }),
        ),
      );
    },
    async byReceiptKey(receiptKey) {
      return toOperator(
        await rpc.ask("registry.byReceiptKey", (client) =>
          client.readContract({ address, abi, functionName: "byReceiptKey", args: [receiptKey] }),
        ),
      );
    },
    list: () =>
      rpc.ask("registry.list", async (client) => {
        // All pages of one block, since a removal in between would move an entry past the reader.
        const blockNumber = await client.getBlockNumber();
        const found: Operator[] = [];
        for (let offset = 0n; ; offset += PAGE) {
          const page = await client.readContract({
            address,
            abi,
            functionName: "list",
            args: [offset, PAGE],
            blockNumber,
          });
          found.push(...page.flatMap((entry) => toOperator(entry) ?? []));
          if (page.length < Number(PAGE)) {
            return found;
          }
        }
      }),
  };
}

function toOperator(entry: Entry): Operator | undefined {
  const role = ROLES[entry.role];
  if (role === undefined || role === "none") {
    return undefined;
  }
  return {
    operator: lower(entry.operator),
    role,
    receiptKey: lower(entry.receiptKey),
    peerId: entry.peerId,
    endpointHint: entry.endpointHint,
    classIds: entry.classIds,
    registeredAt: entry.registeredAt,
  };
}

function lower(address: Hex): Hex {
  return `0x${address.slice(2).toLowerCase()}`;
}
