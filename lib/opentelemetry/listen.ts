import { subscribe, unsubscribe } from "node:diagnostics_channel";

/** Listens to the messages of an application. @returns the function that stops */
export function listen(channel: string | symbol, appId: string, act: (message: never) => void): () => void {
  const listener = (message: unknown): void => {
    if ((message as { readonly appId: string }).appId === appId) act(message as never);
  };
  subscribe(channel, listener);
  return () => {
    unsubscribe(channel, listener);
  };
}
