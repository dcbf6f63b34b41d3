export type { Adversary, AdversaryGroup } from "./adversary.ts";
export { type Laboratory, type LaboratoryOptions, LOWER_PRECISIONS, openLaboratory } from "./laboratory.ts";
export { ADVERSARY_GROUPS, ADVERSARY_ZOO, adversaryNamed } from "./zoo.ts";
