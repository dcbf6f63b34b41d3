/*
 * Two peers may dial each other in the same instant, and a peer may dial again before we noticed that its old link is
 * dead. Either way one link must survive, and both sides must choose the same one without talking about it:
 *
 *   1. The peer restarted (another `instance` in HELLO): the new link. The old one leads to a dead process.
 *   2. Opened by the same side as before: the new link. That side would not have dialled while it had one.
 *   3. Opened by different sides: the one whose opener has the smaller peer id.
 *
 * The loser stays for a moment, so that requests already opened on it come through, but gets no new ones.
 */

/** What the table needs to know of a link. */
export interface TabledLink {
  readonly peerId: string;
  readonly initiator: boolean;
  readonly remoteHello: { readonly instance: string };
  /** Closes once nothing is open on it. */
  retire(): void;
  close(reason: string): void;
}

/** The link that serves each peer. */
export class LinkTable<T extends TabledLink> {
  readonly #links = new Map<string, T>();
  readonly #localPeerId: string;

  constructor(localPeerId: string) {
    this.#localPeerId = localPeerId;
  }

  get size(): number {
    return this.#links.size;
  }

  get(peerId: string): T | undefined {
    return this.#links.get(peerId);
  }

  all(): readonly T[] {
    return [...this.#links.values()];
  }

  /** Enters a link that just got ready. Retires the loser when there was one; false when that is the new link. */
  admit(link: T): boolean {
    const present = this.#links.get(link.peerId);
    if (present !== undefined && this.#survivor(present, link) === present) {
      link.retire();
      return false;
    }
    this.#links.set(link.peerId, link);
    if (present !== undefined) {
      if (present.remoteHello.instance === link.remoteHello.instance) {
        present.retire();
      } else {
        present.close("the peer restarted");
      }
    }
    return true;
  }

  remove(link: T): void {
    if (this.#links.get(link.peerId) === link) {
      this.#links.delete(link.peerId);
    }
  }

  #survivor(present: T, arrived: T): T {
    if (present.remoteHello.instance !== arrived.remoteHello.instance || present.initiator === arrived.initiator) {
      return arrived;
    }
    const openedHere = present.initiator ? present : arrived;
    const openedThere = present.initiator ? arrived : present;
    return this.#localPeerId < present.peerId ? openedHere : openedThere;
  }
}
