import { type Generation, type NamedTensors, wrongEndpoint } from "@depinfer/protocol";

/**
 * The input of a request for an engine of tensors.
 *
 * @throws DepinferError `request.invalid` when the request is about text.
 */
export function tensorsOf({ prompt }: Generation): NamedTensors {
  if (!("tensors" in prompt)) {
    throw wrongEndpoint("text", "tensors");
  }
  return prompt.tensors;
}
