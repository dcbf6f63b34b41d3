export { createRandom, normal, pareto, type Random } from "@depinfer/economics";
