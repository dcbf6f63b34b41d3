/** Shows what is being done, with times. On a terminal the running step is redrawn; elsewhere each step is a line. */
export interface Steps {
  run<Result>(title: string, work: (note: (text: string) => void) => Promise<Result>): Promise<Result>;
  notice(text: string): void;
}

/** Steps go to standard error, so that standard output holds only the answer. */
export function createSteps(stream: NodeJS.WriteStream = process.stderr): Steps {
  const terminal = stream.isTTY === true;
  const clear = terminal ? "\r\x1b[2K" : "";
  return {
    async run(title, work) {
      const started = performance.now();
      let note = "";
      const draw = () => stream.write(`${clear}  … ${title}${note === "" ? "" : ` (${note})`}`);
      if (terminal) {
        draw();
      }
      try {
        const result = await work((text) => {
          note = text;
          if (terminal) {
            draw();
          }
        });
        stream.write(`${clear}  ✓ ${title}${note === "" ? "" : `: ${note}`} ${seconds(started)}\n`);
        return result;
      } catch (error) {
        stream.write(`${clear}  ✗ ${title} ${seconds(started)}\n`);
        throw error;
      }
    },
    notice(text) {
      stream.write(`${clear}  ! ${text}\n`);
    },
  };
}

function seconds(started: number): string {
  return `(${((performance.now() - started) / 1000).toFixed(1)} s)`;
}
