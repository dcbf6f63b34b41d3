import type { IndexedEvent } from "@depinfer/protocol/api";
import { dateTime, duration } from "../../format/time.ts";
import { Id, Money, When } from "../../ui/figures.tsx";
import { Empty } from "../../ui/state.tsx";
import { eventValue, words } from "./event-values.ts";
import styles from "./explorer.module.css";
import { placeOf } from "./places.ts";

/** More are in the JSON; a page of thousands of events helps nobody. */
const MOST = 100;

/** What contracts said, in their order, with links to everything that it names. */
export function EventList({
  events,
  none,
  about,
}: {
  readonly events: readonly IndexedEvent[];
  readonly none: string;
  /** Id of what the page is about: that each event names it need not be said again. */
  readonly about?: string;
}) {
  if (events.length === 0) {
    return <Empty title={none} />;
  }
  return (
    <>
      <ol className={styles.events}>
        {events.slice(0, MOST).map((event) => (
          <li key={`${event.block} ${event.logIndex}`}>
            <EventHead event={event} />
            <dl className={styles.args}>
              {Object.entries(event.args)
                .filter(([, value]) => value !== about)
                .map(([name, value]) => (
                  <div key={name}>
                    <dt>{words(name)}</dt>
                    <dd>
                      <Argument name={name} value={value} args={event.args} />
                    </dd>
                  </div>
                ))}
            </dl>
          </li>
        ))}
      </ol>
      {events.length > MOST && <p className={styles.small}>The other {events.length - MOST} are in the JSON.</p>}
    </>
  );
}

function EventHead({ event: { name, contract, block, tx, at } }: { readonly event: IndexedEvent }) {
  return (
    <div className={styles.eventHead}>
      <h3>{words(name)}</h3>
      <span className={styles.small}>{words(contract)}</span>
      <span className={styles.small}>
        block <Id id={String(block)} to={placeOf("block", String(block))} />
      </span>
      <span className={styles.small}>
        transaction <Id id={tx} to={placeOf("tx", tx)} />
      </span>
      {at !== null && (
        <span className={styles.small}>
          <When at={at} />
        </span>
      )}
    </div>
  );
}

function Argument({
  name,
  value,
  args,
}: {
  readonly name: string;
  readonly value: unknown;
  readonly args: Readonly<Record<string, unknown>>;
}) {
  if (Array.isArray(value) && value.length > 0) {
    const singular = name.replace(/s$/, "");
    return (
      <ul>
        {[...new Set(value.map(String))].slice(0, MOST).map((one) => (
          <li key={one}>
            <Argument name={singular} value={one} args={args} />
          </li>
        ))}
      </ul>
    );
  }
  const read = eventValue(name, value, args);
  switch (read.as) {
    case "link":
      return <Id id={read.id} to={read.to} />;
    case "id":
      return <Id id={read.id} />;
    case "money":
      return <Money units={read.units} />;
    case "time":
      return dateTime(read.at);
    case "duration":
      return duration(read.milliseconds);
    default:
      return read.text === "" ? "empty" : read.text;
  }
}
