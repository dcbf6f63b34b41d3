/*
 * What canaries are written from as long as few requests are public. Written for this purpose.
 */

export const CORPUS: readonly string[] = [
  "Tell me a short story about a fox that learns to share its food with the birds of the forest.",
  "Write a friendly letter to a neighbour who has just moved into the house at the end of the street.",
  "Explain in simple words how a bridge carries the weight of the cars that drive over it every day.",
  "What are three good reasons to walk to work instead of taking the bus when the weather is fine?",
  "Give me a recipe for a warm soup with carrots, onions and a little ginger for a cold evening.",
  "Summarise the most important points of this meeting in five short lines that I can send to my team.",
  "Please correct the spelling of the following text and tell me which words were wrong and why.",
  "Who was the first person to cross the sea in a small boat alone, and how long did the journey take?",
  "Make a list of things that I should pack for a weekend in the mountains with two small children.",
  "Translate this sentence into plain language that a student in the sixth class can understand at once.",
  "How do I ask my manager for a day off next week without sounding rude or too apologetic?",
  "Write a poem about the first snow of the year and the sound of footsteps in the empty garden.",
  "Compare a bicycle with a scooter for short trips in the city and say which one is cheaper to keep.",
  "Tell me a joke about a computer that refuses to start before it has had its morning coffee.",
  "Describe the life of a bee from the day it leaves the hive until it comes back with its last load.",
  "I have twenty minutes before the train leaves; which small exercise can I do at the station?",
  "Write a short product text for a lamp made of old bottles that gives a soft and steady light.",
  "What is the difference between weather and climate, and why do people often confuse the two?",
  "Help me plan a birthday party for a friend who likes old films, long walks and quiet evenings.",
  "Explain how a loan works, what interest means and what happens if a payment comes too late.",
  "Write the first page of a story in which a lighthouse keeper finds a message in a bottle.",
  "Which questions should I ask before I rent a flat in a city that I do not know very well?",
  "Turn these notes into a clear paragraph and keep every number exactly as it is written here.",
  "Suggest a name for a small shop that repairs clocks and sells books about the history of time.",
];

export const INSTRUCTION = "You are a helpful assistant.";
