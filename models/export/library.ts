/** Prints the folder of the llama.cpp library that node-llama-cpp ships for this platform. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const platform = `${process.platform}-${process.arch}`;
const entry = createRequire(import.meta.url).resolve(`@node-llama-cpp/${platform}`);
console.log(join(dirname(entry), "..", "bins", platform));
