import { z } from "zod";
import { type Eip1193Provider, isProvider, type WalletChoice } from "./provider.ts";

/** What a wallet says of itself (https://eips.ethereum.org/EIPS/eip-6963); its icon is not shown. */
const announcementSchema = z.object({
  info: z.object({ uuid: z.string().max(100), name: z.string().max(200), rdns: z.string().max(200) }),
  provider: z.custom<Eip1193Provider>(isProvider),
});
/** A hostile extension could announce without end. */
const MOST = 16;
const NAME_LENGTH = 40;

/**
 * Tells of the injected wallets, again with each that announces itself; one that only sets `window.ethereum` is there
 * from the start and gives way to its announcement.
 *
 * @returns stops it.
 */
export function watchInjected(onChange: (wallets: readonly WalletChoice[]) => void, page: Window = window): () => void {
  const announced = new Map<string, WalletChoice>();
  const tell = () => {
    const wallets = [...announced.values()];
    const legacy: unknown = Reflect.get(page, "ethereum");
    onChange(
      isProvider(legacy) && wallets.length === 0
        ? [{ id: "window.ethereum", name: "Browser wallet", test: false, provider: legacy }]
        : wallets,
    );
  };
  const take = (event: Event) => {
    const parsed = announcementSchema.safeParse(event instanceof CustomEvent ? event.detail : null);
    if (!parsed.success || (announced.size >= MOST && !announced.has(parsed.data.info.rdns))) {
      return;
    }
    const { info, provider } = parsed.data;
    const id = info.rdns === "" ? info.uuid : info.rdns;
    announced.set(id, { id, name: info.name.slice(0, NAME_LENGTH) || id, test: false, provider });
    tell();
  };
  page.addEventListener("eip6963:announceProvider", take);
  page.dispatchEvent(new Event("eip6963:requestProvider"));
  tell();
  return () => page.removeEventListener("eip6963:announceProvider", take);
}
