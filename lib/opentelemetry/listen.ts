import { subscribe, unsubscribe } from "node:diagnostics_channel";

/** Listens to the messages of an application. @returns the function that stops */
export function listen<Message extends { readonly appId: string }>(
  channel: string | symbol,
  appId: string,
  act: (message: Message) => void,
): () => void {
  const listener = (message: unknown): void => {
    if ((message as Message).appId === appId) act(message as Message);
  };
  subscribe(channel, listener);
  return () => {
    unsubscribe(channel, listener);
  };
}
