import { createLlamaEngine } from "@depinfer/inference";
import { expect, test } from "vitest";
import { embeddedModels } from "../../home.ts";
import { createEngineKeeper } from "./engine-keeper.ts";

const log = () => undefined;

test("an engine is loaded once for all who want the same, and given back when nobody does", async () => {
  let loaded = 0;
  let disposed = 0;
  const keeper = createEngineKeeper(
    log,
    async (options) => {
      loaded += 1;
      const engine = await createLlamaEngine(options);
      return {
        ...engine,
        async dispose() {
          disposed += 1;
          await engine.dispose();
        },
      };
    },
    30,
  );
  const tiny = { modelPath: embeddedModels.tiny };
  const classes = [
    await keeper.lend(tiny, async (engine) => engine.description.classId),
    await keeper.lend({ ...tiny }, async (engine) => engine.description.classId),
  ];
  expect(new Set(classes).size).toBe(1);
  expect(loaded).toBe(1);
  const other = await keeper.lend(
    { modelPath: embeddedModels.tinyLowPrecision },
    async (engine) => engine.description.classId,
  );
  expect(other).not.toBe(classes[0]);
  expect({ loaded, disposed }).toEqual({ loaded: 2, disposed: 1 });
  await expect.poll(() => disposed).toBe(2);
  await keeper.lend(tiny, async () => undefined);
  expect(loaded).toBe(3);
  await keeper.stop();
  expect(disposed).toBe(3);
});

test("work that fails, and weights that are not there, leave it usable", async () => {
  const keeper = createEngineKeeper(log);
  const tiny = { modelPath: embeddedModels.tiny };
  await expect(keeper.lend({ modelPath: "/nowhere.gguf" }, async () => undefined)).rejects.toMatchObject({
    code: "model.missing",
  });
  await expect(keeper.lend(tiny, () => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
  expect(await keeper.lend(tiny, async () => "fine")).toBe("fine");
  await keeper.stop();
});
