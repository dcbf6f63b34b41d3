/** Short stories: a hero with a name and a trait, a set-up, a problem, a turn brought by a friend, and an ending. */
import { type Block, block, readBlocks } from "./blocks.ts";
import { type Cast, castStory, type Wish } from "./cast.ts";
import { type Conversation, fill, type Turn, vary } from "./conversation.ts";
import type { Random } from "./random.ts";
import { phrasings, type Split } from "./split.ts";
import { capital, cities, plural, traits, withArticle } from "./words.ts";

const plots = [...readBlocks("plots").values()];
const requests = readBlocks("requests");
const wordings = (name: string, split: Split): readonly string[] => {
  const found = block(requests, name);
  const held = phrasings(found.items("ask"), split);
  return split === "train" ? [...found.items("always"), ...held] : held;
};

/** A wording that names the slot, if the chosen ones do not: what was asked for must occur. */
function insist(random: Random, plot: Block, beats: string[], slot: string): void {
  if (beats.some((beat) => beat.includes(slot))) return;
  const choices = plot
    .groups("beat")
    .flatMap((group, i) => group.filter((beat) => beat.includes(slot)).map((beat) => ({ beat, i })));
  if (choices.length === 0) return;
  const { beat, i } = random.pick(choices);
  beats[i] = beat;
}

/** {H} is mostly the hero's name, and sometimes "the fox". */
function tell(random: Random, beat: string, cast: Cast): string {
  const named = beat.replace(/\{H\}/g, () => (random.chance(0.75) ? cast.name : `the ${cast.kind}`));
  return capital(fill(named, cast.slots));
}

function introduce(random: Random, cast: Cast, trait: string): string {
  const noun = withArticle(`${trait} ${cast.kind}`);
  const common = [
    `Once upon a time there was ${noun} named ${cast.name}.`,
    `There once was ${noun} called ${cast.name}.`,
  ];
  if (cast.isChild) return random.pick(common);
  const where = random.pick(["the sea", "the hills", "a small town", "a deep forest", random.pick(cities)]);
  return random.pick([
    ...common,
    `${cast.name} was ${noun}.`,
    `Long ago, near ${where}, lived ${noun} named ${cast.name}.`,
    `In a land far away there lived ${noun} named ${cast.name}.`,
  ]);
}

const endings = ["The end.", "And they lived happily ever after.", "And that is the end of the story.", ""];

/** What the story was asked to be about: "a brave fox named Tom", "a fox in the garden", "foxes". */
function about(random: Random, plot: Block, cast: Cast, wish: Wish, body: string): string {
  const described = wish.trait ? `${wish.trait} ${cast.kind}` : cast.kind;
  const hero =
    cast.isChild && random.chance(0.4)
      ? cast.name
      : `${withArticle(described)}${wish.name || cast.isChild ? ` named ${cast.name}` : ""}`;
  const occurs = (word: string | undefined) => word !== undefined && body.includes(` ${word}`);
  const who = fill(random.pick(plot.items("who")), { ...cast.slots, H: cast.name });
  const choices = [
    hero,
    ...(wish.friend ? [`${hero} and ${withArticle(wish.friend)}`] : []),
    ...(occurs(wish.thing)
      ? [`${hero} and ${withArticle(wish.thing ?? "")}`, `${hero} with ${withArticle(wish.thing ?? "")}`]
      : []),
    ...(occurs(wish.place) ? [`${hero} in the ${wish.place}`] : []),
    ...(!wish.name && !cast.isChild && !wish.trait ? [`the ${cast.kind}`, plural(cast.kind), cast.kind] : []),
  ];
  const special = choices.length > 1 && random.chance(0.5) ? choices.slice(1) : choices;
  return random.chance(0.25) ? `${hero} who ${who}` : random.pick(special);
}

interface Told {
  turn: Turn;
  cast: Cast;
  plot: Block;
  wished: boolean;
}

function storyTurn(random: Random, split: Split): Told {
  const plot = random.pick(plots);
  const { cast, wish } = castStory(random, split);
  const beats = plot.groups("beat").map((group) => random.pick(group));
  if (wish.place) insist(random, plot, beats, "P}");
  if (wish.thing) insist(random, plot, beats, "{T}");
  const body = beats.map((beat) => tell(random, beat, cast)).join(" ");
  const trait = wish.trait ?? random.pick(traits);
  const assistant = `${introduce(random, cast, trait)} ${body} ${random.pick(endings)}`.trim();
  const wished = !wish.none;
  if (!wished)
    return { turn: { user: vary(random, random.pick(wordings("bare", split))), assistant }, cast, plot, wished };
  const opener = random.pick(wordings("openers", split));
  const mark = /^(Can|Could|Would|Do|How)/.test(opener) ? "?" : ".";
  const request = `${opener} about ${about(random, plot, cast, wish, body)}${mark}`;
  return {
    turn: { user: random.chance(0.75) || wish.name ? request : vary(random, request), assistant },
    cast,
    plot,
    wished,
  };
}

function question(random: Random, split: Split, { cast, plot }: Told): Turn {
  const slots = { ...cast.slots, H: cast.name };
  const generic: [string, string][] = [
    ["name", `The ${cast.kind} was called ${cast.name}.`],
    ["about", cast.isChild ? `It was about ${cast.name}.` : `It was about ${cast.name} the ${cast.kind}.`],
    ["friend", `The ${cast.slots.f} was called ${cast.slots.F}.`],
  ];
  if (random.chance(0.5)) {
    const [name, assistant] = random.pick(generic);
    return { user: fill(random.pick(wordings(name, split)), slots), assistant };
  }
  const { left, right } = random.pick(plot.pairs("then"));
  return { user: fill(random.pick(left), slots), assistant: fill(right, slots) };
}

export function story(random: Random, split: Split): Conversation {
  const told = storyTurn(random, split);
  if (random.chance(0.2))
    return { task: "story question", closed: true, turns: [told.turn, question(random, split, told)] };
  if (random.chance(0.04)) {
    const again = { user: random.pick(wordings("more", split)), assistant: storyTurn(random, split).turn.assistant };
    return { task: "story", closed: false, turns: [told.turn, again] };
  }
  const mentions = told.cast.isChild ? told.cast.name : told.cast.kind;
  return { task: "story", closed: false, turns: [told.turn], ...(told.wished && { mentions }) };
}
