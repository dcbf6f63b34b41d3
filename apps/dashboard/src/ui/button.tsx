import type { ComponentProps } from "react";
import { Link } from "react-router";
import styles from "./button.module.css";
import { Icon, type IconName } from "./icon.tsx";

interface Look {
  readonly kind?: "plain" | "primary" | "quiet" | "danger";
  readonly small?: boolean;
  readonly icon?: IconName;
}

function classOf({ kind = "plain", small = false }: Look, only: boolean, given: string | undefined): string {
  return [styles.button, styles[kind], small ? styles.small : "", only ? styles.icon : "", given]
    .filter(Boolean)
    .join(" ");
}

/** A button. One with an icon and no words needs `aria-label`. */
export function Button({ kind, small, icon, className, children, ...rest }: Look & ComponentProps<"button">) {
  const look = { ...(kind === undefined ? {} : { kind }), ...(small === undefined ? {} : { small }) };
  return (
    <button type="button" {...rest} className={classOf(look, children === undefined, className)}>
      {icon !== undefined && <Icon name={icon} size={small === true ? 16 : 18} />}
      {children}
    </button>
  );
}

/** A link that looks like a button, to another place of the app. */
export function ButtonLink({ kind, small, icon, className, children, ...rest }: Look & ComponentProps<typeof Link>) {
  const look = { ...(kind === undefined ? {} : { kind }), ...(small === undefined ? {} : { small }) };
  return (
    <Link {...rest} className={classOf(look, false, className)}>
      {icon !== undefined && <Icon name={icon} size={small === true ? 16 : 18} />}
      {children}
    </Link>
  );
}
