import type { Money as MoneyState } from "@depinfer/protocol/api";
import { Badge } from "../../../ui/badge.tsx";
import { Money } from "../../../ui/figures.tsx";
import { Panel } from "../../../ui/panel.tsx";
import styles from "../money.module.css";
import { faultOf } from "./where.ts";

/** Whether all money of the deployment is accounted for. */
export function SupplyPanel({ money }: { readonly money: MoneyState }) {
  const { total, keepers } = money.supply;
  const fault = faultOf(money);
  const others = keepers.filter(({ held, ours }) => held !== ours);
  return (
    <Panel
      title="Does it add up?"
      explain="The supply of the dollar is held against the sum of everything above and what is left in contracts and elsewhere. The page adds it up itself."
      note={fault === null ? <Badge tone="proof">it adds up</Badge> : <Badge tone="fail">it does not add up</Badge>}
    >
      {fault !== null && <p role="alert">{fault}</p>}
      <table className={styles.sum}>
        <tbody>
          <tr>
            <th scope="row">is in the positions above</th>
            <td>
              <Money units={money.total} />
            </td>
          </tr>
          {others.map(({ keeper, held, ours, rest }) => (
            <tr key={keeper}>
              <th scope="row">{rest.slice(0, 200)}</th>
              <td>
                <Money units={held - ours} />
              </td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">exist on this chain</th>
            <td>
              <Money units={total} />
            </td>
          </tr>
        </tfoot>
      </table>
    </Panel>
  );
}
