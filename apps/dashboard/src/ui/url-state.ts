import { useCallback } from "react";
import { useSearchParams } from "react-router";

/**
 * A piece of state that stands in the URL, so that a link shows what its sender saw. The initial value is left out.
 */
export function useUrlState(name: string, initial: string): [string, (value: string) => void] {
  const [parameters, setParameters] = useSearchParams();
  const set = useCallback(
    (value: string) =>
      setParameters(
        () => {
          // What the router has rendered may be older than the URL: of two quick changes the first must not be lost.
          const next = new URLSearchParams(location.hash.split("?")[1]);
          if (value === initial) {
            next.delete(name);
          } else {
            next.set(name, value);
          }
          return next;
        },
        { replace: true },
      ),
    [name, initial, setParameters],
  );
  return [parameters.get(name) ?? initial, set];
}

/** The value if it is one of a list, else the first: a URL may hold anything. */
export function oneOf<Value extends string>(value: string, choices: readonly [Value, ...Value[]]): Value {
  return choices.find((choice) => choice === value) ?? choices[0];
}
